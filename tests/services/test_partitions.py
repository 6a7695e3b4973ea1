"""Partitions on MariaDB: made and undone with mails in them, each mail once as before, and whole days that go at once."""

import dataclasses
import pathlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import text

from app.clock import stored_now, utcnow
from app.errors import Conflict
from app.extensions import db
from app.ids import first_id_at
from app.models import CopyRemoval, Held, Mail, MailDetail, MailLesson, MailRecipient
from app.queries.partitions import REST, partitions
from app.services import partition_drop, retention
from app.services import partitions as service
from app.services.holds import add_hold
from app.services.insert import insert_entries
from tests.apps import close, make_app
from tests.databases import MariaDBCopies, driver_url
from tests.make import make_entry, make_mails
from tests.releases import ADMIN, asked
from tests.retention import Told, old, retire, states


@pytest.fixture
def parted(mariadb_copies: MariaDBCopies, tmp_path: pathlib.Path) -> Iterator[Flask]:
    """On a database of its own, which others need not find again as it was."""
    server = mariadb_copies.server
    url = server.create("parted")
    server.copy_tables("mailkeep_template", "parted")
    rows = "".join(f"INSERT INTO parted.{t} SELECT * FROM mailkeep_template.{t};" for t in mariadb_copies.tables)
    server.sql(f"SET foreign_key_checks = 0; BEGIN; {rows} COMMIT")
    app = make_app(driver_url(url), tmp_path)
    yield app
    close(app)
    server.drop("parted")


def command(app: Flask, *words: str) -> str:
    done = app.test_cli_runner().invoke(args=["db", "partition", *words])
    assert done.exit_code == 0, done.output
    return str(done.output)


def numbers(app: Flask, *queries: str) -> list[Any]:
    with app.app_context(), db.engine.connect() as connection:
        return [connection.scalar(text(query)) for query in queries]


def names(app: Flask, model: Any = Mail) -> list[str]:
    with app.app_context():
        return [each.name for each in partitions(model)]


def month(days: float) -> str:
    return f"p{utcnow() - timedelta(days=days):%Y%m}01"


def day(days: float) -> str:
    return f"p{utcnow() - timedelta(days=days):%Y%m%d}"


def put(app: Flask, entry: Any) -> int:
    with app.app_context():
        return insert_entries(db.engine, [entry], "mx1")[entry.id]


def test_partitions_are_made_and_undone_and_each_mail_stays_one(parted: Flask) -> None:
    parted.config["RETENTION_PARTITIONS"] = "day"
    first, doubled = make_entry(), make_entry()
    assert put(parted, first) == first.id
    old(parted, 30)
    before = numbers(parted, "CHECKSUM TABLE mail", "SELECT count(*) FROM mail_recipient", "SELECT max(id) FROM mail")
    assert "about" in command(parted, "--dry-run")
    assert names(parted) == []
    command(parted)
    command(parted)
    assert names(parted) == names(parted, MailDetail) == names(parted, MailRecipient)
    assert (names(parted)[0], names(parted)[-1], len(names(parted))) == (day(30), REST, 31 + service.AHEAD["day"] + 1)
    assert put(parted, dataclasses.replace(first, id=make_entry().id)) == first.id
    assert put(parted, doubled) == doubled.id
    assert put(parted, dataclasses.replace(doubled, id=make_entry().id)) == doubled.id
    assert put(parted, dataclasses.replace(make_entry(), earlier=doubled.identity)) == doubled.id
    with parted.app_context():
        flask_migrate.downgrade(revision="0006")
        flask_migrate.upgrade()
        db.session.execute(text("DELETE FROM mail WHERE id = :id"), {"id": doubled.id})
        db.session.commit()
    assert numbers(parted, "SELECT count(*) FROM mail_identity") == [2]
    command(parted, "--undo")
    command(parted, "--undo")
    after = numbers(parted, "CHECKSUM TABLE mail", "SELECT count(*) FROM mail", "SELECT max(id) FROM mail")
    assert (names(parted), after[1:]) == ([], [2, before[2]])
    assert put(parted, dataclasses.replace(first, id=make_entry().id)) == first.id
    with parted.app_context():
        flask_migrate.check()


def test_whole_months_go_at_once_and_what_has_to_stay_stays(parted: Flask) -> None:
    gone = [old(parted, 460, f"{name}@example.com") for name in "abc"]
    kept, beside, young = old(parted, 415, "eve@example.com"), old(parted, 415), make_mails(parted)[0]
    command(parted)
    with parted.app_context():
        add_hold(Held.ADDRESS, "eve@example.com", "court", actor=ADMIN)
        who = {"asked_by": "root", "on_behalf_of": "", "at": stored_now()}
        db.session.add(MailLesson(mail_id=gone[0], number=1, lesson="ham", node="mx1", state="done", **who))
        db.session.commit()
    tallies, lines = retire(parted)
    assert f"{month(460)} is gone with all 3 mails." in lines
    assert states(parted, *gone, kept, beside, young) == ["gone", "gone", "gone", "stored", "gone", "none"]
    assert sum(tally.count for tally in tallies.of.values()) == 4
    for model in (Mail, MailDetail, MailRecipient):
        assert month(460) not in names(parted, model)
        assert month(415) in names(parted, model)
    with parted.app_context():
        assert {row.mail_id for row in db.session.query(MailDetail)} == {kept, young}
        assert db.session.query(MailLesson).count() == 0
        assert db.session.query(CopyRemoval).count() == 4
    assert numbers(parted, "SELECT count(*) FROM mail_identity", "SELECT count(*) FROM mail_recipient") == [2, 2]


