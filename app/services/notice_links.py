"""The links of a letter: signed with a key of ours and with the letter's own secret, for one mail, one act and so many days."""

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum, unique

from flask import current_app

from app.clock import utcnow
from app.faces import portal_url, public_url
from app.ids import MAX_ID
from app.models import Mail, Notice, NoticeLine, NoticeOwner, OwnerKind
from app.queries.notice_links import (
    Holder,
    LinkAct,
    holder_now,
    line_of,
    mail_called,
    notice_called,
    use_of,
)
from app.queries.notice_offers import Told, acts_for
from app.services.release import can_release
from app.services.sealing import key_for

PAGE, UNSUBSCRIBE_PAGE = "/notice", "/notice/unsubscribe"
ONE_CLICK = ("List-Unsubscribe", "One-Click")
"""Field and value of the one POST that mail programs send, RFC 8058."""
_UNSUBSCRIBE = "unsubscribe"
_ACTS = (_UNSUBSCRIBE, *LinkAct)
"""By their number in a link: new ones come last."""
_CLAIM = struct.Struct(">QQIB")
_SEAL_BYTES = 16
_LENGTH = (_CLAIM.size + _SEAL_BYTES + 2) // 3 * 4
_NO_SECRET = "0" * 32


@unique
class Standing(StrEnum):
    """Of a link that is one of ours."""

    GOOD = "good"
    USED = "used"
    EXPIRED = "expired"
    REVOKED = "revoked"
    VOID = "void"  # it stood on something that is no longer so: the account, the address, whose the mail is
    GONE = "gone"  # the mail is


@dataclass(frozen=True, slots=True)
class Link:
    notice: Notice
    mail_id: int
    act: LinkAct
    standing: Standing
    mail: Mail | None = None
    line: NoticeLine | None = None
    holder: Holder | None = None


# --- made ----------------------------------------------------------------------------------------------------------------------


def link_to(notice: Notice, mail_id: int, act: str) -> str:
    """Whoever watches over domains looks at their mail in the panel; recipients have a portal, maybe."""
    return links_of(notice)(mail_id, LinkAct(act))


def unsubscribe_link(notice: Notice) -> str:
    """Counts for as long as the letter is known here."""
    return links_of(notice)(0, _UNSUBSCRIBE)


def headers_of(notice: Notice) -> dict[str, str]:
    """Without TLS no mail program would press it by itself, and RFC 8058 forbids to say that it may."""
    link = unsubscribe_link(notice)
    one_click = {"List-Unsubscribe-Post": "=".join(ONE_CLICK)} if link.startswith("https:") else {}
    return {"List-Unsubscribe": f"<{link}>"} | one_click


def acts_offered(told: Mapping[str, Sequence[Told]]) -> dict[str, dict[int, frozenset[LinkAct]]]:
    """By owner and mail, as things are now. A link may say no later all the same."""
    return acts_for(told, releases=can_release())


def links_of(notice: Notice) -> Callable[[int, str], str]:
    """Makes those of one letter, by mail and act."""
    leads_to = public_url if NoticeOwner.is_of(OwnerKind.WATCH, notice.owner) else portal_url
    expires = int((utcnow() + timedelta(days=current_app.config["NOTICE_LINK_DAYS"])).timestamp())
    secret, key = bytes.fromhex(notice.secret), key_for("notice links")
    page, unsubscribe_page = leads_to(f"{PAGE}?link="), leads_to(f"{UNSUBSCRIBE_PAGE}?link=")

    def link(mail_id: int, act: str) -> str:
        claim = _CLAIM.pack(notice.id, mail_id, expires, _ACTS.index(act))
        text = base64.urlsafe_b64encode(claim + _sealed(key, secret, claim)).decode().rstrip("=")
        return (unsubscribe_page if act == _UNSUBSCRIBE else page) + text

    return link


def _seal(secret: str, claim: bytes) -> bytes:
    return _sealed(key_for("notice links"), bytes.fromhex(secret), claim)


def _sealed(key: bytes, secret: bytes, claim: bytes) -> bytes:
    return hmac.digest(key, secret + claim, hashlib.sha256)[:_SEAL_BYTES]


# --- read ----------------------------------------------------------------------------------------------------------------------


def link_of(text: str) -> Link | None:
    """None for what is none of ours: it takes as long whether there is such a letter or not, and tells nothing of it."""
    read = _read(text)
    if read is None or read[1] == _UNSUBSCRIBE:
        return None
    notice, act, mail_id, expires = read[0], LinkAct(read[1]), read[2], read[3]
    if notice.revoked_at is not None:
        return Link(notice, mail_id, act, Standing.REVOKED)
    if use_of(notice.id, mail_id, act) is not None:
        return Link(notice, mail_id, act, Standing.USED)
    if utcnow().timestamp() >= expires:
        return Link(notice, mail_id, act, Standing.EXPIRED)
    return _as_it_stands(notice, mail_id, act)


def letter_to_end(text: str) -> Notice | None:
    """Whose owner wants no more of them. It does not expire: nobody should have to look for a newer letter."""
    read = _read(text)
    return read[0] if read is not None and read[1] == _UNSUBSCRIBE else None


def _as_it_stands(notice: Notice, mail_id: int, act: LinkAct) -> Link:
    line = line_of(notice, mail_id)
    mail = mail_called(mail_id)
    if line is None or mail is None:
        return Link(notice, mail_id, act, Standing.GONE)
    holder = holder_now(notice, line)
    if holder is None or (holder.watches and act is not LinkAct.OPEN):
        return Link(notice, mail_id, act, Standing.VOID)
    return Link(notice, mail_id, act, Standing.GOOD, mail, line, holder)


def _read(text: str) -> tuple[Notice, str, int, int] | None:
    if len(text) > _LENGTH or not text.isascii():
        return None
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    claim, seal = packed[: _CLAIM.size], packed[_CLAIM.size :]
    if len(seal) != _SEAL_BYTES:
        return None
    notice_id, mail_id, expires, number = _CLAIM.unpack(claim)
    notice = notice_called(min(notice_id, MAX_ID))
    is_ours = hmac.compare_digest(seal, _seal(notice.secret if notice else _NO_SECRET, claim))
    if notice is None or not is_ours or number >= len(_ACTS):
        return None
    return notice, _ACTS[number], mail_id, expires
