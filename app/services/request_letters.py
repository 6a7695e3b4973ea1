"""A letter to who asked, once it is decided. What fails here changes nothing: the decision stands, on the mail's page too."""

import logging
from functools import partial

from flask import current_app

from app.errors import MailkeepError
from app.extensions import db
from app.faces import portal_url, public_url
from app.models import Decision, Mail, MailRequest
from app.models.people import User
from app.queries.reached import scope_by_rule
from app.queries.settings import choices_of
from app.queries.visibility import addresses_of, held_roles
from app.roles import Role
from app.services.background import background
from app.services.letters import can_carry_links, send_letter

log = logging.getLogger(__name__)

_LETTERS = {
    Decision.APPROVED: "request-approved",
    Decision.OVERTAKEN: "request-approved",
    Decision.DENIED: "request-denied",
    Decision.CLOSED: "request-closed",
}


def tell_later(request_id: int) -> None:
    """Nobody who decides waits for the relay."""
    if current_app.config["SMTP_URL"]:
        background().do(partial(tell, request_id))


def tell(request_id: int) -> bool:
    """Whether there was somebody to tell: an account that is switched on, and that the address still belongs to."""
    row = db.session.get(MailRequest, request_id)
    user = db.session.get(User, row.user_id) if row is not None else None
    if row is None or user is None or not user.is_active or row.state not in _LETTERS:
        return False
    if not scope_by_rule(user.id, addresses_of(user)).owns(row.address):
        return False
    mail = db.session.get(Mail, row.mail_id)
    values = {
        "name": user.first_name or user.username,
        "sender": (mail.mime_from or mail.mail_from) if mail is not None else "",
        "subject": mail.subject if mail is not None else "",
        "address": row.address,
        "who": row.decided_by,
        "words": row.words,
        "link": _link(user, row.mail_id) if mail is not None else "",
    }
    try:
        send_letter(_LETTERS[Decision(row.state)], user.email, choices_of(user).language, **values)
    except MailkeepError as error:
        log.warning("request %d: who asked is not told: %s", request_id, error)
        return False
    return True


def _link(user: User, mail_id: int) -> str:
    leads_to = portal_url if held_roles(user) <= {Role.RECIPIENT} else public_url
    return leads_to(f"mails/show/{mail_id}") if can_carry_links() else ""
