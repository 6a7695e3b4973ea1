"""Parts of one mail. Who may see the mail is asked before, in queries/visibility."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.ids import MAX_ID
from app.mime.addresses import addresses_of
from app.mime.headers import decode_bytes, parse_headers
from app.mime.private import for_recipient
from app.models import Mail, MailDetail, MailRecipient
from app.queries.visibility import scope_of


def detail_of(mail_id: int) -> MailDetail | None:
    return db.session.get(MailDetail, mail_id)


def recipients_of(mail_id: int, user: Any) -> Sequence[MailRecipient]:
    """All for who sees all mail; others see themselves and whom the message's own To and Cc name, so that no Bcc is told."""
    query = select(MailRecipient).where(MailRecipient.mail_id == mail_id).order_by(MailRecipient.position)
    recipients = db.session.scalars(query).all()
    scope = scope_of(user)
    if scope.everything:
        return recipients
    named = _named_in(detail_of(mail_id))
    return [recipient for recipient in recipients if scope.owns(recipient.address) or recipient.address in named]


def mails_called(text: str, most: int = 10) -> Sequence[Mail]:
    """By id, or by the queue id of the mail server, the newest first."""
    by_id = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    query = select(Mail).order_by(Mail.id.desc()).limit(most)
    found = db.session.scalars(query.where(Mail.id == by_id)).all() if 0 < by_id <= MAX_ID else ()
    return found or db.session.scalars(query.where(Mail.queue_id == text)).all()


def headers_of(detail: MailDetail, user: Any) -> str:
    """As they came for who sees all mail; for others without what they tell of further recipients."""
    scope = scope_of(user)
    if scope.everything:
        return detail.headers
    return for_recipient(detail.headers.encode("utf-8", "replace"), scope.owns).decode("utf-8", "replace")


def _named_in(detail: MailDetail | None) -> set[str]:
    if detail is None:
        return set()
    fields = parse_headers(detail.headers.encode("utf-8", "replace"), {"to", "cc"})
    texts = [decode_bytes(value) for _name, value in fields] if fields else [detail.header_to]
    return {address for text in texts for address in addresses_of(text)}
