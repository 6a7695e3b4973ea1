"""What a mail of the log has that the entries of a map are compared with: told from its row, its recipients and its details."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any

from sqlalchemy import Row, func

from app.mime.addresses import addresses_of
from app.mime.headers import decode_value, parse_headers
from app.mime.private import for_recipient
from app.models import Mail, MailDetail, Map
from app.queries.fields import LOOKED_AT
from app.queries.scope import Scope
from app.rspamd.map_covers import keys_of
from app.rspamd.map_kinds import MapKind, MapPart
from app.rspamd.map_text import as_compared
from app.rspamd.personal import names_of, pairs_of, sides_of

CountryOf = Callable[[str], tuple[str, str] | None]
Recipients = Mapping[int, Sequence[str]]


@unique
class Untold(StrEnum):
    """Why the log cannot tell what a map's entries would have hit."""

    NOT_KEPT = "not_kept"  # what they are compared with is not in the log
    NO_PART = "no_part"  # nothing of a mail is compared with them
    NO_COUNTRIES = "no_countries"  # no GeoIP database is configured
    TOO_MANY = "too_many"  # so many regexps take too long


_COLUMNS: dict[MapPart, tuple[Any, ...]] = {
    MapPart.MAIL_FROM: (Mail.mail_from,),
    MapPart.MIME_FROM: (Mail.mime_from,),
    MapPart.RCPT: (),
    MapPart.USER: (Mail.user.label("user"),),
    MapPart.IP: (Mail.ip,),
    MapPart.COUNTRY: (Mail.ip,),
    MapPart.SUBJECT: (Mail.subject,),
    MapPart.REPLY_TO: (func.substr(MailDetail.headers, 1, LOOKED_AT).label("headers"),),
    MapPart.HEADER: (func.substr(MailDetail.headers, 1, LOOKED_AT).label("headers"),),
    MapPart.VIRUS: (MailDetail.virus,),
}
_OF_DETAILS = (MapPart.REPLY_TO, MapPart.HEADER, MapPart.VIRUS)


@dataclass(frozen=True, slots=True)
class Sampler:
    """Of one map: which columns are read, and what they say."""

    kind: MapKind
    part: MapPart
    header: str
    plus: str
    aliases: Mapping[str, str]
    country_of: CountryOf | None
    scope: Scope

    @property
    def columns(self) -> tuple[Any, ...]:
        return (Mail.id, *_COLUMNS[self.part])

    @property
    def needs_detail(self) -> bool:
        return self.part in _OF_DETAILS

    @property
    def needs_recipients(self) -> bool:
        return self.kind is MapKind.PAIR or self.part is MapPart.RCPT

    def keys(self, row: Row[Any], recipients: Recipients) -> set[str]:
        """The normal forms of all entries that would hit it."""
        if self.kind is not MapKind.PAIR:
            keys = {key for text in self.texts(row, recipients) for key in keys_of(self.kind, text)}
            return keys | {self.compared(key) for key in keys}
        sides = sides_of(getattr(row, self.part))
        names = (names_of(address, self.plus, self.aliases) for address in recipients.get(row.id, ()))
        return {value for each in names for value in pairs_of([sides], each)}

    def compared(self, value: str) -> str:
        return as_compared(self.kind, self.part, value)

    def texts(self, row: Row[Any], recipients: Recipients) -> Iterable[str]:
        """As they stand in the mail."""
        match self.part:
            case MapPart.RCPT:
                return recipients.get(row.id, ())
            case MapPart.COUNTRY:
                found = self.country_of(row.ip) if self.country_of and row.ip else None
                return (found[0],) if found else ()
            case MapPart.HEADER:
                return self._values(row.headers, self.header)
            case MapPart.REPLY_TO:
                return (address for value in self._values(row.headers, "reply-to") for address in addresses_of(value))
            case MapPart.USER:
                return (row.user,) if row.user else ()
        text = getattr(row, self.part)
        return (text,) if text else ()

    def _values(self, headers: str, name: str) -> Iterator[str]:
        """Who sees only some mail learns nothing of its other recipients by trying."""
        block = headers.encode("utf-8", "replace")
        fields = parse_headers(block if self.scope.everything else for_recipient(block, self.scope.owns), {name.lower()})
        return (decode_value(value) for _name, value in fields)


def sampler_of(scope: Scope, found: Map, plus: str, aliases: Mapping[str, str], country_of: CountryOf | None) -> Sampler | Untold:
    kind, part = MapKind(found.kind), MapPart(found.part)
    if part is MapPart.NONE:
        return Untold.NO_PART
    if part is MapPart.COUNTRY and country_of is None:
        return Untold.NO_COUNTRIES
    if part not in _COLUMNS:
        return Untold.NOT_KEPT
    return Sampler(kind, part, found.header, plus, aliases, country_of, scope)
