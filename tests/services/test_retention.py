"""Retention: what is old enough goes, by the rules, with all its parts; what is held, at work or shared stays."""

import json
import pathlib
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.clock import stored_now
from app.extensions import db
from app.ids import MAX_ID
from app.models import (
    PARTS_OF_A_MAIL,
    AuditEvent,
    BulkRun,
    CopyRemoval,
    Deletion,
    Extent,
    Held,
    Mail,
    MailRequest,
    Release,
    RetentionMark,
)
from app.queries.deletions import ANYTHING
from app.services import copy_removal, deletion, retention
from app.services.holds import add_hold, lift_hold
from environment_retention import RetentionRule
from tests.apps import make_app
from tests.databases import SqliteCopies
from tests.releases import ADMIN, asked
from tests.retention import old, retire, states

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# What a process does that is killed when the rows of one batch are gone and before the transaction's end.
_DIES = """
import os, pathlib, signal, sys
from app.services import expiry
from tests.apps import make_app
from tests.retention import retire
real, done = expiry._delete, []
def die(ids):
    real(ids)
    done.append(ids)
    if len(done) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
expiry._delete = die
expiry._FIRST = expiry._MOST = 10
retire(make_app(sys.argv[1], pathlib.Path(sys.argv[2])))
"""


def parts(app: Flask, mail_id: int) -> list[str]:
    with app.app_context():
        return [
            part.__tablename__
            for part in PARTS_OF_A_MAIL
            if db.session.scalar(select(func.count()).select_from(part).where(part.mail_id == mail_id))
        ]


def test_copies_go_before_mails_and_both_by_age(any_app: Flask) -> None:
    ids = [old(any_app, days) for days in (400, 365, 200, 179, 1)] + [old(any_app, 200, keep=False)]
    dry, said = retire(any_app, dry=True)
    assert states(any_app, *ids) == ["stored"] * 5 + ["none"]
    done, told = retire(any_app)
    assert states(any_app, *ids) == ["gone", "deleted", "deleted", "stored", "stored", "none"]
    assert [(extent, kept.rule, tally.count) for (extent, kept), tally in done.of.items()] == [
        ("mail", "default", 1),
        ("copy", "default", 2),
    ]
    assert (done.told(), told) == (dry.told(), [line.replace("would go", "gone") for line in said])
    assert parts(any_app, ids[0]) == []
    with any_app.app_context():
        assert db.session.query(CopyRemoval).count() == 3
        assert json.loads(db.session.query(AuditEvent).order_by(AuditEvent.id.desc()).first().after)["mail default"]["count"] == 1
    assert retire(any_app)[1] == ["Nothing is old enough to go."]


def test_of_several_rules_the_longest_keeps_it(app: Flask) -> None:
    app.config["RETENTION_RULES"] = (
        RetentionRule("action", "no action", mail=30),
        RetentionRule("domain", "short.example", mail=10, copy=5),
        RetentionRule("domain", "long.example", mail=0),
        RetentionRule("virus", "", mail=60, copy=7),
        RetentionRule("released", "", copy=20),
    )
    kept = [
        old(app, 40, action="reject"),
        old(app, 40, virus="Eicar", action="no action"),
        old(app, 12, "a@short.example", "b@example.com"),
        old(app, 900, "a@long.example", "b@short.example"),
        old(app, 900, "a@long.example", action="no action"),
    ]
    going = [
        old(app, 40, action="no action"),
        old(app, 12, "a@short.example"),
        old(app, 61, virus="Eicar"),
        old(app, 31, "a@short.example", action="no action"),
    ]
    bare = [old(app, 6, "a@short.example"), old(app, 8, virus="Eicar"), old(app, 21)]
    with app.app_context():
        db.session.query(Mail).filter_by(id=bare[2]).update({"release_state": "released"})
        db.session.commit()
    retire(app)
    assert states(app, *going) == ["gone"] * 4
    assert "gone" not in states(app, *kept)
    assert states(app, *bare) == ["deleted"] * 3
    assert states(app, kept[0], kept[2]) == ["stored"] * 2