def test_a_mail_stays_until_the_youngest_of_its_partition_is_old_enough(parted: Flask) -> None:
    """Where they go together; in a dry run, too."""
    parted.config |= {"RETENTION_MAIL_DAYS": 30, "RETENTION_PARTITIONS": "day"}
    mail_id = old(parted, 30.001)
    command(parted)
    for dry in (True, False):
        _, lines = retire(parted, dry=dry)
        assert lines == ["Nothing is old enough to go."]
    parted.config["RETENTION_MAIL_DAYS"] = 29
    retire(parted)
    assert (states(parted, mail_id), day(30) in names(parted)) == (["gone"], False)


@pytest.mark.parametrize("what", ["a hold", "a release", "a mail"])
def test_what_comes_at_the_last_moment_keeps_the_partition(parted: Flask, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    mail_id, other = old(parted, 460), old(parted, 460)
    command(parted)
    parted.config |= {"SMTP_URL": "smtp://127.0.0.1:9", "UNDO_SECONDS": 3600}
    real = partition_drop._take_leave_of_copies

    def in_between(whole: Any) -> None:
        real(whole)
        if what == "a hold":
            add_hold(Held.MAIL, str(mail_id), "court", actor=ADMIN)
        elif what == "a release":
            asked(parted, mail_id)
        else:
            put(parted, dataclasses.replace(make_entry(), id=other + 50))

    monkeypatch.setattr(partition_drop, "_take_leave_of_copies", in_between)
    _, lines = retire(parted)
    assert f"{month(460)} is in use: its mails go one after the other." in lines
    assert states(parted, mail_id, other) == ["gone" if what == "a mail" else "stored", "gone"]


def test_a_drop_that_is_broken_off_is_ended_by_the_next_run(parted: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    old(parted, 460)
    command(parted)
    with monkeypatch.context() as broken:
        broken.setattr(partition_drop, "_forget", lambda *_: {}["killed"])  # type: ignore[index]
        with pytest.raises(KeyError):
            retire(parted)
    assert (month(460) in names(parted), month(460) in names(parted, MailDetail)) == (False, True)
    assert numbers(parted, "SELECT count(*) FROM mail_identity") == [1]
    retire(parted)
    assert month(460) not in names(parted, MailDetail)
    assert numbers(parted, "SELECT count(*) FROM mail_identity", "SELECT count(*) FROM mail_detail") == [0, 0]


def test_partitions_are_made_ahead(parted: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    parted.config["RETENTION_PARTITIONS"] = "day"
    command(parted)
    later = utcnow() + timedelta(days=20)
    put(parted, dataclasses.replace(make_entry(), id=first_id_at(later)))
    monkeypatch.setattr(service, "utcnow", lambda: later)
    with parted.app_context():
        retention.run(Told())
    ahead = [f"p{later + timedelta(days=number):%Y%m%d}" for number in (0, service.AHEAD["day"])]
    assert (names(parted)[-2:], ahead[0] in names(parted)) == ([ahead[1], REST], True)
    assert numbers(parted, f"SELECT count(*) FROM mail PARTITION ({ahead[0]})") == [1]


def test_a_database_that_cannot_says_so_and_is_as_it_was(app: Flask, parted: Flask, mariadb_copies: MariaDBCopies) -> None:
    assert "Only MariaDB" in app.test_cli_runner().invoke(args=["db", "partition"]).output
    server = mariadb_copies.server
    server.sql(
        "CREATE USER weak@'127.0.0.1' IDENTIFIED BY 'weak'; GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP ON parted.* TO weak@'127.0.0.1'"
    )
    weak = make_app(driver_url(server.url("parted").replace("mailkeep:mailkeep", "weak:weak")), pathlib.Path(parted.instance_path))
    try:
        with weak.app_context(), pytest.raises(Conflict, match=r"need triggers.*denied"):
            service.partition("month", Told())
    finally:
        close(weak)
        server.sql("DROP USER weak@'127.0.0.1'")
    assert (names(parted), numbers(parted, "SHOW TABLES LIKE 'mail_identity'")) == ([], [None])


def test_months_are_as_long_as_they_are() -> None:
    start = service._start(utcnow().replace(year=2028, month=1, day=31), "month")
    found = [start]
    for _ in range(13):
        found.append(service._next(found[-1], "month"))
    assert [f"{each:%Y%m%d}" for each in found] == [f"2028{month:02}01" for month in range(1, 13)] + ["20290101", "20290201"]
