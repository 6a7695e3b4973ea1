"""Each mail once, on every database, whatever comes twice."""

import dataclasses
import pathlib
import threading
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import delete, func, select

from app.errors import BadRequest, Unavailable
from app.extensions import db
from app.ids import id_at
from app.models import LateMail, Mail, MailDetail, MailRecipient
from app.services.insert import insert_entries
from tests.apps import close, make_app
from tests.databases import MariaDBCopies
from tests.make import make_entry, make_raw, repeated
from tests.servers.mariadb import MariaDB


def count(table: type = Mail) -> int:
    with db.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_a_batch_makes_all_its_rows(any_app: Flask) -> None:
    entries = [make_entry(recipients=("A@Example.com", "a@example.com", "b@example.org")) for _ in range(30)]
    with any_app.app_context():
        outcome = insert_entries(db.engine, entries, "mx1")
        assert outcome == {entry.id: entry.id for entry in entries}
        assert (count(), count(MailDetail), count(MailRecipient)) == (30, 30, 60)
        mail = db.session.get(Mail, entries[0].id)
        assert mail is not None
        assert (mail.first_rcpt, mail.rcpt_count, mail.mail_from_domain, mail.ip) == ("a@example.com", 2, "example.net", "198.51.100.7")
        assert (mail.copy_digest, mail.identity) == (entries[0].digest, entries[0].identity)
        assert [(r.address, r.given, r.domain) for r in mail.recipients] == [
            ("a@example.com", "A@Example.com", "example.com"),
            ("b@example.org", None, "example.org"),
        ]


def test_the_same_post_again_is_the_same_mail(any_app: Flask) -> None:
    first = make_entry()
    again = repeated(first)
    later = dataclasses.replace(repeated(first), identity="ab" * 16, earlier=first.identity)
    with any_app.app_context():
        insert_entries(db.engine, [first], "mx1")
        assert insert_entries(db.engine, [again], "mx1") == {again.id: first.id}
        assert insert_entries(db.engine, [later], "mx1") == {later.id: first.id}
        assert count() == 1


def test_doubles_inside_one_batch_make_one_row(any_app: Flask) -> None:
    first = make_entry()
    batch = [first, repeated(first), make_entry()]
    with any_app.app_context():
        assert insert_entries(db.engine, batch, "mx1")[batch[1].id] == first.id
        assert count() == 2


def test_a_replay_after_the_commit_changes_nothing(any_app: Flask) -> None:
    entries = [make_entry() for _ in range(5)]
    with any_app.app_context():
        insert_entries(db.engine, entries[:3], "mx1")
        assert insert_entries(db.engine, entries, "mx1") == {entry.id: entry.id for entry in entries}
        assert count() == 5


def test_a_mail_that_was_deleted_comes_in_again_where_its_late_mark_was_left(any_app: Flask) -> None:
    entries = [dataclasses.replace(make_entry(), id=id_at(datetime(2020, 1, 1, tzinfo=UTC), 1, number)) for number in range(3)]
    with any_app.app_context():
        insert_entries(db.engine, entries[:2], "mx1")
        assert count(LateMail) == 2
        for model in (MailDetail, MailRecipient, Mail):
            db.session.execute(delete(model))
        db.session.commit()
        assert insert_entries(db.engine, entries, "mx1") == {entry.id: entry.id for entry in entries}
        assert (count(), count(LateMail)) == (3, 3)


def test_an_id_that_belongs_to_another_mail_is_refused(any_app: Flask) -> None:
    first = make_entry()
    other = dataclasses.replace(make_entry(), id=first.id)
    with any_app.app_context():
        insert_entries(db.engine, [first], "mx1")
        with pytest.raises(BadRequest):
            insert_entries(db.engine, [other], "mx1")
        assert count() == 1


def test_eight_threads_post_the_same_twenty_mails(any_app: Flask) -> None:
    originals = [make_entry() for _ in range(20)]
    errors: list[Exception] = []
    with any_app.app_context():
        engine = db.engine

    def work(number: int) -> None:
        try:
            for entry in originals[number:] + originals[:number]:
                insert_entries(engine, [repeated(entry)], "mx1")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with any_app.app_context():
        assert errors == []
        assert count() == 20


def test_what_is_too_long_is_cut_with_a_mark_and_logged(any_app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    entry = make_entry(
        subject="ü" * 2000, queue_id="q" * 500, recipients=("x" * 400 + "@example.com",), mail_from="m" * 999 + "@example.net"
    )
    with any_app.app_context():
        insert_entries(db.engine, [entry], "mx1")
        mail = db.session.get(Mail, entry.id)
        assert mail is not None
        assert mail.subject == "ü" * 511 + "…"
        assert len(mail.queue_id) == 128
        assert mail.mail_from.endswith("…")
        assert mail.recipients[0].address.endswith("…")
    assert "subject has 2000 characters" in caplog.text


@pytest.mark.parametrize("text", ["emoji 🎉 and 中文", "back\\slash 'quote' \"double\" %s %(x)s :name ?", "\u202eevil", "\x01\x7f"])
def test_any_text_comes_back_as_it_was(any_app: Flask, text: str) -> None:
    entry = make_entry(subject=text, header_from=text, headers=text * 100, queue_id=text, fuzzy=(text,))
    with any_app.app_context():
        insert_entries(db.engine, [entry], "mx1")
        mail = db.session.get(Mail, entry.id)
        assert mail is not None
        assert (mail.subject, mail.queue_id, mail.detail.headers) == (text, text, text * 100)


def test_a_database_without_tables_is_unavailable_not_a_bad_mail(tmp_path, sqlite_template) -> None:
    from tests.apps import close, make_app

    app = make_app(f"sqlite:///{tmp_path}/empty.db", tmp_path)
    with app.app_context(), pytest.raises(Unavailable):
        insert_entries(db.engine, [make_entry(make_raw())], "mx1")
    close(app)


def test_batches_that_lock_each_other_out_all_come_in(any_app: Flask) -> None:
    """The same mails in opposite orders: real deadlocks on MariaDB and PostgreSQL, a busy file on SQLite."""
    originals = [make_entry() for _ in range(12)]
    errors: list[Exception] = []
    with any_app.app_context():
        engine = db.engine

    def work(number: int) -> None:
        try:
            batch = [repeated(entry) for entry in originals]
            for turn in range(3):
                insert_entries(engine, batch[number * 3 :] + batch[: number * 3] if turn % 2 else batch[::-1], "mx1")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with any_app.app_context():
        assert errors == []
        assert count() == 12


def test_a_read_only_mariadb_is_away_not_a_bad_mail(mariadb: MariaDB, mariadb_copies: MariaDBCopies, tmp_path: pathlib.Path) -> None:
    entry = make_entry()
    app = make_app(mariadb_copies.make(tmp_path), tmp_path)
    with app.app_context():
        mariadb.sql("SET GLOBAL read_only = 1")
        try:
            with pytest.raises(Unavailable):
                insert_entries(db.engine, [entry], "mx1")
        finally:
            mariadb.sql("SET GLOBAL read_only = 0")
        assert insert_entries(db.engine, [entry], "mx1") == {entry.id: entry.id}
    close(app)
