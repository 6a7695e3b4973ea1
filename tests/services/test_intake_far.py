"""Accepted means safe where the store is a bucket, too: away or silent, it refuses nobody, and what waited comes in with its copy."""

import pathlib
import shutil
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.actor import SYSTEM
from app.clock import stored_now
from app.errors import NotFound, Unavailable
from app.extensions import db
from app.models import CopyRemoval, Extent
from app.queries.deletions import ANYTHING
from app.services.copy_removal import remove_due
from app.services.deletion import ask, delete_due
from app.services.ticket import Outcome
from app.storage import store_for
from app.storage.local import digest_of
from tests.apps import close, make_app
from tests.make import make_raw
from tests.servers.process import wait_for
from tests.servers.s3 import KEYS, S3
from tests.services.test_intake import break_database, fail_writes, mend_database, rows, segments, send, start


@pytest.fixture(scope="module")
def own_s3() -> Iterator[S3]:
    """That may be killed."""
    with S3() as server:
        yield server


@pytest.fixture
def far(own_s3: S3, sqlite_template: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    shutil.copy(sqlite_template, tmp_path / "mailkeep.db")
    url = own_s3.url(tmp_path.name, timeout=1)
    app = make_app(f"sqlite:///{tmp_path}/mailkeep.db", tmp_path, STORE_URL=url, SPOOL_SEGMENT_SECONDS=0.3, DB_PATIENCE_SECONDS=0.5)
    yield app
    close(app)


def copies(app: Flask, raws: list[bytes]) -> bool:
    store = store_for(app.config["STORE_URL"])
    return [store.open(digest_of(raw)).read() for raw in raws] == raws


def all_in(app: Flask, count: int) -> bool:
    return len(rows(app)) == count and not segments(app)


def test_a_mail_has_its_copy_in_the_bucket_before_its_row(far: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    intake = start(far)
    seen: list[bool] = []
    real = intake._commit

    def commit(tickets) -> None:
        seen.extend(intake.store.is_in_place(ticket.entry.digest) for ticket in tickets)
        real(tickets)

    monkeypatch.setattr(intake, "_commit", commit)
    raws, results = [make_raw(size=size) for size in (10, 3000, 700 << 10)], list[Outcome]()
    threads = [threading.Thread(target=lambda raw=raw: results.append(send(intake, raw)[0].outcome)) for raw in raws]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for(lambda: all_in(far, 3), 20)
    assert seen == [True] * 3
    assert copies(far, raws)
    assert not (pathlib.Path(far.config["SPOOL_DIR"]).parent / "store").exists()


def test_a_bucket_that_is_away_loses_and_refuses_nothing(far: Flask, own_s3: S3) -> None:
    intake = start(far)
    first, raw = send(intake)
    assert first.outcome in (Outcome.COMMITTED, Outcome.SPOOLED)
    wait_for(lambda: all_in(far, 1), 20)
    raws = [raw]
    own_s3.kill()
    try:
        for _ in range(8):
            accepted, raw = send(intake)
            raws.append(raw)
            assert accepted.outcome is Outcome.SPOOLED
        assert send(intake, action="no action")[0].outcome is Outcome.COMMITTED  # it has no copy
        assert {mail.copy_digest for mail in rows(far) if mail.is_stored} == {digest_of(raws[0])}  # no row without its copy
    finally:
        own_s3.start()
    wait_for(lambda: all_in(far, 10) and not intake.store_away, 30)
    assert copies(far, raws)
    wait_for(lambda: send(intake)[0].outcome is Outcome.COMMITTED, 10)


def test_a_bucket_that_says_nothing_holds_nobody_up(far: Flask, own_s3: S3) -> None:
    intake = start(far)
    raws = []
    own_s3.hang()
    try:
        for _ in range(5):
            accepted, raw = send(intake)
            raws.append(raw)
            assert accepted.outcome is Outcome.SPOOLED
        wait_for(lambda: intake.store_away, 20)
    finally:
        own_s3.go_on()
    wait_for(lambda: all_in(far, 5) and not intake.store_away, 30)
    assert copies(far, raws)


def test_database_and_bucket_both_away_come_back_in_any_order(far: Flask, own_s3: S3) -> None:
    intake = start(far)
    break_database(far)
    own_s3.kill()
    try:
        raws = [send(intake)[1] for _ in range(3)]
        mend_database(far)
        wait_for(lambda: not intake.database_away, 20)
        raws += [send(intake)[1]]
    finally:
        own_s3.start()
    wait_for(lambda: all_in(far, 4), 30)
    assert copies(far, raws)


def test_no_bucket_and_no_spool_is_a_no_and_leaves_nothing(far: Flask, own_s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    intake = start(far)
    fail_writes(monkeypatch, "app.storage.spool.os.writev")
    accepted, raw = send(intake)
    assert accepted.outcome is Outcome.COMMITTED
    assert copies(far, [raw])
    own_s3.kill()
    lost = make_raw()
    try:
        for _ in range(2):
            with pytest.raises(Unavailable):
                send(intake, lost)
        assert send(intake, action="no action")[0].outcome is Outcome.COMMITTED
    finally:
        own_s3.start()
    wait_for(lambda: not intake.store_away, 20)
    with pytest.raises(NotFound):
        store_for(far.config["STORE_URL"]).open(digest_of(lost))
    assert len(rows(far)) == 2


def test_readyz_is_degraded_without_the_bucket_and_mails_are_taken(far: Flask, own_s3: S3) -> None:
    client = far.test_client()
    wait_for(lambda: client.get("/readyz").get_json()["state"] == "ready", 20)  # a busy bucket may be late once
    own_s3.kill()
    try:
        answer = client.get("/readyz")
    finally:
        own_s3.start()
    assert (answer.status_code, answer.get_json()["state"], answer.get_json()["store"]) == (200, "degraded", {"ok": False})


def test_a_deleted_copy_leaves_the_bucket_but_not_one_that_a_new_mail_has(far: Flask) -> None:
    intake = start(far)
    (gone, gone_raw), (kept, kept_raw) = send(intake), send(intake)
    wait_for(lambda: all_in(far, 2), 20)
    store = store_for(far.config["STORE_URL"])

    def step() -> None:
        db.session.execute(update(CopyRemoval).values(due_at=stored_now()))
        db.session.commit()
        remove_due()

    with far.app_context():
        for accepted in (gone, kept):
            ask(ANYTHING, accepted.mail_id, Extent.COPY, at_once=True, actor=SYSTEM)
        delete_due()
        step()
        assert not store.is_in_place(digest_of(gone_raw))
        assert copies(far, [gone_raw, kept_raw])  # aside, not gone
        send(intake, kept_raw, queue_id="ANOTHER", mail_from="another@example.net")
        wait_for(lambda: all_in(far, 3), 20)
        step()
        step()
        assert copies(far, [kept_raw])
        with pytest.raises(NotFound):
            store.open(digest_of(gone_raw))
        assert db.session.scalars(select(CopyRemoval)).all() == []
