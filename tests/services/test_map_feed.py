"""The texts of the maps whatever happens: the database away, the disk full, two at once, killed half-way, edited while they are fetched."""

import errno
import logging
import os
import pathlib
import signal
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, event

from app.clock import stored_now, utcnow
from app.extensions import db
from app.models.maps import MapEntry
from app.services import map_feed
from app.services.map_feed import MapFeed
from app.storage import map_texts
from tests.apps import close, make_app
from tests.databases import MariaDBCopies
from tests.maps import VALUES, expected, feed_of, make_map, put, text_of
from tests.servers.process import wait_for

PATH = "/maps/spammers.txt"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is served is not to hang on how busy the machine is: after half a second it would be the text before."""
    monkeypatch.setattr(map_feed, "_SHORT_SECONDS", 10.0)


@pytest.fixture
def feed(app: Flask) -> MapFeed:
    """Of an app with one map."""
    make_map(app, "spammers", *VALUES)
    return feed_of(app)


def again(app: Flask, tmp_path: pathlib.Path, url: str = "") -> Flask:
    """The same node after a restart."""
    other = make_app(url or app.config["SQLALCHEMY_DATABASE_URI"], tmp_path)
    feed_of(other)
    return other


def away(app: Flask, tmp_path: pathlib.Path) -> str:
    return "mysql+mysqldb://nobody@127.0.0.1:1/nothing?charset=utf8mb4"


def test_an_unchanged_map_costs_one_question_at_most_each_quarter_second(app: Flask, feed: MapFeed) -> None:
    asked = []
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *of: asked.append(of[2]) if of[2] != "BEGIN" else None)
    feed.get("spammers")
    asked.clear()
    feed.get("spammers")
    assert len(asked) == 1
    assert "map_entry" not in asked[0]
    feed.fresh_seconds = 60
    for _ in range(100):
        feed.get("spammers")
    assert len(asked) == 1


def test_with_the_database_gone_the_last_text_is_served(mariadb_copies: MariaDBCopies, tmp_path: pathlib.Path, caplog) -> None:
    url = mariadb_copies.make(tmp_path)
    app = make_app(url, tmp_path, DB_PATIENCE_SECONDS=0.5)
    feed_of(app)
    client, map_id = app.test_client(), make_map(app, "spammers", "a.example")
    before = client.get(PATH)
    process = mariadb_copies.server.process
    assert process
    put(app, map_id, "b.example")
    process.send_signal(signal.SIGSTOP)  # it takes the question, and never answers
    try:
        wait_for(lambda: "X-Mailkeep-Stale" in client.get(PATH).headers)  # a question may have been on its way
        hung = client.get(PATH)
        assert (hung.status_code, hung.data) == (200, before.data)
        assert hung.headers["X-Mailkeep-Stale"] <= utcnow().strftime("%Y-%m-%dT%H:%M:%SZ")
        assert hung.headers["Warning"].startswith("110 ")
        assert client.get(PATH, headers={"If-None-Match": before.headers["ETag"]}).status_code == 304
        assert client.get("/maps/ip_whitelist.txt").status_code == 503
        assert client.get("/maps/nothing.txt").status_code == 404
    finally:
        process.send_signal(signal.SIGCONT)
    wait_for(lambda: b"b.example" in client.get(PATH).data)
    assert "X-Mailkeep-Stale" not in client.get(PATH).headers
    close(app)


def test_after_a_restart_without_a_database_the_disk_serves(app: Flask, feed: MapFeed, tmp_path: pathlib.Path) -> None:
    make_map(app, "never_fetched", "a.example")
    large = make_map(app, "large", *(f"{'x' * 300}{number}.example" for number in range(5000)))
    before, text = text_of(feed), text_of(feed, "large")
    assert len(text) > map_feed.IN_MEMORY_BYTES
    other = again(app, tmp_path, away(app, tmp_path))
    client = other.test_client()
    answer = client.get(PATH)
    assert (answer.status_code, answer.data) == (200, before)
    assert answer.headers["X-Mailkeep-Stale"] <= utcnow().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert client.get("/maps/large.txt").data == text
    for path in ("never_fetched", "nothing"):
        refused = client.get(f"/maps/{path}.txt")
        assert (refused.status_code, refused.text.count("\n"), refused.mimetype) == (503, 1, "text/plain")
    close(other)
    assert large


def test_after_a_restart_the_file_is_taken_again(app: Flask, feed: MapFeed, tmp_path: pathlib.Path) -> None:
    before, file = text_of(feed), tmp_path / "maps/spammers.map"
    stamp = file.stat().st_ino
    other = again(app, tmp_path)
    assert text_of(feed_of(other)) == before
    assert file.stat().st_ino == stamp
    with other.app_context():
        put(other, 11, "new.example")
    assert b"new.example" in text_of(feed_of(other))
    close(other)


@pytest.mark.parametrize("harm", ["cut", "changed", "empty", "rubbish"])
def test_a_damaged_file_is_never_served(app: Flask, feed: MapFeed, tmp_path: pathlib.Path, harm: str) -> None:
    text_of(feed)
    file = tmp_path / "maps/spammers.map"
    whole = file.read_bytes()
    file.write_bytes({"cut": whole[:-9], "changed": whole[:-9] + b"x" * 9, "empty": b"", "rubbish": os.urandom(5000)}[harm])
    alone = again(app, tmp_path, away(app, tmp_path))
    assert alone.test_client().get(PATH).status_code == 503
    close(alone)
    other = again(app, tmp_path)
    assert text_of(feed_of(other)) == expected("spammers", 1, VALUES)
    assert file.read_bytes()[1024:] == whole[1024:]
    close(other)


@pytest.mark.parametrize("way", ["unwritable", "full"])
def test_without_a_disk_memory_serves(app: Flask, feed: MapFeed, tmp_path, monkeypatch, caplog, way: str) -> None:
    if way == "unwritable":
        (tmp_path / "maps").write_bytes(b"")  # root may write to any folder, and to no file as to one
    else:
        monkeypatch.setattr(map_texts.os, "fsync", no_room)
    with caplog.at_level(logging.ERROR, "app.services.map_texts"):
        assert text_of(feed) == expected("spammers", 1, VALUES)
        put(app, 11, "z.example")
        assert text_of(feed).endswith(b"z.example\n")
    assert caplog.text.count("cannot be used") == 1
    if way == "full":
        assert [path.name for path in (tmp_path / "maps").iterdir() if "spammers" in path.name] == ["spammers.lock"]


def no_room(_descriptor: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_map_of_a_later_version_spoils_no_other(app: Flask, feed: MapFeed) -> None:
    make_map(app, "later", "a.example", kind="of tomorrow")
    assert text_of(feed) == expected("spammers", 1, VALUES)
    assert app.test_client().get("/maps/later.txt").status_code == 404


def test_a_file_that_somebody_removed_is_made_again(app: Flask, feed: MapFeed, tmp_path: pathlib.Path) -> None:
    make_map(app, "large", *(f"{'x' * 300}{number}.example" for number in range(5000)))
    before = text_of(feed, "large")
    (tmp_path / "maps/large.map").unlink()
    assert text_of(feed, "large") == before


def test_the_disk_forgets_maps_that_are_gone(app: Flask, feed: MapFeed, tmp_path: pathlib.Path) -> None:
    text_of(feed)
    with app.app_context():
        db.session.execute(db.text("DELETE FROM map WHERE name = 'spammers'"))
        db.session.commit()
    other = again(app, tmp_path)
    assert other.test_client().get(PATH).status_code == 404
    assert not (tmp_path / "maps/spammers.map").exists()
    close(other)


def test_a_database_that_was_brought_back_has_its_own_revisions(app: Flask, feed: MapFeed) -> None:
    """The same number, other entries."""
    put(app, 11, "first.example")
    assert b"first.example" in text_of(feed)
    with app.app_context():
        db.session.execute(delete(MapEntry).where(MapEntry.value == "first.example"))
        db.session.execute(db.text("UPDATE map SET revision = 1 WHERE id = 11"))
        db.session.execute(db.text("DELETE FROM map_revision WHERE number = 2"))
        db.session.commit()
    put(app, 11, "second.example")
    assert b"second.example" in text_of(feed)


def test_expiry_counts_in_a_file_of_another_time(app: Flask, feed: MapFeed, tmp_path: pathlib.Path) -> None:
    put(app, 11, "brief.example", expires_at=stored_now() + timedelta(hours=1))
    assert b"brief.example" in text_of(feed)
    with time_machine.travel(utcnow() + timedelta(hours=2)):
        other = again(app, tmp_path)
        wait_for(lambda: b"brief.example" not in text_of(feed_of(other)))  # the file is served where the database is late
        close(other)
