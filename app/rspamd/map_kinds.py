"""What the values of a map are, and what of a mail they may be compared with."""

from dataclasses import dataclass
from enum import StrEnum, unique

VALUE_LENGTH = 600
DATA_LENGTH = 1000
SYMBOL_LENGTH = 64
COMMENT_LENGTH = 500
"""Characters, at most."""


@unique
class MapKind(StrEnum):
    ADDRESS = "address"
    DOMAIN = "domain"
    ADDRESS_OR_DOMAIN = "address_or_domain"
    IP = "ip"
    ASN = "asn"
    COUNTRY = "country"
    URL = "url"
    HOST = "host"
    TEXT = "text"
    REGEXP = "regexp"
    KEY_VALUE = "key_value"
    VIRUS = "virus"
    PAIR = "pair"


@unique
class MapPart(StrEnum):
    """What of a mail."""

    NONE = "none"  # Rspamd, or something else, reads the map for a purpose of its own
    MAIL_FROM = "mail_from"
    MIME_FROM = "mime_from"
    RCPT = "rcpt"
    REPLY_TO = "reply_to"
    USER = "user"
    IP = "ip"
    ASN = "asn"
    COUNTRY = "country"
    HELO = "helo"
    HOSTNAME = "hostname"
    URL = "url"
    URL_HOST = "url_host"
    SUBJECT = "subject"
    HEADER = "header"
    BODY = "body"
    FILENAME = "filename"
    VIRUS = "virus"


SENDERS = (MapPart.MAIL_FROM, MapPart.MIME_FROM)
_ADDRESSES = (*SENDERS, MapPart.RCPT, MapPart.REPLY_TO)
_HOSTS = (MapPart.HELO, MapPart.HOSTNAME, MapPart.URL_HOST)
_TEXTS = (MapPart.SUBJECT, MapPart.HEADER, MapPart.FILENAME, MapPart.USER)

PARTS: dict[MapKind, tuple[MapPart, ...]] = {
    MapKind.ADDRESS: _ADDRESSES,
    MapKind.DOMAIN: (*_ADDRESSES, *_HOSTS),
    MapKind.ADDRESS_OR_DOMAIN: _ADDRESSES,
    MapKind.IP: (MapPart.IP,),
    MapKind.ASN: (MapPart.ASN,),
    MapKind.COUNTRY: (MapPart.COUNTRY,),
    MapKind.URL: (MapPart.URL,),
    MapKind.HOST: _HOSTS,
    MapKind.TEXT: _TEXTS,
    MapKind.REGEXP: (*_ADDRESSES, *_HOSTS, MapPart.URL, *_TEXTS, MapPart.BODY),
    MapKind.KEY_VALUE: (),
    MapKind.VIRUS: (MapPart.VIRUS,),
    MapKind.PAIR: SENDERS,
}
"""The first is what is usual. NONE is there for every kind but pairs."""


def may_be(kind: MapKind, part: MapPart) -> bool:
    return part in PARTS[kind] or (part is MapPart.NONE and kind is not MapKind.PAIR)


@dataclass(frozen=True, slots=True)
class MapRule:
    """Of a map what Rspamd has to know."""

    name: str
    title: str
    kind: MapKind
    part: MapPart
    header: str
    symbol: str
    score: float
    colour: str
    needs_proof: bool
    enabled: bool
