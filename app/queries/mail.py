"""Parts of one mail. Who may see it is asked before, in queries/visibility."""

from collections.abc import Sequence

from sqlalchemy import select

from app.extensions import db
from app.models import MailDetail, MailRecipient


def detail_of(mail_id: int) -> MailDetail | None:
    return db.session.get(MailDetail, mail_id)


def recipients_of(mail_id: int) -> Sequence[MailRecipient]:
    return db.session.scalars(select(MailRecipient).where(MailRecipient.mail_id == mail_id).order_by(MailRecipient.position)).all()
