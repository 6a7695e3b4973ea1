"""Mails that were held back although somebody's own list allows them: released to those people, once, in the name of the system."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from flask import current_app

from app.actor import SYSTEM
from app.clock import stored_now, utcnow
from app.errors import MailkeepError
from app.extensions import PLUS, PanelSession, db
from app.ids import first_id_at, id_time
from app.mime.release import MARK
from app.models import Mail, ReleaseState
from app.queries.bounded import Deadline, TooSlow
from app.queries.personal import Allowed, allowing_pair, to_release
from app.queries.releases import Releasing, headers_of, is_for_admins, newest_by_address
from app.queries.scope import Scope
from app.roles import Role
from app.services.moves import locked
from app.services.release import can_release, put

log = logging.getLogger(__name__)

NOT_OLDER_THAN = timedelta(days=3)
AT_ONCE = 50
"""Mails of one look."""
PIECE = 2000
"""So many that a list allows are looked at in one go: most of them were delivered."""
_OVERLAP = timedelta(minutes=1)
"""A mail may be committed after a later one."""
_SECONDS = 1.5


def is_wanted() -> bool:
    """Not where recipients release nothing themselves: their lists would do it for them."""
    config = current_app.config
    return bool(config["PERSONAL_RELEASE"] and Role.RECIPIENT in config["RELEASE_ROLES"] and can_release())


@dataclass(frozen=True, slots=True)
class Looked:
    after: int
    """Where the next look begins."""
    is_more: bool
    done: int
    """How many mails were released."""


def release_allowed(after: int) -> Looked:
    """A piece of the log. What was released already is known by its releases, whoever looks again."""
    piece = to_release(after, most=AT_ONCE, size=PIECE, seconds=_SECONDS)
    db.session.rollback()
    done = 0
    for allowed in piece.mails:
        try:
            done += _release(allowed)
        except (MailkeepError, TooSlow) as error:  # the copy is on another node, or gone
            log.debug("mail %d is not released by its recipients' lists: %s", allowed.mail_id, error)
    upto = min(piece.upto, first_id_at(utcnow() - _OVERLAP)) if piece.is_last else piece.upto
    return Looked(upto, not piece.is_last, done)


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
    is_new = id_time(mail.id).replace(tzinfo=None) > stored_now() - NOT_OLDER_THAN
    is_free = mail.is_stored and not mail.has_virus and mail.release_state == ReleaseState.NONE
    return is_free and is_new and not is_for_admins(mail) and MARK.lower() not in headers_of(mail.id).lower()


def _still(mail: Mail, addresses: tuple[str, ...]) -> list[str]:
    """Those to whom nobody has released it, nor undone that."""
    there = newest_by_address(mail.id, addresses)
    return [address for address in addresses if address not in there]


def _plus() -> str:
    return str(db.engine.get_execution_options().get(PLUS, ""))
