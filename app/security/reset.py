"""A new password by a mailed link, which stands on the account as it is: with another password or address it no longer counts."""

import hashlib
import hmac
import json
import logging
import re
from datetime import timedelta
from enum import StrEnum, unique

from flask import current_app
from flask_babel import gettext as _

from app.actor import Actor
from app.clock import stored_now, utcnow
from app.errors import Conflict, NotAllowed
from app.faces import portal_url, public_url
from app.models.audit import Verb
from app.models.people import User
from app.queries.audit import links_asked
from app.queries.people import account_called
from app.queries.settings import choices_of
from app.queries.visibility import roles_of
from app.roles import Role
from app.security.logins import cleaned
from app.security.stamp import stamp_of
from app.services import logins, passwords
from app.services.audit import recorded
from app.services.letters import must_carry_links, send_letter
from app.services.sessions import end_all_sessions

log = logging.getLogger(__name__)

PAGE = "/password/choose"
MOST_AN_HOUR = 3
_LONGEST_NAME = 320
_LINK = re.compile(r"(reset|invitation)\.([0-9]{1,9})\.([0-9]{1,12})\.([0-9a-f]{64})")


@unique
class Purpose(StrEnum):
    RESET = "reset"
    INVITATION = "invitation"


_COUNTS_FOR = {Purpose.RESET: timedelta(hours=1), Purpose.INVITATION: timedelta(days=7)}


def ask(name: str, actor: Actor) -> None:
    """By anybody, with a user name or an address. Whether there is such an account shows in the mailbox only."""
    if not name.isprintable() or len(name) > _LONGEST_NAME:
        return
    user = account_called(name)
    if user is None or not user.is_active:
        log.info("password: a link was asked for %r from %s: no such account", cleaned(name), actor.ip)
        return
    if links_asked(user.username, stored_now() - timedelta(hours=1)) >= MOST_AN_HOUR:
        log.warning("password: a link was asked for %s from %s: enough for this hour", user.username, actor.ip)
        return
    _send(user, Purpose.RESET, actor)


def send_link(user: User, purpose: Purpose, *, actor: Actor) -> None:
    """By whoever looks after the account."""
    must_carry_links()
    _must_take_one(user)
    _send(user, purpose, actor)


def link_for(user: User, *, actor: Actor) -> str:
    """For who is to be told by other means than by mail."""
    _must_take_one(user)
    link = _link(user, Purpose.RESET)
    recorded(actor, Verb.PASSWORD_RESET_ASKED, "account", user.username, after={"shown": True})
    return link


def user_of(link: str) -> User | None:
    """Whose password may be chosen with it just now."""
    found = _LINK.fullmatch(link)
    user = logins.user_by_id(int(found[2])) if found else None
    if found is None or user is None or not _takes_one(user):
        return None
    expires = int(found[3])
    is_ours = hmac.compare_digest(found[4], _seal(user, Purpose(found[1]), expires))
    return user if is_ours and utcnow().timestamp() < expires else None


def choose_password(link: str, password: str, *, ip: str) -> None:
    """Conflict where the link no longer counts. Logs nobody in, and everybody out."""
    user = user_of(link)
    if user is None:
        raise _ended()
    number, owner = user.id, Actor(user.username, user.id, ip)
    if not passwords.choose_by_link(user, password, lambda: user_of(link) is not None, actor=owner):
        raise _ended()
    end_all_sessions(number)


def _ended() -> Conflict:
    return Conflict(_("This link has been used, or it is too old."))


def _must_take_one(user: User) -> None:
    if not user.is_active:
        raise NotAllowed(_("%(name)s is switched off.", name=user.username))
    if not user.password:
        raise NotAllowed(_("The password of %(name)s is not kept here, so no link can change it.", name=user.username))


def _takes_one(user: User) -> bool:
    return bool(user.is_active and user.password)


def _send(user: User, purpose: Purpose, actor: Actor) -> None:
    """An account without a password of ours gets a mail that says so, and no link."""
    letter = purpose.value if user.password else "elsewhere"
    link = _link(user, purpose) if user.password else ""
    to, language = user.email, choices_of(user).language
    name, username = user.first_name or user.username, user.username
    recorded(actor, Verb.PASSWORD_RESET_ASKED, "account", user.username, after={"mail": to})
    send_letter(letter, to, language, name=name, user=username, link=link)


def _link(user: User, purpose: Purpose) -> str:
    expires = int((utcnow() + _COUNTS_FOR[purpose]).timestamp())
    leads_to = portal_url if roles_of(user) <= {Role.RECIPIENT} else public_url
    return leads_to(f"{PAGE}?link={purpose}.{user.id}.{expires}.{_seal(user, purpose, expires)}")


def _seal(user: User, purpose: Purpose, expires: int) -> str:
    stands_on = json.dumps(["link", purpose, user.id, expires, user.email, stamp_of(user)])
    return hmac.digest(str(current_app.secret_key).encode(), stands_on.encode(), hashlib.sha256).hex()
