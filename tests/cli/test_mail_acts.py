"""flask mail: mails listed, their bytes, and deleted after a question."""

import pathlib
from collections.abc import Iterator

import pytest
from flask import Flask

from app.extensions import db
from app.models import AuditEvent, Mail
from tests.apps import close, make_app
from tests.databases import SqliteCopies
from tests.make import make_mails
from tests.releases import stored

RAW = b"Subject: x\r\n\r\n\x00\xff\n.\r\n"


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> Iterator[Flask]:
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, UNDO_SECONDS=3600)
    yield app
    close(app)


def run(app: Flask, *words: str, typed: str = "") -> tuple[int, str]:
    told = app.test_cli_runner().invoke(args=["mail", *words], input=typed)
    return told.exit_code, told.output


def test_mails_are_listed_newest_first_by_terms_and_words(app: Flask) -> None:
    old, new = make_mails(app, 2, mail_from="a@needle.example", subject="hay\x1b[31m")
    [other] = make_mails(app, 1, mail_from="b@other.example")
    code, said = run(app, "list")
    assert (code, [line.split()[0] for line in said.splitlines()]) == (0, [str(other), str(new), str(old)])
    assert "\x1b" not in said
    assert [line.split()[0] for line in run(app, "list", "sender.contains=needle")[1].splitlines()] == [str(new), str(old)]
    assert run(app, "list", "a@needle.example", "--limit", "1")[1].split()[0] == str(new)
    code, said = run(app, "list", "nothing.is=1")
    assert (code, said) == (1, "Error: There is no filter nothing.is.\n")


def test_the_bytes_come_as_they_are_and_the_trail_knows(app: Flask) -> None:
    mail_id = stored(app, raw=RAW)
    told = app.test_cli_runner().invoke(args=["mail", "raw", str(mail_id)])
    assert told.stdout_bytes == RAW
    with app.app_context():
        assert [event.verb for event in db.session.query(AuditEvent).filter_by(target_id=str(mail_id))] == ["mail.downloaded"]
    [without] = make_mails(app, 1)
    assert run(app, "raw", str(without)) == (1, "Error: No copy of this mail was kept.\n")


def test_a_mail_is_deleted_after_a_question(app: Flask) -> None:
    mail_id = str(stored(app, queue_id="4ABC"))
    assert run(app, "delete", "4ABC", typed="n\n")[0] == 1
    assert run(app, "delete", "4ABC", "--copy", typed="y\n")[1].endswith("Deleted.\n")
    assert run(app, "delete", mail_id, "--copy", "--yes") == (1, "Error: No copy of this mail is kept.\n")
    with app.app_context():
        assert db.session.get(Mail, int(mail_id)).copy_state == "deleted"
    assert run(app, "delete", mail_id, "--yes") == (0, "Deleted.\n")
    assert run(app, "delete", mail_id, "--yes") == (1, "Error: There is no such mail.\n")