def test_nothing_goes_where_all_is_kept_for_ever(app: Flask) -> None:
    app.config |= {"RETENTION_MAIL_DAYS": 0, "RETENTION_COPY_DAYS": 0}
    mail_id = old(app, 9000)
    assert retire(app)[1] == ["Nothing is old enough to go."]
    assert states(app, mail_id) == ["stored"]


def test_what_something_is_being_done_with_is_passed_over(any_app: Flask) -> None:
    any_app.config |= {"SMTP_URL": "smtp://127.0.0.1:9", "UNDO_SECONDS": 3600}
    released, leaving, wanted, in_bulk, free = (old(any_app, 400) for _ in range(5))
    asked(any_app, released)
    with any_app.app_context():
        deletion.ask(ANYTHING, leaving, Extent.COPY, actor=ADMIN)
        now = stored_now()
        request = MailRequest(mail_id=wanted, address="bob@example.com", domain="example.com", user_id=1, asked_by="bob", asked_at=now)
        db.session.add_all((request, bulk_run(ids=json.dumps([in_bulk]))))
        db.session.commit()
    tallies, _said = retire(any_app)
    assert states(any_app, released, leaving, wanted, in_bulk, free) == ["stored"] * 4 + ["gone"]
    assert tallies.busy == 8  # as mails, and as copies
    with any_app.app_context():
        for model, state in ((Release, "cancelled"), (Deletion, "cancelled"), (MailRequest, "denied"), (BulkRun, "done")):
            db.session.query(model).update({"state": state})
        db.session.query(RetentionMark).filter(RetentionMark.days > 0).update({"began_at": stored_now() - timedelta(days=7)})
        db.session.commit()
    retire(any_app)
    assert states(any_app, released, leaving, wanted, in_bulk) == ["gone"] * 4


def bulk_run(**fields: str) -> BulkRun:
    now = stored_now()
    values = {"token": "t", "act": "release", "options": "[]", "ids": "", "search": "[]", "zone": "UTC", "language": "en", "roles": "[]"}
    who = {"user_id": 1, "asked_by": "root", "on_behalf_of": "", "ip": "", "state": "running", "total": 1, "is_exact": True}
    return BulkRun(**values | who | fields, upto=MAX_ID, claimed_until=now, asked_at=now)


def test_while_an_act_goes_through_a_search_all_of_it_waits(app: Flask) -> None:
    mail_id = old(app, 400)
    with app.app_context():
        db.session.add(bulk_run())
        db.session.commit()
    assert "under way" in retire(app)[1][0]
    assert states(app, mail_id) == ["stored"]
    with app.app_context():
        db.session.query(BulkRun).update({"state": "done"})
        db.session.commit()
    retire(app)
    assert states(app, mail_id) == ["gone"]


def test_what_is_held_stays_until_it_is_lifted(any_app: Flask) -> None:
    ids = [old(any_app, 400, "eve@example.org"), old(any_app, 400, "eve+tag@example.org"), old(any_app, 400, "x@held.example")]
    ids += [old(any_app, 400, subject="Plans for the bridge"), old(any_app, 400)]
    with any_app.app_context():
        holds = [
            add_hold(kind, text, "court", actor=ADMIN) for kind, text in ((Held.ADDRESS, "Eve@example.org"), (Held.DOMAIN, "held.example"))
        ]
        holds.append(add_hold(Held.MAIL, str(ids[4]), "court", actor=ADMIN))
    free = old(any_app, 400)
    tallies, _said = retire(any_app)
    assert (states(any_app, *ids), tallies.held) == (["stored"] * 3 + ["gone", "stored"], 8)
    assert states(any_app, free) == ["gone"]
    with any_app.app_context():
        for hold_id in holds:
            lift_hold(hold_id, actor=ADMIN)
    retire(any_app)
    assert states(any_app, *ids) == ["gone"] * 5


