"""A real Rspamd is taught with stored mails, and scans them again as if nothing had been."""

import json
import pathlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import Mail, MailDetail
from app.queries.learning import ANYTHING, rescans_of
from app.rspamd.lessons import Learnt, Lesson
from app.services import controllers, nodes, rescanning
from tests.apps import close, make_app
from tests.databases import SqliteCopies
from tests.lessons import ADMIN, lessons, node_with, taught, text_of
from tests.make import make_node, post
from tests.releases import BOB, stored
from tests.servers.process import wait_for
from tests.servers.redis import Redis
from tests.servers.teacher import Teacher


class Posts(BaseHTTPRequestHandler):
    """What an exporter posts: the queue ids."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.queue_ids.append(self.headers["X-Rspamd-Qid"])  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def posts() -> Iterator[list[str]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Posts)
    server.queue_ids = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    _url.append(f"http://127.0.0.1:{server.server_port}/")
    yield server.queue_ids  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


_url: list[str] = []


@pytest.fixture(scope="module")
def teacher(redis_server: Redis, posts: list[str]) -> Iterator[Teacher]:
    with Teacher(redis_server, _url[-1]) as server:
        yield server


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, teacher: Teacher) -> Iterator[Flask]:
    app = make_app(sqlite_copies.make(tmp_path), tmp_path)
    node_with(app, f"http://127.0.0.1:{teacher.controller}")
    yield app
    close(app)


def learns(redis: Redis) -> tuple[int, int]:
    found = redis.client().hgetall("RS")
    return int(found.get("learns_spam", 0)), int(found.get("learns_ham", 0))  # type: ignore[union-attr]


def history(redis: Redis) -> int:
    client = redis.client()
    return sum(int(client.llen(key)) for key in client.keys("rs_history*"))  # type: ignore[union-attr, arg-type]


def test_spam_and_ham_are_learned_and_what_rspamd_says_is_kept(app: Flask, redis_server: Redis) -> None:
    mail_id, short = stored(app, raw=text_of(1)), stored(app, raw=text_of(2, words=2))
    spam, ham = learns(redis_server)
    assert taught(app, mail_id, Lesson.SPAM).state == Learnt.DONE
    assert learns(redis_server) == (spam + 1, ham)
    again = taught(app, mail_id, Lesson.SPAM, sure=True)
    assert (again.state, "already learned as spam" in again.reply) == (Learnt.KNOWN, True)
    assert taught(app, mail_id, Lesson.HAM).state == Learnt.DONE
    assert learns(redis_server) == (spam, ham + 1), "the opposite takes back what it was taught before"
    few = taught(app, short, Lesson.SPAM)
    assert (few.state, "less tokens than required" in few.reply) == (Learnt.REFUSED, True)
    assert lessons(app, mail_id) == [("spam", "done"), ("spam", "known"), ("ham", "done")]


def test_the_fuzzy_storage_knows_what_was_added_until_it_is_taken_out(app: Flask, teacher: Teacher) -> None:
    mail_id = stored(app, raw=text_of(3, words=200))

    def is_known() -> bool:
        return "TAUGHT_DENIED" in teacher.scan(text_of(3, words=200), {"rcpt": [BOB]}, "F")["symbols"]

    assert not is_known()
    assert taught(app, mail_id, Lesson.FUZZY_ADD).reply == "hashes: 1"
    wait_for(is_known)
    assert taught(app, mail_id, Lesson.FUZZY_DELETE).state == Learnt.DONE
    wait_for(lambda: not is_known())
    app.config["FUZZY_FLAG"] = 77
    unknown = taught(app, mail_id, Lesson.FUZZY_ADD)
    assert (unknown.state, unknown.reply) == (Learnt.REFUSED, "No fuzzy rules matched for flag 77")


def test_a_wrong_password_is_a_lesson_that_failed_and_can_be_tried_again(app: Flask, teacher: Teacher) -> None:
    mail_id, url = stored(app, raw=text_of(4)), f"http://127.0.0.1:{teacher.controller}"
    for password in ("wrong", ""):
        node_with(app, url, password)
        failed = taught(app, mail_id, Lesson.SPAM)
        assert (failed.state, "wants another password" in failed.reply) == (Learnt.FAILED, True)
    node_with(app, url)
    assert taught(app, mail_id, Lesson.SPAM).state == Learnt.DONE


def test_a_rescan_shows_todays_verdict_and_leaves_no_trace(app: Flask, teacher: Teacher, redis_server: Redis, posts: list[str]) -> None:
    raw, envelope = text_of(5), {"from": "Zoe@example.net", "rcpt": [BOB, "carol@example.com"]}
    real = teacher.scan(raw, envelope, "REAL")
    wait_for(lambda: "REAL" in posts)
    symbols = tuple({"name": name, "score": found["score"]} for name, found in real["symbols"].items())
    mail_id = stored(app, *envelope["rcpt"], raw=raw, mail_from="Zoe@example.net", symbols=symbols, score=real["score"])
    before, kept = learns(redis_server), history(redis_server)
    with app.app_context():
        rescanning.scan_again(ANYTHING, mail_id, actor=ADMIN)
        (row,) = rescans_of(mail_id)
        version = controllers.controller_of("mx1").version()
    names = {each["name"]: each["score"] for each in json.loads(row.symbols)}
    assert (row.node, row.version, row.action, row.score) == ("mx1", version, real["action"], pytest.approx(real["score"]))
    assert names["TESTS_HEADER"] == 7.0, "the envelope's sender is the one it had"
    assert names.keys() == real["symbols"].keys()
    assert (learns(redis_server), history(redis_server), kept > 0) == (before, kept, True)
    # A score that has the worker learn by itself, and the end of all that it posts.
    teacher.scan(text_of(6), envelope, "LAST")
    wait_for(lambda: "LAST" in posts)
    assert learns(redis_server) != before
    assert [queue_id for queue_id in posts if queue_id.startswith("mailkeep-rescan")] == []


def test_what_is_posted_all_the_same_becomes_no_second_mail(app: Flask, teacher: Teacher, posts: list[str]) -> None:
    """By a worker, whose exporter has a name that it does not tell."""
    make_node(app, name="mx2")
    with app.app_context():
        nodes.edit("mx2", scan=f"http://127.0.0.1:{teacher.port}", actor=ADMIN)
    mail_id = stored(app, raw=text_of(7))
    with app.app_context():
        rescanning.scan_again(ANYTHING, mail_id, "mx2", actor=ADMIN)
    wait_for(lambda: any(queue_id.startswith("mailkeep-rescan") for queue_id in posts))
    queue_id = posts[-1]
    client = app.test_client()
    app.extensions["mailkeep_nodes"].refresh(0)
    answer = post(client, text_of(7), "/ingest/mx2", qid=queue_id)
    assert (answer.status_code, answer.get_data(as_text=True)) == (200, f"rescanned {mail_id}\n")
    forged = post(client, text_of(7), "/ingest/mx2", qid=queue_id[:-1] + ("0" if queue_id[-1] != "0" else "1"))
    assert forged.get_data(as_text=True).startswith("committed")
    with app.app_context():
        assert len(db.session.scalars(select(Mail.id)).all()) == 2
        assert db.session.get(MailDetail, mail_id) is not None
