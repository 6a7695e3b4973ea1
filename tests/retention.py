"""Mails of long ago, and runs that let them go."""

import dataclasses
from datetime import timedelta
from typing import Any

from flask import Flask

from app.clock import utcnow
from app.extensions import db
from app.ids import id_at
from app.models import Mail
from app.services import retention
from app.services.insert import insert_entries
from app.services.retention import Tallies
from app.storage import store_for
from tests.make import _numbers, make_entry, make_raw


class Told:
    """A report that is read afterwards."""

    def __init__(self, dry: bool = False, most: int | None = None) -> None:
        self.dry, self.most = dry, most
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    def progress(self, at: int, total: int) -> None:
        assert 0 <= at <= total

    def is_over(self) -> bool:
        if self.most is None:
            return False
        self.most -= 1
        return self.most < 0


def old(
    app: Flask, days: float, *recipients: str, raw: bytes | None = None, virus: str | None = None, keep: bool = True, **fields: Any
) -> int:
    """The id of a mail that came so many days ago, with its copy."""
    entry = make_entry(make_raw() if raw is None else raw, keep=keep, recipients=recipients or ("bob@example.com",), **fields)
    entry = dataclasses.replace(entry, id=id_at(utcnow() - timedelta(days=days), 1, next(_numbers)), virus=virus)
    with app.app_context():
        if keep:
            store = store_for(app.config["STORE_URL"])
            store.prepare()
            store.put(entry.digest, entry.packed)
        insert_entries(db.engine, [entry], "mx1")
    return entry.id


def retire(app: Flask, **how: Any) -> tuple[Tallies, list[str]]:
    told = Told(**how)
    with app.app_context():
        return retention.run(told), told.lines


def states(app: Flask, *mail_ids: int) -> list[str]:
    """Of their copies; "gone" where the mail is."""
    with app.app_context():
        found = dict(db.session.query(Mail.id, Mail.copy_state).filter(Mail.id.in_(mail_ids)).all())
    return [found.get(mail_id, "gone") for mail_id in mail_ids]
