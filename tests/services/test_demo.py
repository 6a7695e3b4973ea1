"""The demo: whoever looks at it sees every mark, every proof, a way, a picture; and a second call adds nothing."""

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import func, select

from app.errors import Conflict
from app.extensions import db
from app.mime.message import read_message, rendered
from app.models import (
    AuditEvent,
    BulkRun,
    Counted,
    CountState,
    DailyCount,
    LateMail,
    Mail,
    MailLesson,
    MailRecipient,
    MailRequest,
    MailRescan,
    Node,
    Release,
)
from app.rspamd.authentication import Verdict
from app.services.copies import raw_of
from app.services.demo import fill
from app.views.formats import MARKS, marks
from app.views.mail_page import page_of
from tests.make import make_mails, make_user

PERSONAL = ("in", "own_", "personal_")
"""What is shown only to whom it concerns."""


@pytest.fixture
def mails(app: Flask) -> list[Mail]:
    with app.app_context():
        assert fill(300, 14) == 300
        return list(db.session.scalars(select(Mail)))


def test_every_mark_is_seen(app: Flask, mails: list[Mail]) -> None:
    with app.test_request_context():
        shown = "".join(marks(mail) for mail in mails)
        lasting = {kind: icon for kind, (_tone, icon, _word) in MARKS.items() if kind != "leaving" and not kind.startswith(PERSONAL)}
        assert [kind for kind, icon in lasting.items() if icon not in shown] == []
        assert set(db.session.scalars(select(MailRecipient.personal))) == {None, "allow", "deny"}


def test_the_page_of_a_mail_has_something_to_tell(app: Flask, mails: list[Mail]) -> None:
    make_user(app, "admin")
    with app.test_request_context():
        admin = app.extensions["appbuilder"].sm.find_user("admin")
        pages = [page_of(mail, admin) for mail in mails]
        verdicts = {(check.method, check.verdict) for page in pages for check, _tone, _word in page["checks"]}
        assert {(method, verdict) for method in ("SPF", "DKIM", "DMARC") for verdict in (Verdict.PASSED, Verdict.FAILED)} <= verdicts
        assert all(page["hops"] for page in pages)
        assert any(hop.is_encrypted and hop.seconds for page in pages for hop in page["hops"])
        assert any(page["against"] and page["favour"] for page in pages)


def test_stored_mails_have_pictures_of_their_own_and_from_elsewhere_and_dangerous_files(app: Flask, mails: list[Mail]) -> None:
    with app.app_context():
        copies = [raw_of(mail) for mail in mails if mail.is_stored]
    shown = [rendered(raw)[0] for raw in copies]
    assert any("data:image/png" in html.text and html.blocked for html in shown)
    assert any(attachment.risks for raw in copies for attachment in read_message(raw).attachments)


def test_it_comes_once_and_never_beside_real_mail(app: Flask, mails: list[Mail]) -> None:
    with app.app_context():
        assert fill(300, 14) == 0
    make_mails(app, 1)
    with app.app_context(), pytest.raises(Conflict):
        fill(300, 14)


def test_what_is_marked_as_released_says_to_whom(app: Flask, mails: list[Mail]) -> None:
    with app.app_context():
        released = set(db.session.scalars(select(Mail.id).where(Mail.release_state == "released")))
        assert released == set(db.session.scalars(select(Release.mail_id).where(Release.state == "sent")))
        assert released


def test_the_screens_of_acts_have_something_to_show(app: Flask, mails: list[Mail]) -> None:
    with app.app_context():
        assert {(row.asks, row.state) for row in db.session.scalars(select(MailRequest))} == {
            ("release", "open"),
            ("release", "denied"),
            ("wrong", "open"),
        }
        assert {row.state for row in db.session.scalars(select(BulkRun))} == {"done", "cancelled"}
        assert {row.state for row in db.session.scalars(select(MailLesson))} == {"done", "refused", "known"}
        (scan,) = db.session.scalars(select(MailRescan))
        before = db.session.get_one(Mail, scan.mail_id)
        assert scan.score < before.score
        assert all(each.last_mail_at for each in db.session.scalars(select(Node).where(Node.name.startswith("mx-"))))
        assert {event.verb for event in events_of("mail", scan.mail_id)} == {"mail.learned", "mail.rescanned"}
        assert fill(300, 14) == 0
        assert db.session.scalar(select(func.count(BulkRun.id))) == 2


def events_of(kind: str, target: int) -> list[AuditEvent]:
    return list(db.session.scalars(select(AuditEvent).where(AuditEvent.target_kind == kind, AuditEvent.target_id == str(target))))


def test_the_statistics_show_it_at_once(app: Flask, runner: FlaskCliRunner) -> None:
    assert "60 demo mails added" in runner.invoke(args=("demo", "fill", "--mails", "60", "--days", "3")).output
    with app.app_context():
        assert db.session.scalar(select(func.sum(DailyCount.mails)).where(DailyCount.kind == Counted.ALL)) == 60
        assert db.session.get_one(CountState, 1).counted_from == 0
        assert db.session.scalars(select(LateMail)).all() == []
