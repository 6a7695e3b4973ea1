"""How each act moves a state: the mail's row is held, one statement changes what nobody has changed before, and it waits to be undone."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, cast

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select

from app.clock import stored_now
from app.errors import NotFound
from app.extensions import PanelSession, db
from app.models import Mail
from app.services.background import background

_A_MOMENT = 0.1


def locked(mail_id: int) -> Mail:
    """Whoever acts on a mail holds its row: what is said there is the sum of what was done."""
    mail = locked_if_there(mail_id)
    if mail is None:
        raise NotFound(_("There is no such mail."))
    return mail


def locked_if_there(mail_id: int) -> Mail | None:
    return db.session.scalar(select(Mail).where(Mail.id == mail_id).with_for_update().execution_options(populate_existing=True))


def run(statement: Any, *rows: Any) -> int:
    """How many rows it has changed."""
    found: Any = db.session.execute(statement.execution_options(synchronize_session=False), *rows)
    return int(found.rowcount)


def changed(statement: Any) -> bool:
    """Whether this one statement has changed its row, and nobody before it."""
    return run(statement) == 1


def can_be_undone_until() -> datetime:
    """What is asked for now."""
    return stored_now() + timedelta(seconds=current_app.config["UNDO_SECONDS"])


def when_it_stands(work: Callable[[], Any]) -> None:
    """Does what was asked for just now, once it cannot be undone any more. Where that is not done, a process with jobs does it."""
    background().later(current_app.config["UNDO_SECONDS"] + _A_MOMENT, work)


def only_writing() -> AbstractContextManager[None]:
    """For a door whose every transaction is to write."""
    return cast(PanelSession, db.session()).only_writing()
