"""Letters of long ago are forgotten, and what is told of a mail goes with it; nobody is told anew because of that."""

import pathlib
from collections.abc import Iterator
from datetime import timedelta

import pytest
from click.testing import Result
from flask import Flask

from app.clock import stored_now, utcnow
from app.extensions import db
from app.ids import id_at
from app.jobs.registry import JOBS
from app.models import Notice, NoticeDue, NoticeLine, NoticeStep, NoticeUse
from app.models.people import User
from app.services import notice_leftovers
from app.services.job import Report
from tests.apps import close
from tests.letters import make_letter, wait_for
from tests.make import make_user
from tests.notices import BOB, kept, later, letter, lines, state_of, telling_app, told
from tests.releases import ADMIN
from tests.servers.relay import Relay


@pytest.fixture
def app(database: str, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    app = telling_app(database, tmp_path, relay.url, UNDO_SECONDS=0)
    make_user(app, "bob", "Recipient")
    yield app
    close(app)


def forget(app: Flask) -> list[int]:
    with app.app_context():
        counts = []
        while count := notice_leftovers.forget_old():
            counts.append(count)
        return counts


def test_what_is_old_goes_in_small_pieces(app: Flask, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice_leftovers, "_LINES", 2)
    old = [kept(app) for _ in range(3)]
    told(app)
    with app.app_context():
        use = NoticeUse(notice_id=db.session.query(Notice.id).scalar(), mail_id=old[0], act="release", used_at=stored_now(), ip="192.0.2.1")
        stray = NoticeLine(mail_id=id_at(utcnow() - timedelta(days=129), 1, 1), owner="user:999", address=BOB)
        db.session.add_all([use, stray])
        db.session.commit()
    later(app, days=91)
    new = kept(app)
    told(app)
    assert forget(app) == [2, 1, 1, 1]
    assert {mail_id for mail_id, _owner, _address in lines(app)} == {new}
    assert letter(app).mails == 1
    with app.app_context():
        assert db.session.query(NoticeUse).count() == 0
    told(app)
    assert (len(relay.envelopes), {state_of(app, mail_id) for mail_id in old}) == (2, {"sent"})


def test_the_job_of_leftovers_ends_what_was_begun_and_forgets_what_is_old(app: Flask) -> None:
    begun = make_letter(app, BOB, owner="user:999", state=NoticeStep.WAITING, next_try_at=None)
    old = make_letter(app, BOB, made_at=stored_now() - timedelta(days=91))
    with app.app_context():
        report = Report()
        JOBS["sessions"].run(report)
        assert (db.session.get_one(Notice, begun).state, db.session.get(Notice, old)) == ("empty", None)
    assert report.words == "Forgotten: 1 letters that were only begun, 1 letters about kept mail, and lines of theirs."


def test_a_letter_that_was_begun_for_who_is_told_nothing_any_more_is_ended(app: Flask, relay: Relay) -> None:
    with app.app_context():
        bob = f"user:{db.session.query(User.id).scalar()}"
    mails, others = wait_for(app, bob, BOB, 2), wait_for(app, "address:dora@example.com", "dora@example.com")
    begun = {"state": NoticeStep.WAITING, "next_try_at": None}
    number, other = make_letter(app, BOB, owner=bob, **begun), make_letter(app, "dora@example.com", **begun)
    with app.app_context():
        db.session.query(NoticeLine).filter_by(owner=bob).update({"notice_id": number})
        db.session.query(NoticeLine).filter_by(mail_id=others[0]).update({"notice_id": other})
        db.session.query(NoticeDue).filter_by(owner=bob).delete()
        db.session.query(User).update({"active": False})
        db.session.commit()
        assert (notice_leftovers.end_begun(), notice_leftovers.end_begun()) == (1, 0)
    told(app)
    with app.app_context():
        assert (db.session.get_one(Notice, number).state, db.session.get_one(Notice, other).state) == ("empty", "waiting")
    assert (relay.envelopes, lines(app)) == ([], {(others[0], "address:dora@example.com", "dora@example.com")})
    assert {state_of(app, mail_id) for mail_id in mails} == {"skipped"}


def test_with_a_mail_goes_what_is_told_of_it(app: Flask) -> None:
    from app.models import Extent
    from app.queries.deletions import ANYTHING
    from app.services import deletion

    mail_id, other = kept(app), kept(app)
    told(app)
    with app.app_context():
        deletion.ask(ANYTHING, mail_id, Extent.MAIL, actor=ADMIN)
        assert deletion.delete_due() == 1
    assert lines(app) == {(other, "user:bob", BOB)}


def test_the_command_line_shows_them(app: Flask, relay: Relay) -> None:
    def said(*words: str) -> Result:
        return app.test_cli_runner().invoke(args=["notices", *words])

    assert said("list").output == "There are no letters.\n"
    relay.refuse.add(BOB)
    mail_id = kept(app, subject="Of a \x1b[31mkind")
    told(app)
    number = letter(app).id
    assert f"{number}  " in said("list").output
    assert "failed  at once  bob@example.com  1 mails\n1 failed\n" in said("list", "--state", "failed").output
    assert said("list", "--state", "sent").output == "1 failed\n"
    shown = said("show", str(number)).output
    assert "550 5.1.1 no such user here" in shown
    assert str(mail_id) in shown
    assert "\x1b" not in shown
    assert said("show", "99").exit_code == 1
    assert "1 new mails" not in app.test_cli_runner().invoke(args=["jobs", "run", "notices", "--dry-run"]).output
