"""What is wrong with a value of a map, and what to mind of one that is right."""

from enum import StrEnum, unique

from app.mime.text import clean


@unique
class Wrong(StrEnum):
    EMPTY = "empty"
    TOO_LONG = "too_long"
    LINE_TOO_LONG = "line_too_long"
    NOT_UTF8 = "not_utf8"
    HIDDEN = "hidden"  # a control character, or one that nobody sees
    REMARK = "remark"  # begins with #
    QUOTES = "quotes"
    ADDRESS = "address"
    LOCAL_PART = "local_part"
    DOMAIN = "domain"
    SUBDOMAINS = "subdomains"
    ADDRESS_FOR_DOMAIN = "address_for_domain"
    IP = "ip"
    ASN = "asn"
    COUNTRY = "country"
    URL = "url"
    HOST = "host"
    BLANK = "blank"
    NO_DATA = "no_data"
    DATA = "data"
    DATA_NOT_HERE = "data_not_here"
    RESULT_NOT_HERE = "result_not_here"
    PAIR = "pair"
    REGEXP_FORM = "regexp_form"
    REGEXP_FLAG = "regexp_flag"
    REGEXP_SLASH = "regexp_slash"
    REGEXP_VERSION = "regexp_version"
    REGEXP = "regexp"
    SYMBOL = "symbol"
    SCORE = "score"
    COMMENT = "comment"
    ENABLED = "enabled"
    EXPIRES = "expires"
    FIELDS = "fields"
    JSON = "json"


@unique
class Caution(StrEnum):
    MASKED = "masked"  # a network was written by one of its addresses
    WIDE = "wide"
    MIXED_SCRIPTS = "mixed_scripts"
    NO_DOT = "no_dot"
    ALIAS = "alias"  # a tag or dots were taken off an address, as Rspamd does
    GOOGLEMAIL = "googlemail"
    BLANK = "blank"  # in the local part of an address
    UNKNOWN_COUNTRY = "unknown_country"
    SLOW = "slow"  # a regexp that some texts take for ever
    MATCHES_ALL = "matches_all"


class WrongValue(ValueError):
    """`detail` is the piece that is wrong, or what the compiler of a regexp says; it may be empty."""

    def __init__(self, reason: Wrong, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = clean(detail[:200])
