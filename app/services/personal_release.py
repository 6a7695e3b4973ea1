"""Mails that were held back although somebody's own list allows them: released to those people, once, in the name of the system."""

import logging
from datetime import timedelta
from typing import cast

from flask import current_app

from app.actor import SYSTEM
from app.clock import stored_now
from app.errors import MailkeepError
from app.extensions import PLUS, PanelSession, db
from app.ids import id_time
from app.mime.release import MARK
from app.models import Mail, ReleaseState
from app.queries.bounded import Deadline, TooSlow
from app.queries.personal import Allowed, allowing_pair, to_release
from app.queries.releases import Releasing, headers_of, newest_by_address
from app.queries.scope import Scope
from app.roles import Role
from app.services.release import can_release, locked, put

log = logging.getLogger(__name__)

NOT_OLDER_THAN = timedelta(days=3)
AT_ONCE = 50
"""Mails of one look."""
_SECONDS = 1.5


def is_wanted() -> bool:
    """Not where recipients release nothing themselves: their lists would do it for them."""
    config = current_app.config
    return bool(config["PERSONAL_RELEASE"] and Role.RECIPIENT in config["RELEASE_ROLES"] and can_release())


def release_allowed(after: int) -> tuple[int, int]:
    """The id of the last mail looked at, and how many were released. Which were is known by their releases, whoever looks again."""
    found = to_release(after, most=AT_ONCE, seconds=_SECONDS)
    db.session.rollback()
    done = 0
    for allowed in found:
        try:
            done += _release(allowed)
        except (MailkeepError, TooSlow) as error:  # the copy is on another node, or gone
            log.debug("mail %d is not released by its recipients' lists: %s", allowed.mail_id, error)
    return (found[-1].mail_id if found else after), done


def _release(allowed: Allowed) -> int:
    with cast(PanelSession, db.session()).begin_writing():
        mail = locked(allowed.mail_id)
        addresses = _still(mail, allowed.addresses) if _may_go(mail) else []
        done = 0
        for address in addresses:
            rule = allowing_pair(mail, address, _plus(), Deadline(_SECONDS))
            if rule is not None:
                why = {"by": "personal list", "map": rule.map_name, "entry": rule.value}
                done += len(put(Releasing(Scope((address,))), mail, [address], at_once=True, actor=SYSTEM, why=why))
        db.session.commit()
    return min(done, 1)


def _may_go(mail: Mail) -> bool:
    """As it is now, behind its lock. What carries our own mark has been released before, and would go in circles."""
    most = current_app.config["RELEASE_MAX_SCORE"]
    is_new = id_time(mail.id).replace(tzinfo=None) > stored_now() - NOT_OLDER_THAN
    is_free = mail.is_stored and not mail.has_virus and mail.release_state == ReleaseState.NONE
    return is_free and is_new and not (most and mail.score > float(most)) and MARK.lower() not in headers_of(mail.id).lower()


def _still(mail: Mail, addresses: tuple[str, ...]) -> list[str]:
    """Those to whom nobody has released it, nor undone that."""
    there = newest_by_address(mail.id, addresses)
    return [address for address in addresses if address not in there]


def _plus() -> str:
    return str(db.engine.get_execution_options().get(PLUS, ""))
