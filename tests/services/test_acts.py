"""Acts on many mails other than releasing: each does what a press on the mail's page would, and no more."""

import pathlib
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models.people import User
from app.services import acts, bulk
from tests.apps import close
from tests.bulk import counts, ordered, told, user_id, worked
from tests.databases import SqliteCopies
from tests.lessons import node_with
from tests.make import make_user
from tests.releases import ADMIN, BOB, CAROL, releasing_app, stored
from tests.servers.process import free_port
from tests.services.test_learning import fake, url_of  # noqa: F401 - a fixture


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> Iterator[Flask]:
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, "smtp://127.0.0.1:9", UNDO_SECONDS=60)
    make_user(app, "root")
    yield app
    close(app)


def test_many_are_deleted_undone_and_then_gone(app: Flask) -> None:
    """Where a mail is somebody else's too, a recipient deletes nothing of it."""
    make_user(app, "bob", "Recipient")
    app.config["DELETE_COPY_ROLES"] = ("Admin", "Recipient")
    mine, shared = stored(app), stored(app, BOB, CAROL)
    run = ordered(app, "bob", ("Recipient",), act="delete_copy", ids=(mine, shared), search=())
    worked(app)
    assert (counts(app, run), list(told(app, run))) == (("done", 1, 1, 0), [shared])
    with app.app_context():
        bob = db.session.get(User, user_id(app, "bob"))
        assert bulk.undo_all(bob, run, actor=ADMIN) == (1, 0)
    app.config["UNDO_SECONDS"] = 0
    run = ordered(app, act="delete_mail")
    worked(app)
    assert counts(app, run) == ("done", 2, 0, 0)
    with app.app_context():
        acts.deletion.delete_due()
        assert db.session.scalars(select(acts.Mail.id)).all() == []


def test_rspamd_is_taught_with_many_and_what_it_was_taught_is_passed_over(app: Flask, fake: ThreadingHTTPServer) -> None:  # noqa: F811
    mails = [stored(app) for _ in range(2)]
    node_with(app, url_of(fake))
    runs = [ordered(app, act="learn_spam") for _ in range(2)]
    worked(app)
    assert [counts(app, run) for run in runs] == [("done", 2, 0, 0), ("done", 0, 2, 0)]
    assert len(fake.asked) == len(mails)  # type: ignore[attr-defined]
    assert set(told(app, runs[1]).values()) == {"Rspamd was taught this mail so already."}


def test_a_controller_that_is_away_is_told_of_each_mail(app: Flask) -> None:
    mails = [stored(app) for _ in range(2)]
    node_with(app, f"http://127.0.0.1:{free_port()}")
    run = ordered(app, act="learn_ham")
    worked(app)
    assert (counts(app, run), sorted(told(app, run))) == (("done", 0, 0, 2), mails)
