"""Personal lists: what is written for each recipient of a mail as it comes in, on each database."""

import pytest
from flask import Flask

from app.actor import SYSTEM
from app.clock import stored_now
from app.extensions import db
from app.models import Map, MapEntry
from app.queries.personal import wishes_of
from app.services import addresses, domains, people
from app.services.insert import insert_entries
from app.services.personal import book_of
from tests.make import make_entry, make_user
from tests.queries.test_reached import ALL

SPF = {"name": "R_SPF_ALLOW", "score": -0.2}


def put_pairs(app: Flask, name: str, *values: str, **columns: object) -> None:
    with app.app_context():
        found = db.session.query(Map).filter_by(name=name).one()
        found.revision += 1
        now = stored_now()
        for value in values:
            sender, rcpt = value.split("|")
            row = {"data": "", "symbol": "", "comment": "", "made_by": "t", "made_at": now, "changed_at": now, "enabled": True} | columns
            domain = rcpt.rpartition("@")[2]
            db.session.add(
                MapEntry(map_id=found.id, value=value, since=found.revision, sender=sender, rcpt=rcpt, rcpt_domain=domain, **row)
            )
        db.session.commit()
        book_of(db.engine).forget()


def wishes(app: Flask, *rcpts: str, **fields: object) -> dict[str, str | None]:
    entry = make_entry(recipients=rcpts, **fields)
    with app.app_context():
        insert_entries(db.engine, [entry], "mx1")
        return wishes_of(entry.id)


def test_each(any_app: Flask) -> None:
    put_pairs(any_app, "mail_from_rcpt_to_blacklist", "sender@example.net|bob@example.com")
    assert wishes(any_app, "bob@example.com", "carol@example.com") == {"bob@example.com": "deny", "carol@example.com": None}
    assert wishes(any_app, "Bob+x@example.com") == {"bob+x@example.com": "deny"}
