"""Entries of maps for the demo: believable ones, some of which contradict, repeat or have outlived themselves."""

from datetime import timedelta

from sqlalchemy import select

from app.actor import SYSTEM
from app.clock import stored_now
from app.extensions import db
from app.models import Colour, Map, RevisionVerb
from app.queries.map_reach import EVERYTHING
from app.queries.maps import map_called
from app.rspamd.map_kinds import MapKind, MapPart
from app.rspamd.map_values import read_value
from app.services.map_change import Row, Wanted, changing
from app.services.maps import Definition, make_map

_ENTRIES = {
    "mail_from_blacklist": (
        ("bulk-offers.example", "never asked for"),
        ("news@casino-lucky.example", ""),
        ("invoice-4711.example", "false invoices"),
        ("promo@bulk-offers.example", ""),
    ),
    "mime_from_blacklist": (("parcel-tracking.example", "pretends to be the post"), ("winner@lottery.example", "")),
    "mime_from_whitelist": (("partner.example", "our carrier"), ("billing@parcel-tracking.example", "asked for by the accounts")),
    "ip_whitelist": (("192.0.2.10", "the branch office"), ("2001:db8:17::/48", "our own network")),
    "ip_blacklist": (("203.0.113.0/24", "guesses passwords"), ("203.0.113.99", "")),
    "mime_from_rcpt_to_whitelist": (("garden.example|example.com", "the whole house reads it"), ("partner.example|sales@example.com", "")),
    "mime_from_rcpt_to_blacklist": (("bulk.example|example.com", ""), ("promo@travel.example|anna.berg@example.com", "no more, please")),
    "subject_patterns": (
        ("/^(?:re: )?final notice/i", "threats"),
        ("/crypto.{0,20}doubl/i", "CRYPTO_DOUBLE:8"),
        ("/unpaid parcel fee/i", ""),
    ),
}
_OWN = Definition(
    "subject_patterns",
    "Subjects of known waves",
    MapKind.REGEXP,
    MapPart.SUBJECT,
    Colour.DENY,
    symbol="SUBJECT_PATTERNS_BL",
    score=6.0,
    description="What the help desk has seen more than once.",
)


def fill_maps() -> None:
    """Only where no map has ever been changed."""
    if db.session.scalar(select(Map.id).where(Map.revision > 0).limit(1)) is not None:
        return
    make_map(_OWN, actor=SYSTEM)
    for name, entries in _ENTRIES.items():
        found = map_called(EVERYTHING, name)
        with changing(found.id, RevisionVerb.ADDED, actor=SYSTEM) as change:
            change.put([_row(found, value, comment) for value, comment in entries])
    found = map_called(EVERYTHING, "mail_from_blacklist")
    with changing(found.id, RevisionVerb.ADDED, actor=SYSTEM) as change:
        soon, gone = change.now + timedelta(days=20), stored_now() - timedelta(days=2)
        change.put([_row(found, "spring-campaign.example", "until the wave is over") | {"expires_at": soon}])
        change.put(
            [_row(found, "winter-campaign.example", "") | {"expires_at": gone}, _row(found, "tracker.example", "") | {"enabled": False}]
        )


def _row(found: Map, value: str, comment: str) -> Row:
    return Wanted(read_value(MapKind(found.kind), value), comment).row()
