"""Writes a letter that tells of kept mail: the plainest there is."""

from collections.abc import Sequence

from flask import current_app

from app.clock import utcnow
from app.mime.compose import compose, new_message_id
from app.models import Notice
from app.queries.addressees import Addressee
from app.queries.notices import Line
from app.services.letters import envelope_of
from app.services.own_letters import HEADER, mark_of


def write(notice: Notice, addressee: Addressee, lines: Sequence[Line]) -> bytes:
    """The whole message. ValueError for what is no address."""
    config = current_app.config
    message_id, to = new_message_id(config["MAIL_FROM"]), envelope_of(addressee.address)
    own = {"Message-ID": message_id, HEADER: mark_of(str(config["SECRET_KEY"]), message_id, to)}
    text = "".join(f"{line.received_at:%Y-%m-%d %H:%M}  {line.sender}  {line.subject}\n" for line in lines)
    names = {"name": config["APP_NAME"], "sender": config["MAIL_FROM"], "recipient": to}
    return compose(**names, subject=f"{notice.mails}", text=text, at=utcnow(), own=own)
