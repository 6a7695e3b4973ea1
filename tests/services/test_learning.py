"""Teaching and scanning again: who may, what a controller that is no good does, and many at once."""

import pathlib
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from flask import Flask

from app.errors import Conflict, NotAllowed, NotFound, Unavailable
from app.extensions import db
from app.models import AuditEvent, Mail, MailLesson
from app.queries.learning import ANYTHING, NOTHING, Learning, rescans_of
from app.rspamd.lessons import Learnt, Lesson
from app.services import learning, rescanning
from app.services.learning import Again
from app.storage import store_for
from tests.apps import close, make_app
from tests.lessons import ADMIN, lessons, node_with, taught, text_of
from tests.make import make_mails
from tests.releases import stored

_AT_ONCE = 8
VERDICT = b'{"score": %d.5, "action": "reject", "symbols": {"A": {"name": "A", "score": 1.0}, "B": 7}}'


class Handler(BaseHTTPRequestHandler):
    """A controller that learns everything; what its path begins with makes it odd."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        odd, _slash, act = self.path.lstrip("/").rpartition("/")
        asked: list[str] = self.server.asked  # type: ignore[attr-defined]
        asked.append(act)
        if odd == "slow":
            self.server.goes_on.wait(10)  # type: ignore[attr-defined]
        body = {"garbage": b"\xff\x00<html>", "page": b"hello"}.get(odd, b'{"success": true}')
        if act == "checkv2" and not odd:
            body = VERDICT % len(asked)
        self.send_response({"broken": 500}.get(odd, 200))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def fake() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.goes_on = [], threading.Event()  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.goes_on.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


def url_of(server: ThreadingHTTPServer, odd: str = "") -> str:
    return f"http://127.0.0.1:{server.server_port}/{odd}".rstrip("/")


def test_eight_who_teach_at_once_teach_it_once(database: str, tmp_path: pathlib.Path, fake: ThreadingHTTPServer) -> None:
    app = make_app(database, tmp_path)
    node_with(app, url_of(fake, "slow"))
    mail_id = stored(app, raw=text_of(1))
    ready, ended = threading.Barrier(_AT_ONCE), []

    def work() -> None:
        ready.wait()
        try:
            ended.append(taught(app, mail_id, Lesson.SPAM).state.value)
        except Exception as error:
            ended.append(type(error).__name__)
        if len(ended) == _AT_ONCE - 1:  # all but the one who is teaching
            fake.goes_on.set()  # type: ignore[attr-defined]

    threads = [threading.Thread(target=work) for _ in range(_AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sorted(ended), fake.asked) == ([*["Conflict"] * (_AT_ONCE - 1), "done"], ["learnspam"])  # type: ignore[attr-defined]
    assert lessons(app, mail_id) == [("spam", "done")]
    close(app)


@pytest.mark.parametrize("odd", ["garbage", "page", "broken", "away"])
def test_what_is_no_answer_is_a_lesson_that_failed(app: Flask, fake: ThreadingHTTPServer, odd: str) -> None:
    node_with(app, "http://127.0.0.1:1" if odd == "away" else url_of(fake, odd))
    mail_id = stored(app, raw=text_of(1))
    for _ in range(2):  # it may be tried again
        failed = taught(app, mail_id, Lesson.HAM)
        assert (failed.state, bool(failed.reply)) == (Learnt.FAILED, True)
    with app.app_context(), pytest.raises(Unavailable) as error:
        rescanning.scan_again(ANYTHING, mail_id, actor=ADMIN)
    assert "127.0.0.1" not in failed.reply + str(error.value), "to whom it came it is told, too"
    assert lessons(app, mail_id) == [("ham", "failed")] * 2
    with app.app_context():
        assert rescans_of(mail_id) == []


def test_what_it_was_taught_already_is_asked_about_and_the_opposite_is_not(app: Flask, fake: ThreadingHTTPServer) -> None:
    node_with(app, url_of(fake))
    mail_id = stored(app, raw=text_of(1))
    taught(app, mail_id, Lesson.SPAM)
    with pytest.raises(Again):
        taught(app, mail_id, Lesson.SPAM)
    taught(app, mail_id, Lesson.FUZZY_ADD)
    taught(app, mail_id, Lesson.HAM)
    taught(app, mail_id, Lesson.SPAM)
    taught(app, mail_id, Lesson.SPAM, sure=True)
    assert fake.asked == ["learnspam", "fuzzyadd", "learnham", "learnspam", "learnspam"]  # type: ignore[attr-defined]
    with app.app_context():
        told = [event.after for event in db.session.query(AuditEvent).filter_by(target_id=str(mail_id), verb="mail.learned")]
    assert len(told) == 10


def test_a_lesson_whose_teacher_died_stands_in_nobodys_way_for_ever(app: Flask, fake: ThreadingHTTPServer) -> None:
    node_with(app, url_of(fake))
    mail_id = stored(app, raw=text_of(1))
    with app.app_context():
        learning._claim(mail_id, Lesson.SPAM, sure=False, actor=ADMIN)
    with pytest.raises(Conflict, match="just now"):
        taught(app, mail_id, Lesson.HAM)
    with app.app_context():
        row = db.session.query(MailLesson).one()
        row.at -= learning.LOST_AFTER + timedelta(seconds=1)
        db.session.commit()
    assert taught(app, mail_id, Lesson.HAM).state == Learnt.DONE


def test_who_may_not_and_what_has_no_copy_or_no_controller_is_told_so(app: Flask, fake: ThreadingHTTPServer) -> None:
    mail_id, (bare,) = stored(app, raw=text_of(1)), make_mails(app)
    with pytest.raises(Unavailable, match="No node has a controller"):
        taught(app, mail_id, Lesson.SPAM)
    node_with(app, url_of(fake))
    for may, lesson in ((NOTHING, Lesson.SPAM), (Learning(fuzzy=True), Lesson.HAM), (Learning(bayes=True), Lesson.FUZZY_ADD)):
        with pytest.raises(NotAllowed):
            taught(app, mail_id, lesson, may)
    with app.app_context(), pytest.raises(NotAllowed):
        rescanning.scan_again(Learning(bayes=True), mail_id, actor=ADMIN)
    with pytest.raises(NotFound, match="No copy"):
        taught(app, bare, Lesson.SPAM)
    with app.app_context():
        mail = db.session.get(Mail, mail_id)
        assert mail is not None
        store_for(app.config["STORE_URL"]).delete(mail.copy_digest or "")
    with pytest.raises(NotFound, match="gone"):
        taught(app, mail_id, Lesson.SPAM)
    assert (fake.asked, lessons(app, mail_id)) == ([], [])  # type: ignore[attr-defined]


def test_the_last_few_rescans_are_kept(app: Flask, fake: ThreadingHTTPServer) -> None:
    node_with(app, url_of(fake))
    mail_id = stored(app, raw=text_of(1))
    with app.app_context():
        for _ in range(rescanning.KEPT + 2):
            rescanning.scan_again(ANYTHING, mail_id, actor=ADMIN)
        found = rescans_of(mail_id)
    assert [row.number for row in found] == [7, 6, 5, 4, 3]
    assert (found[0].action, found[0].score, found[0].symbols) == ("reject", 7.5, '[{"name": "A", "score": 1.0}]')
