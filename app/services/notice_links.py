"""The links of a letter."""

from collections.abc import Sequence
from enum import StrEnum, unique

from app.faces import portal_url
from app.models import Notice
from app.queries.addressees import Addressee
from app.queries.notices import Line


@unique
class LinkAct(StrEnum):
    RELEASE = "release"
    ALLOW = "allow"
    BLOCK = "block"
    REPORT = "report"
    OPEN = "open"


def link_to(notice: Notice, mail_id: int, act: str) -> str:
    return portal_url(f"notices/link/{act}.{notice.id}.{mail_id}.{notice.secret[:16]}.c2lnbmF0dXJlLW9mLXRoZS1saW5r")


def unsubscribe_link(notice: Notice) -> str:
    return portal_url(f"notices/unsubscribe/{notice.id}.{notice.secret[:16]}.c2lnbmF0dXJlLW9mLXRoZS1saW5r")


def headers_of(notice: Notice) -> dict[str, str]:
    return {"List-Unsubscribe": f"<{unsubscribe_link(notice)}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def acts_offered(addressee: Addressee, lines: Sequence[Line]) -> dict[int, frozenset[LinkAct]]:
    some = frozenset(LinkAct) - {LinkAct.REPORT}
    wish = frozenset((LinkAct.REPORT, LinkAct.OPEN))
    watch = frozenset((LinkAct.OPEN,))
    return {line.mail_id: watch if addressee.owner.startswith("watch:") else wish if line.has_virus else some for line in lines}
