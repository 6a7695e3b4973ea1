"""What was typed about maps and their entries, read into values; and how colours, editors and changes are called."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import NamedTuple, TypeVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.errors import BadRequest
from app.forms.map_values import sentence_of
from app.forms.values import read_span
from app.models import Colour, Editors, Map, MapEntry, RevisionVerb
from app.queries.fields import Op
from app.queries.map_conflicts import Clash
from app.queries.maps import State, Wish
from app.rspamd.map_kinds import MapKind
from app.rspamd.map_values import Value, WrongValue, read_value

COLOURS = {Colour.ALLOW: _l("Allow"), Colour.DENY: _l("Block"), Colour.NEUTRAL: _l("Neither")}
EDITORS = {
    Editors.ADMINS: _l("Admins"),
    Editors.DOMAIN_ADMINS: _l("Admins and domain admins"),
    Editors.EVERYBODY: _l("Everybody, for their own addresses"),
}
READY_MADE = {
    "mail_from_whitelist": _l("Envelope senders allowed"),
    "mail_from_blacklist": _l("Envelope senders blocked"),
    "mime_from_whitelist": _l("Header senders allowed"),
    "mime_from_blacklist": _l("Header senders blocked"),
    "ip_whitelist": _l("IP addresses allowed"),
    "ip_blacklist": _l("IP addresses blocked"),
    "mail_from_rcpt_to_whitelist": _l("Envelope senders allowed by recipients"),
    "mail_from_rcpt_to_blacklist": _l("Envelope senders blocked by recipients"),
    "mime_from_rcpt_to_whitelist": _l("Header senders allowed by recipients"),
    "mime_from_rcpt_to_blacklist": _l("Header senders blocked by recipients"),
}
"""Titles, as long as nobody gives them others."""
STATES = {State.ON: _l("in effect"), State.OFF: _l("disabled"), State.EXPIRED: _l("expired"), State.EXPIRES: _l("will expire")}
REVISIONS = {
    RevisionVerb.MADE: _l("made the map"),
    RevisionVerb.COPIED: _l("copied the entries of another map"),
    RevisionVerb.SETTINGS: _l("changed the settings"),
    RevisionVerb.ADDED: _l("added"),
    RevisionVerb.CHANGED: _l("changed"),
    RevisionVerb.REMOVED: _l("removed"),
    RevisionVerb.ENABLED: _l("enabled"),
    RevisionVerb.DISABLED: _l("disabled"),
    RevisionVerb.EXPIRY_SET: _l("set when entries expire"),
    RevisionVerb.IMPORTED: _l("imported"),
    RevisionVerb.ROLLED_BACK: _l("went back"),
}
CLASHES = {
    Clash.BOTH: _l("The other list has it, too"),
    Clash.CONTRADICTED: _l("The other list has all that this is part of"),
    Clash.COVERED: _l("Another entry says it already"),
    Clash.EXPIRED: _l("Expired"),
}
ACTS = {
    "enable": RevisionVerb.ENABLED,
    "disable": RevisionVerb.DISABLED,
    "remove": RevisionVerb.REMOVED,
    "expire": RevisionVerb.EXPIRY_SET,
}
_LONGEST = 1000
Choice = TypeVar("Choice", bound=StrEnum)


class Typed(NamedTuple):
    value: Value
    comment: str
    enabled: bool
    expires_at: datetime | None


def entry_fields(values: Mapping[str, str]) -> dict[str, str]:
    """As they were typed."""
    names = ("value", "sender", "rcpt", "data", "symbol", "score", "comment", "expires")
    fields = {name: values.get(name, "").strip()[:_LONGEST] for name in names}
    return fields | {"enabled": "1" if "enabled" in values else ""}


def fields_of(entry: MapEntry, zone: tzinfo) -> dict[str, str]:
    """The other way, for a form."""
    expires = entry.expires_at.replace(tzinfo=UTC).astimezone(zone).strftime("%Y-%m-%dT%H:%M") if entry.expires_at else ""
    score = "" if entry.score is None else f"{entry.score:g}"
    names = {name: getattr(entry, name) for name in ("value", "sender", "rcpt", "data", "symbol", "comment")}
    return names | {"score": score, "expires": expires, "enabled": "1" if entry.enabled else ""}


def read_entry(kind: MapKind, fields: Mapping[str, str], zone: tzinfo) -> Typed:
    """BadRequest with the sentence that says what is wrong."""
    text = f"{fields['sender']}|{fields['rcpt']}" if kind is MapKind.PAIR and not fields["value"] else fields["value"]
    score = read_score(fields["score"]) if fields["score"] else None
    try:
        value = read_value(kind, text, data=fields["data"], symbol=fields["symbol"].upper(), score=score)
    except WrongValue as wrong:
        raise BadRequest(sentence_of(wrong)) from None
    return Typed(value, fields["comment"], bool(fields["enabled"]), read_expiry(fields["expires"], zone))


def read_expiry(text: str, zone: tzinfo) -> datetime | None:
    """A moment, or the end of a day; as columns keep it."""
    if not text.strip():
        return None
    first, last = read_span(Op.ON, text, zone)
    moment = last if len(text.strip()) <= 10 else first
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def read_score(text: str) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        raise BadRequest(_("“%(text)s” is no number.", text=text[:100])) from None


def read_choice(kind: type[Choice], text: str) -> Choice:
    """A value of an enumeration."""
    try:
        return kind(text)
    except ValueError:
        raise BadRequest(_("“%(text)s” is none of what there is to choose.", text=text[:100])) from None


def read_wish(values: Mapping[str, str]) -> Wish:
    state = values.get("state", "")
    text, made_by = (values.get(name, "").replace("\0", "") for name in ("q", "by"))
    return Wish(text.strip()[:200], read_choice(State, state) if state else None, made_by[:100])


def wish_fields(wish: Wish) -> dict[str, str]:
    """As parameters of a URL."""
    fields = {"q": wish.text, "state": wish.state.value if wish.state else "", "by": wish.made_by}
    return {name: text for name, text in fields.items() if text}


def title_of(found: Map) -> str:
    """In the visitor's language where it is ours."""
    return found.title or str(READY_MADE.get(found.name, found.name))


def sender_label(found: Map) -> str:
    """Of a pair."""
    return str(_("Header From") if found.part == "mime_from" else _("Envelope sender"))
