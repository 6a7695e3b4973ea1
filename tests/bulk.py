"""Acts on many mails, as tests order and do them."""

import json
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from app.actor import Actor
from app.extensions import db
from app.ids import MAX_ID
from app.jobs.bulk import searched
from app.models import AuditEvent, BulkResult, BulkRun, Release
from app.models.people import User
from app.services import bulk
from app.services.bulk import Order
from app.services.bulk_work import work

STORED = (("stored.is", "yes"),)


def user_id(app: Flask, name: str) -> int:
    with app.app_context():
        return db.session.scalars(select(User.id).where(User.username == name)).one()


def ordered(app: Flask, name: str = "root", roles: Sequence[str] = ("Admin",), **fields: Any) -> int:
    """A run's id; of all stored mails where nothing else is said."""
    number = user_id(app, name)
    values: dict[str, Any] = {"act": "release", "token": uuid.uuid4().hex, "before": MAX_ID, "total": 0, "search": STORED} | fields
    with app.app_context():
        return bulk.begin(Order(user_id=number, roles=roles, **values), actor=Actor(name, number, "192.0.2.1"))


def worked(app: Flask, slices: int = 100) -> int:
    """How many there were, until nothing was left."""
    for done in range(slices):
        with app.app_context():
            if not work(searched, lambda: False):
                return done
    return slices


def run_of(app: Flask, run_id: int) -> BulkRun:
    with app.app_context():
        found = db.session.get(BulkRun, run_id)
        assert found is not None
        db.session.expunge(found)
        return found


def counts(app: Flask, run_id: int) -> tuple[str, int, int, int]:
    run = run_of(app, run_id)
    return str(run.state), run.done, run.skipped, run.failed


def told(app: Flask, run_id: int) -> dict[int, str]:
    """By mail, why it was not done."""
    with app.app_context():
        rows = db.session.scalars(select(BulkResult).where(BulkResult.run_id == run_id, BulkResult.words != ""))
        return {row.mail_id: row.words for row in rows}


def releases(app: Flask) -> list[int]:
    """The mails that were asked for, each as often as it was."""
    with app.app_context():
        return sorted(db.session.scalars(select(Release.mail_id)))


def lease_is_over(app: Flask, run_id: int) -> None:
    with app.app_context():
        run = db.session.get(BulkRun, run_id)
        assert run is not None
        run.claimed_until -= timedelta(hours=1)
        db.session.commit()


def events(app: Flask) -> list[tuple[str, dict[str, Any]]]:
    with app.app_context():
        rows = db.session.scalars(select(AuditEvent).where(AuditEvent.verb.like("bulk.%")).order_by(AuditEvent.id))
        return [(row.verb, json.loads(row.after)) for row in rows]
