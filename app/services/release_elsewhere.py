"""Releases that another node sends: it is told when their time has come. Where it does not answer, it finds them itself once it is back."""

import logging
from collections.abc import Collection
from datetime import timedelta
from typing import cast

from flask import current_app
from sqlalchemy import update

from app.clock import stored_now
from app.errors import MailkeepError
from app.extensions import PanelSession, db
from app.models import Release, Step
from app.queries.releases import due_elsewhere
from app.services.peers import wake

log = logging.getLogger(__name__)

NO_ANSWER = "The node does not answer; it sends the mail when it is back."
_A_WHILE = timedelta(minutes=1)


def wake_others(only: Collection[int]) -> None:
    """Of these. What fails is noted with the release, for whoever looks at it."""
    now = stored_now()
    found = due_elsewhere(current_app.config["NODE_NAME"], now, now - _A_WHILE, only)
    db.session.rollback()
    for name, ids in found.items():
        try:
            wake(name, ids)
        except MailkeepError as error:
            log.warning("releases: %s is not told of %s: %s", name, ", ".join(map(str, ids)), error)
            _note(ids)


def _note(ids: Collection[int]) -> None:
    with cast(PanelSession, db.session()).begin_writing():
        waiting = (Release.id.in_(ids), Release.state == Step.WAITING)
        db.session.execute(update(Release).where(*waiting).values(reply=NO_ANSWER).execution_options(synchronize_session=False))
        db.session.commit()
