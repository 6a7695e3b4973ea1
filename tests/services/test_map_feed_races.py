"""Texts of maps while entries change and several make them: every one is whole, and of one revision."""

import multiprocessing
import pathlib
import threading
import time

import pytest
from flask import Flask

from app.queries import map_texts as questions
from app.services import map_feed
from app.services.map_feed import MapFeed
from app.services.map_texts import TextMaker
from app.storage.map_texts import TextFolder
from tests.apps import close, make_app
from tests.maps import VALUES, change, end, expected, feed_of, make_map, text_of
from tests.servers.process import wait_for


@pytest.fixture
def feed(app: Flask) -> MapFeed:
    """Of an app with one map."""
    make_map(app, "spammers", *VALUES)
    return feed_of(app)


class Moving:
    """A map whose entries change all the time, and what each of its revisions has to look like."""

    def __init__(self, app: Flask) -> None:
        self.app, self.there, self.revision = app, list(VALUES[:200]), 1
        self.map_id = make_map(app, "moving", *self.there)
        self.made = {1: expected("moving", 1, self.there)}
        self.stop = threading.Event()

    def edit(self) -> None:
        while not self.stop.is_set():
            self.revision += 1
            gone, new = self.there[self.revision % 200], f"{self.revision}.moving.example"
            self.there[self.revision % 200] = new
            self.made[self.revision] = expected("moving", self.revision, self.there)
            change(self.app, self.map_id, ends=[gone], puts=[new])
            time.sleep(0.002)

    def fetch(self, count: int, statuses: list[int], wrong: list[str]) -> None:
        door, etag = self.app.extensions["mailkeep_map_door"], ""
        for _ in range(count):
            asked = {"REQUEST_METHOD": "GET", "REMOTE_ADDR": "127.0.0.1", "HTTP_IF_NONE_MATCH": etag}
            status, headers, body = door.answer(asked, "moving.txt")
            before, etag = etag, dict(headers)["ETag"]
            statuses.append(status)
            if status == 200 and b"".join(body) != self.made[int(etag[1:].partition("-")[0])]:
                wrong.append(etag)
            if (status == 304) != (etag == before):
                wrong.append(before)


def test_fifty_thousand_fetches_while_entries_change(app: Flask, feed: MapFeed) -> None:
    """Every text is one revision, whole, and every 304 says what was sent before."""
    feed.fresh_seconds = 0.01
    moving = Moving(app)
    statuses: list[int] = []
    wrong: list[str] = []
    fetchers = [threading.Thread(target=moving.fetch, args=(6250, statuses, wrong)) for _ in range(8)]
    editor = threading.Thread(target=moving.edit)
    for thread in (editor, *fetchers):
        thread.start()
    for thread in fetchers:
        thread.join()
    moving.stop.set()
    editor.join()
    assert wrong == []
    assert len(statuses) == 50_000
    assert statuses.count(200) > len(fetchers)  # of more than one revision
    wait_for(lambda: text_of(feed, "moving") == moving.made[moving.revision])


def test_the_last_text_is_served_while_the_new_one_is_made(
    app: Flask, feed: MapFeed, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, go_on = text_of(feed), threading.Event()
    real = TextMaker.make

    def slow(maker: TextMaker, name: str):
        assert go_on.wait(20)
        return real(maker, name)

    monkeypatch.setattr(map_feed, "_SHORT_SECONDS", 0.05)
    monkeypatch.setattr(TextMaker, "make", slow)
    end(app, 11, VALUES[0])
    assert [text_of(feed) for _ in range(20)] == [before] * 20
    assert feed.get("spammers").stale_since is None
    other = make_app(app.config["SQLALCHEMY_DATABASE_URI"], tmp_path)  # which has read nothing yet
    assert text_of(feed_of(other)) == before
    go_on.set()
    for each in (feed, feed_of(other)):
        wait_for(lambda each=each: text_of(each) == expected("spammers", 2, VALUES[1:]))
    close(other)


def test_a_text_is_of_one_revision_however_it_is_read(app: Flask, feed: MapFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries come and go between its pages."""
    monkeypatch.setattr(questions, "_PAGE", 100)
    turns = []
    real = questions._page

    def edited(state, last):
        turns.append(last)
        if last is not None:
            change(app, 11, ends=[VALUES[len(turns)], VALUES[-len(turns)]], puts=[f"{len(turns):04d}.early", f"zz{len(turns)}.late"])
        return real(state, last)

    monkeypatch.setattr(questions, "_page", edited)
    assert text_of(feed) == expected("spammers", 1, VALUES)
    assert len(turns) > 25


def make_and_remove(url: str, folder: str) -> None:
    app = make_app(url, pathlib.Path(folder))
    for _ in range(10):
        text_of(feed_of(app))
        (pathlib.Path(folder) / "maps/spammers.map").unlink(missing_ok=True)
        feed_of(app)._texts.clear()
    close(app)


def test_two_processes_make_the_text_at_once(app: Flask, feed: MapFeed, tmp_path: pathlib.Path) -> None:
    """And take each other's file away; text_of() looks whether what they get is whole."""
    arguments = (app.config["SQLALCHEMY_DATABASE_URI"], str(tmp_path))
    other = multiprocessing.get_context("spawn").Process(target=make_and_remove, args=arguments)
    other.start()
    while other.is_alive():
        make_and_remove(*arguments)
    assert other.exitcode == 0
    assert text_of(feed) == expected("spammers", 1, VALUES)


def test_who_was_killed_half_way_leaves_nothing(feed: MapFeed, tmp_path: pathlib.Path) -> None:
    folder = TextFolder(tmp_path / "maps")
    folder.root.mkdir()
    left = [folder.root / name for name in ("spammers.123.0a0b0c0d.part", "others.123.0a0b0c0d.part")]
    for path in left:
        path.write_bytes(b"# Mailkeep map spammers, revision 1\nhalf")
    assert text_of(feed) == expected("spammers", 1, VALUES)
    assert [path.exists() for path in left] == [False, True]
