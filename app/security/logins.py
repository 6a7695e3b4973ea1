"""What is told of logins: an event each, and for a failure a line that Fail2ban reads."""

import logging
import re

from app.actor import Actor
from app.models.audit import Verb
from app.models.people import User
from app.security.actor import actor
from app.services.access_keys import without_keys
from app.services.audit import recorded

log = logging.getLogger("mailkeep.login")
_LONGEST = 100


def logged_in(user: User, way: str) -> None:
    recorded(_as(user), Verb.LOGIN, "account", user.username, after={"way": way})


def logged_out(user: User) -> None:
    recorded(_as(user), Verb.LOGOUT, "account", user.username)


def login_failed(name: str, way: str) -> None:
    """Whose name it is nobody knows: the event is a visitor's."""
    shown, ip = cleaned(name), actor().ip
    # One word at the end: Fail2ban's filter knows the line by that.
    log.warning('login failed for "%s" from %s via %s', shown, ip, re.sub(r"\W", "_", way))
    recorded(Actor("", None, ip), Verb.LOGIN_FAILED, "account", shown, after={"way": way})


def cleaned(name: str) -> str:
    """A name that cannot end the quotes it stands in, nor the line."""
    return "".join("_" if c in "\"'\\" or not c.isprintable() else c for c in without_keys(name)[:_LONGEST])


def _as(user: User) -> Actor:
    return Actor(user.username, user.id, actor().ip)
