"""What goes round a mail that is released as an attachment: who released it, and why it was held back."""

from dataclasses import dataclass
from datetime import datetime

from flask import current_app

from app.clock import utcnow
from app.extensions import db
from app.mime.enclosed import enclosed
from app.models import Mail
from app.queries.settings import choices_at
from app.services.letters import written

_LETTER, _LETTER_OF_VIRUS = "released", "released-virus"


@dataclass(frozen=True, slots=True)
class Released:
    """To whom it goes, and who wanted that when."""

    target: str
    address: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """What the letter tells of the mail."""

    sender: str
    subject: str
    action: str
    score: float
    virus: str | None
    """Its name, or empty where only that there is one is known."""
    received_at: datetime

    @classmethod
    def of(cls, mail: Mail) -> "Held":
        virus = (mail.detail.virus if mail.detail else "") if mail.has_virus else None
        return cls(mail.mail_from or "<>", mail.subject, mail.action, mail.score, virus, mail.received_at)


def explained(raw: bytes, held: Held, released: Released) -> bytes:
    """In the language of the account that the address belongs to. ValueError for what is no address."""
    language = choices_at(released.address).language
    db.session.rollback()
    values = {
        "by": released.by,
        "at": f"{released.at:%Y-%m-%d %H:%M} UTC",
        "sender": held.sender,
        "subject": held.subject,
        "received": f"{held.received_at:%Y-%m-%d %H:%M} UTC",
        "action": held.action,
        "score": f"{held.score:g}",
        "virus": held.virus or "",
    }
    subject, text = written(_LETTER if held.virus is None else _LETTER_OF_VIRUS, language, **values)
    config = current_app.config
    names = {"name": config["APP_NAME"], "sender": config["MAIL_FROM"], "recipient": released.target}
    return enclosed(raw, **names, subject=subject, text=text, filename="message.eml", at=utcnow())
