"""An admin at work as somebody else: begun with a reason, seen on every page, over after an hour at most, and both names in each event.

The session is the admin's. It holds as whom, and what the admin's own login stands on, which is looked at with every request.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from flask import Flask, current_app, flash, g, request
from flask_babel import gettext as _
from flask_login import current_user

from app.actor import Actor
from app.clock import stored_now
from app.errors import BadRequest, Conflict, NotAllowed
from app.models import Verb
from app.models.people import User
from app.queries.visibility import is_admin
from app.security.sessions import ACTS, STAMP, USER, this_browser
from app.security.stamp import is_stamp_of, stamp_of
from app.services.audit import recorded
from app.services.logins import user_by_id

LONGEST = timedelta(hours=1)
# What stays somebody's own, whoever acts as them: their name, password, second factor, keys, sessions, choices and kept searches; and
# every token.
KEPT = (
    *("/profile/", "/sessions/", "/second-factor/", "/new-password/", "/keys/", "/searches/"),
    *("/acting/begin/", "/lang/", "/theme/", "/api/"),
)
_LOOKED_AT = ("/profile/",)


@dataclass(frozen=True, slots=True)
class Acting:
    admin_id: int
    admin: str
    stamp: str
    name: str
    """Of the account that is acted as."""
    began: str
    reason: str
    back: str
    """The page on which it began."""

    def actor(self) -> Actor:
        return Actor(self.admin, self.admin_id, request.remote_addr or "", on_behalf_of=self.name)

    @property
    def is_over(self) -> bool:
        return stored_now() - datetime.fromisoformat(self.began) >= LONGEST


def init_app(app: Flask) -> None:
    app.before_request(_refuse_what_is_kept)
    app.jinja_env.globals.update(acting=acting)


def acting() -> Acting | None:
    """In this request, once it is sure who asks."""
    return _found() if current_user.is_authenticated else None


def _found() -> Acting | None:
    kept = this_browser().get(ACTS)
    return Acting(**kept) if kept else None


def begin(admin: User, user: User, reason: str, back: str) -> None:
    browser = this_browser()
    if acting() is not None:
        raise Conflict(_("You act as somebody already; end that first."))
    if not is_admin(admin) or browser.record is None or browser.get(USER) != str(admin.id):
        raise NotAllowed(_("Only an admin who is logged in with a browser acts as somebody else."))
    if is_admin(user):
        raise NotAllowed(_("Nobody acts as an admin."))
    if not user.is_active:
        raise Conflict(_("%(name)s is switched off: there is nothing to act as.", name=user.username))
    if current_app.config["AUDIT_REASON"] and not reason:
        raise BadRequest(_("Say why you act as %(name)s.", name=user.username))
    begun = Acting(admin.id, admin.username, stamp_of(admin), user.username, stored_now().isoformat(), reason, back)
    recorded(begun.actor(), Verb.ACTING_BEGUN, "account", user.username, reason=reason)
    browser.begin(user.id, stamp_of(user), acts=asdict(begun))


def may_act_as(admin: User, user: User) -> bool:
    return is_admin(admin) and user.is_active and not is_admin(user)


def end() -> str:
    """The browser is the admin's again, also for the rest of this request; gives the page on which it all began."""
    found = acting()
    if found is None:
        return ""
    admin = user_by_id(found.admin_id)
    if admin is not None:
        _give_back(found, admin, "asked")
        g.user = g._login_user = admin  # the second is Flask-Login's
    return found.back


def seen_as(user: User | None) -> User | None:
    """Who a request of a browser with two names is of. It is nobody's when that has just ended: what was meant to be done as one is
    not done as the other."""
    found = _found()
    admin = user_by_id(found.admin_id) if found else None
    if found is None or admin is None or not is_stamp_of(admin, found.stamp) or not is_admin(admin):
        this_browser().end()
        return None
    why = "time" if found.is_over else "account" if not _may_be_seen_as(user) else ""
    if not why:
        return user
    _give_back(found, admin, why)
    flash(_("You no longer act as %(name)s.", name=found.name), "warning")
    return None


def _may_be_seen_as(user: User | None) -> bool:
    return user is not None and is_stamp_of(user, this_browser().get(STAMP)) and not is_admin(user)


def _give_back(found: Acting, admin: User, why: str) -> None:
    recorded(found.actor(), Verb.ACTING_ENDED, "account", found.name, after={"why": why})
    this_browser().begin(admin.id, stamp_of(admin))


def _refuse_what_is_kept() -> None:
    if request.blueprint == "node_api":  # nobody is logged in there, and a process without a panel knows nobody
        return
    only_looks = request.method in ("GET", "HEAD") and request.path in _LOOKED_AT
    if request.path.startswith(KEPT) and not only_looks and acting() is not None:
        raise NotAllowed(_("This is not done while you act as somebody else."))