def test_a_file_that_a_younger_mail_shares_stays(app: Flask) -> None:
    raw = b"Subject: the same\r\n\r\nagain and again"
    first, second = old(app, 400, raw=raw), old(app, 10, raw=raw, queue_id="LATER")
    retire(app)
    with app.app_context():
        assert copy_removal.remove_due() == 1
        assert db.session.query(CopyRemoval).count() == 0
    assert states(app, first, second) == ["gone", "stored"]
    assert len(list((pathlib.Path(app.config["SPOOL_DIR"]).parent / "store").glob("??/?/*"))) == 1


def test_mails_that_are_kept_are_not_walked_again_each_day(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    app.config["RETENTION_RULES"] = (RetentionRule("domain", "example.com", mail=0, copy=0),)
    islands = [old(app, 500) for _ in range(30)]
    retire(app)
    later = old(app, 366.5, "a@example.net")
    passed: list[int] = []
    real = retention._Walk._pass
    monkeypatch.setattr(retention._Walk, "_pass", lambda self, rows: (passed.extend(row.id for row in rows), real(self, rows)))
    with app.app_context():
        for mark in db.session.query(RetentionMark).filter(RetentionMark.days > 0):
            mark.upto = islands[-1] + 1  # as it was on that day
        db.session.commit()
    retire(app)
    assert (set(passed), states(app, later)) == ({later}, ["gone"])
    retire(app)
    assert set(passed) == {later}


def test_other_rules_begin_with_the_oldest_mail(app: Flask) -> None:
    app.config["RETENTION_RULES"] = (RetentionRule("domain", "example.com", mail=0, copy=0),)
    mail_id = old(app, 500)
    retire(app)
    app.config["RETENTION_RULES"] = ()
    retire(app)
    assert states(app, mail_id) == ["gone"]


def test_who_is_ended_half_way_goes_on_where_he_was(app: Flask) -> None:
    ids = [old(app, 400) for _ in range(120)]
    retire(app, most=4)
    left = states(app, *ids).count("stored")
    assert 0 < left < 120
    retire(app)
    assert states(app, *ids) == ["gone"] * 120


def test_who_is_killed_in_between_loses_nothing(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> None:
    url = sqlite_copies.make(tmp_path)
    app = make_app(url, tmp_path)
    ids = [old(app, 400) for _ in range(40)]
    ended = subprocess.run([sys.executable, "-c", _DIES, url, str(tmp_path)], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    there = states(app, *ids)
    assert 0 < there.count("gone") < 40
    for mail_id, state in zip(ids, there, strict=True):
        assert parts(app, mail_id) == ([] if state == "gone" else ["mail_detail", "mail_recipient"])
    with app.app_context():
        assert db.session.query(CopyRemoval).count() == there.count("gone")
    retire(app)
    assert states(app, *ids) == ["gone"] * 40


def test_what_is_told_of_mails_that_are_long_gone_goes_too(any_app: Flask) -> None:
    any_app.config["UNDO_SECONDS"] = 0
    ancient, recent = old(any_app, 400), old(any_app, 100)
    with any_app.app_context():
        for mail_id in (ancient, recent):
            deletion.delete_due(only=[deletion.ask(ANYTHING, mail_id, Extent.MAIL, actor=ADMIN)])
    retire(any_app)
    with any_app.app_context():
        assert list(db.session.scalars(select(Deletion.mail_id))) == [recent]


@pytest.mark.parametrize("extent", list(Extent))
def test_what_is_held_nobody_deletes(app: Flask, extent: Extent) -> None:
    app.config["UNDO_SECONDS"] = 0
    mail_id = old(app, 1)
    with app.app_context():
        waiting = deletion.ask(ANYTHING, mail_id, extent, actor=ADMIN)
        hold = add_hold(Held.MAIL, str(mail_id), "court", actor=ADMIN)
        assert deletion.delete_due(only=[waiting]) == 0
        with pytest.raises(deletion.Conflict, match="legal hold"):
            deletion.ask(ANYTHING, mail_id, extent, actor=ADMIN)
        lift_hold(hold, actor=ADMIN)
        assert deletion.delete_due() == 0
        assert deletion.delete_due(only=[deletion.ask(ANYTHING, mail_id, extent, actor=ADMIN)]) == 1
