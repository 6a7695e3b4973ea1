"""Stored mails that tests release, and what became of them."""

import dataclasses
import pathlib
from typing import Any

from flask import Flask

from app.actor import Actor
from app.extensions import db
from app.models import Mail, Release
from app.queries.releases import ANYTHING, Releasing
from app.services import release, release_sending
from app.services.insert import insert_entries
from app.storage import store_for
from tests.apps import make_app
from tests.make import make_entry, make_raw

ADMIN = Actor("admin", 1, "192.0.2.1")
BOB, CAROL = "bob@example.com", "carol@example.com"


def releasing_app(url: str, folder: pathlib.Path, relay_url: str, **more: Any) -> Flask:
    settings = {"SMTP_URL": relay_url, "MAIL_FROM": "keep@example.com", "UNDO_SECONDS": 0, "SMTP_TIMEOUT": 2.0}
    return make_app(url, folder, **settings | more)


def stored(app: Flask, *recipients: str, raw: bytes | None = None, virus: str | None = None, **fields: Any) -> int:
    """The id of a mail whose copy is there."""
    entry = make_entry(raw if raw is not None else make_raw(), keep=True, recipients=recipients or (BOB,), **fields)
    entry = dataclasses.replace(entry, virus=virus)
    with app.app_context():
        store = store_for(app.config["STORE_URL"])
        store.prepare()
        store.put(entry.digest, entry.packed)
        insert_entries(db.engine, [entry], "mx1")
    return entry.id


def asked(app: Flask, mail_id: int, *targets: str, releasing: Releasing = ANYTHING, **more: Any) -> list[int]:
    with app.app_context():
        return release.ask(releasing, mail_id, targets or (BOB,), actor=ADMIN, **more)


def sent(app: Flask, limit: int = 20) -> int:
    with app.app_context():
        return release_sending.send_due(limit)


def states(app: Flask, mail_id: int) -> list[tuple[str, str]]:
    """Oldest first."""
    with app.app_context():
        rows = db.session.query(Release).filter_by(mail_id=mail_id).order_by(Release.id).all()
        return [(row.address, row.state) for row in rows]


def row_of(app: Flask, release_id: int) -> Release:
    with app.app_context():
        found = db.session.get(Release, release_id)
        assert found is not None
        db.session.expunge(found)
        return found


def state_of(app: Flask, mail_id: int) -> str:
    with app.app_context():
        found = db.session.get(Mail, mail_id)
        assert found is not None
        return found.release_state
