"""The screens of letters: one's own choice, somebody else's, the queue, the rules of domains, refusals; and the same for programs."""

import html
import pathlib
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.actor import SYSTEM
from app.clock import stored_now
from app.extensions import db
from app.models import JobState, NoticeChoice, NoticeDomain, NoticeRefusal, NoticeStep, Verb
from app.models.people import User
from app.queries import notice_letters
from app.queries.notice_letters import letters
from app.queries.people import Reach
from app.queries.scope import ALL, Scope
from app.services.addresses import add_address
from tests.apps import close, make_app
from tests.databases import SqliteCopies
from tests.letters import add_lines, due_of, events, id_of, letter, make_letter, wait_for
from tests.make import login, make_mails, make_user, token
from tests.views.test_releases import domain_admin

SENDS = {"SMTP_URL": "smtp://127.0.0.1:9", "MAIL_FROM": "keep@example.com", "PUBLIC_URL": "https://mail.example.com"}


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> Iterator[Flask]:
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, NOTICE_TIMES=(("Recipient", "daily at 07:00"),), **SENDS)
    yield app
    close(app)


def post(client: FlaskClient, path: str, **fields: str) -> str:
    form = {"csrf_token": token(client, "/profile/"), **fields}
    return html.unescape(client.post(path, data=form, follow_redirects=True).get_data(as_text=True))


def seen(client: FlaskClient, path: str) -> str:
    return html.unescape(client.get(path).get_data(as_text=True))


def choice_of(app: Flask, name: str) -> tuple[str, str]:
    with app.app_context():
        row = db.session.get(NoticeChoice, id_of(app, name))
        return (row.times, row.by) if row else ("", "")


def test_everybody_chooses_for_themselves_and_is_told_what_holds(app: Flask) -> None:
    bob = login(app, "bob", "Recipient")
    page = seen(bob, "/profile/")
    assert "Letters come every day at 07:00." in page
    assert "as the site says (every day at 07:00)" in page
    wait_for(app, f"user:{id_of(app, 'bob')}", "bob@example.com", 2)
    assert "2 mails wait to be told of; the next letter comes" in seen(bob, "/profile/")
    page = post(bob, "/profile/letters", how="weekly", day="friday", hour="16:45")
    assert ("Your choice counts" in page, "Letters come every week on Friday at 16:45." in page) == (True, True)
    assert (choice_of(app, "bob"), due_of(app, f"user:{id_of(app, 'bob')}").weekday()) == (("weekly on friday at 16:45", "bob"), 4)
    for wrong in (
        {"how": "daily", "hour": "25:00"},
        {"how": "daily"},
        {"how": "weekly", "day": "<b>", "hour": "7:00"},
        {"how": "* * * * *"},
    ):
        assert "says no times" in post(bob, "/profile/letters", **wrong)
    assert "No letters come." in post(bob, "/profile/letters", how="never")
    assert choice_of(app, "bob") == ("never", "bob")
    assert "that is what the site says" in post(bob, "/profile/letters", how="")


def test_who_looks_after_an_account_chooses_for_it_with_all_its_addresses(app: Flask) -> None:
    make_user(app, "bob", "Recipient")
    chief, other, admin, auditor = (
        domain_admin(app, "chief", "example.com"),
        domain_admin(app, "other", "example.org"),
        login(app, "root"),
        login(app, "eva", "Auditor"),
    )
    path = f"/people/{id_of(app, 'bob')}/letters"
    assert "The choice counts" in post(chief, path, how="hourly")
    assert "chief has chosen that." in seen(admin, path.removesuffix("/letters"))
    post(other, path, how="never")
    post(auditor, path, how="never")
    assert choice_of(app, "bob") == ("hourly", "chief")
    with app.app_context():
        user = db.session.get(User, id_of(app, "bob"))
        add_address(Reach(everybody=True), user, "bob@example.org", actor=SYSTEM)
    assert "beyond the domains" in post(chief, path, how="never")
    assert choice_of(app, "bob") == ("hourly", "chief")
    post(admin, path, how="never")
    assert [who for who, _before, _after in events(app, Verb.NOTICES_CHOSEN)] == ["chief", "root"]


def test_the_queue_shows_to_each_what_is_theirs(app: Flask) -> None:
    mine, foreign = make_mails(app, 1, subject="for bob"), make_mails(app, 1, subject="for dora", recipients=("dora@example.org",))
    sent = make_letter(app, "bob@example.com", mine + foreign, answer="250 <b>Ok</b>")
    failed = make_letter(app, "dora@example.org", foreign, NoticeStep.FAILED, answer="550 unknown")
    make_letter(app, "x@bob.example.com.evil.example", state=NoticeStep.WAITING)
    admin, chief, auditor = login(app, "root"), domain_admin(app, "chief", "example.com"), login(app, "eva", "Auditor")
    page = admin.get("/notices/").get_data(as_text=True)
    assert "250 &lt;b&gt;Ok&lt;/b&gt;" in page
    assert ("dora@example.org" in page, "evil.example" in page) == (True, True)
    page = seen(chief, "/notices/")
    assert ("bob@example.com" in page, "dora@" in page, "evil" in page) == (True, False, False)
    assert chief.get(f"/notices/{failed}").status_code == 404
    page = seen(chief, f"/notices/{sent}")
    assert ("for bob" in page, "for dora" in page, "not yours to see" in page) == (True, False, True)
    assert ("for dora" in seen(auditor, f"/notices/{sent}"), "/void" in seen(auditor, f"/notices/{sent}")) == (True, False)
    assert "dora@" not in seen(admin, "/notices/?state=sent")
    for address, found in (("bob@example.com", 1), ("BOB@example.com*", 1), ("bo*", 1), ("bo", 0), ("%*", 0), ("bob@example.co", 0)):
        assert seen(admin, f"/notices/?address={address.replace('%', '%25')}").count(f'<a href="/notices/{sent}"') == found
    assert admin.get("/notices/?state=sunk").status_code == 400
    assert admin.get(f"/notices/{1 << 70}").status_code == 404


def test_pages_go_on_where_few_are_found_among_many(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice_letters, "_SLICE", 2)
    monkeypatch.setattr(notice_letters, "_MOST_SLICES", 2)
    wanted = [make_letter(app, "bob@example.com") for _ in range(2)]
    for _ in range(7):
        make_letter(app, "x@example.org")
    wanted.append(make_letter(app, "bob@example.com"))
    found, before, pages = [], None, 0
    with app.app_context():
        while True:
            page = letters(Scope(domains=("example.com",)), before=before, size=1)
            found += [row.id for row in page.rows]
            before, pages = page.older, pages + 1
            if before is None:
                break
        assert found == sorted(wanted, reverse=True)
        assert pages > len(wanted), "the last ones are looked for among the others in pages of their own"
        assert [row.id for row in letters(ALL, address="bob@example.com", size=2).rows] == sorted(wanted, reverse=True)[:2]


def test_links_are_made_void_and_a_letter_is_tried_again(app: Flask) -> None:
    failed, unknown = (make_letter(app, "bob@example.com", state=state) for state in (NoticeStep.FAILED, NoticeStep.UNKNOWN))
    sent, waiting = make_letter(app, "bob@example.com"), make_letter(app, "bob@example.com", state=NoticeStep.WAITING)
    foreign = make_letter(app, "dora@example.org", state=NoticeStep.FAILED)
    chief, auditor = domain_admin(app, "chief", "example.com"), login(app, "eva", "Auditor")
    post(auditor, f"/notices/{failed}/again")
    assert chief.post(f"/notices/{foreign}/again", data={"csrf_token": token(chief, "/profile/")}).status_code == 404
    assert {letter(app, failed).state, letter(app, foreign).state} == {"failed"}
    assert "tried again with the next letters that go" in post(chief, f"/notices/{failed}/again")
    assert (letter(app, failed).state, letter(app, failed).next_try_at is not None) == ("waiting", True)
    assert "it may come twice" in post(chief, f"/notices/{unknown}/again")
    assert letter(app, unknown).state == "unknown"
    assert "tried again" in post(chief, f"/notices/{unknown}/again", sure="yes")
    assert letter(app, unknown).state == "waiting"
    for number in (sent, waiting):
        assert "Only a letter that failed" in post(chief, f"/notices/{number}/again", sure="yes")
        assert "links void" in post(chief, f"/notices/{number}/void")
        assert "already" in post(chief, f"/notices/{number}/void")
    assert [who for who, _before, _after in events(app, Verb.NOTICE_VOIDED)] == ["chief", "chief"]
    with app.app_context():
        assert letter(app, sent).revoked_by == "chief"


def test_when_letters_go_again_is_said_and_the_relays_words_to_who_sees_all(app: Flask) -> None:
    admin, chief = login(app, "root"), domain_admin(app, "chief", "example.com")
    with app.app_context():
        now = stored_now()
        row = JobState(name="notices", due_at=now, not_before=now + timedelta(minutes=4), last_words="421 not <you> now", last_ended=now)
        db.session.add(row)
        db.session.commit()
    for client, shows in ((admin, True), (chief, False)):
        page = client.get("/notices/").get_data(as_text=True)
        assert ("tried again at" in page, "421 not &lt;you&gt; now" in page) == (True, shows)
    with app.app_context():
        db.session.get_one(JobState, "notices").not_before = now
        db.session.commit()
    assert "tried again at" not in seen(admin, "/notices/")


def test_why_no_letter_goes_is_said(app: Flask) -> None:
    admin = login(app, "root")
    assert "No letters are sent" not in seen(admin, "/notices/")
    with app.app_context():
        values = {"schedule": "", "asked_by": "", "holder": "", "token": 0, "failures": 0, "last_error": "", "last_words": ""}
        columns = {column.name for column in JobState.__table__.columns}
        row = JobState(
            name="notices", paused=True, due_at=stored_now(), **{name: value for name, value in values.items() if name in columns}
        )
        db.session.add(row)
        db.session.commit()
    assert "the job “notices” is paused" in seen(admin, "/notices/")
    app.config["PUBLIC_URL"] = ""
    assert "SMTP_URL and PUBLIC_URL have to be set" in seen(admin, "/notices/")
    app.config["SMTP_URL"] = ""
    assert "sends no letters" in seen(admin, "/profile/")


def test_rules_of_domains_are_set_by_who_looks_after_them(app: Flask) -> None:
    admin, chief = login(app, "root"), domain_admin(app, "chief", "example.com")
    rule = {
        "domain": "example.com",
        "how": "daily",
        "hour": "06:00",
        "everybody": "1",
        "language": "el",
        "watchers": "postmaster\nboss@example.com",
    }
    assert "From now on this holds for example.com." in post(chief, "/notices/domains/rule", **rule)
    page = seen(chief, "/notices/domains/")
    assert ("every day at 06:00" in page, "boss@example.com" in page, "Ελληνικά" in page) == (True, True, True)
    page = post(chief, "/notices/domains/rule", **rule | {"watchers": "postmaster boss@example.com me@evil.example"})
    assert ("beyond the domains" in page, "me@evil.example</textarea>" in page) == (True, True), "what was typed is there to be mended"
    post(chief, "/notices/domains/rule", domain="example.org", how="never")
    post(admin, "/notices/domains/rule", domain="example.net", how="hourly")
    assert ("example.net" in seen(chief, "/notices/domains/"), chief.get("/notices/domains/rule?domain=example.net").status_code) == (
        False,
        404,
    )
    with app.app_context():
        found = {row.domain: row.watchers for row in db.session.scalars(select(NoticeDomain))}
    assert found == {"example.com": "postmaster@example.com\nboss@example.com", "example.net": ""}
    post(chief, "/notices/domains/remove", domain="example.net")
    assert "Nothing is set for example.com any more." in post(chief, "/notices/domains/remove", domain="example.com")
    with app.app_context():
        assert db.session.scalars(select(NoticeDomain.domain)).all() == ["example.net"]


def test_refusals_are_listed_made_and_taken_back(app: Flask) -> None:
    admin, chief = login(app, "root"), domain_admin(app, "chief", "example.com")
    assert "gets no letters any more" in post(chief, "/notices/refusals/add", address="Eve@example.com")
    assert "beyond the domains" in post(chief, "/notices/refusals/add", address="eve@example.org")
    post(admin, "/notices/refusals/add", address="eve@example.org")
    page = seen(chief, "/notices/refusals/")
    assert ("eve@example.com" in page, "eve@example.org" in page) == (True, False)
    assert "No such address refuses" in seen(admin, "/notices/refusals/?q=%25")
    post(chief, "/notices/refusals/remove", address="eve@example.org")
    assert "may get letters again" in post(chief, "/notices/refusals/remove", address="eve@example.com")
    with app.app_context():
        assert db.session.scalars(select(NoticeRefusal.address)).all() == ["eve@example.org"]


def test_an_account_is_told_that_its_address_refused_before(app: Flask) -> None:
    post(login(app, "root"), "/notices/refusals/add", address="bob@example.com")
    bob = login(app, "bob", "Recipient")
    page = seen(bob, "/profile/")
    assert ("No letters come." in page, "bob@example.com refuses letters" in page) == (True, True)
    found = bob.get("/api/v1/notices/choice").json["result"]
    assert (found["times"], found["refuses"]) == ("never", True)
    page = post(bob, "/profile/letters", how="hourly")
    assert ("Letters come every hour." in page, "bob@example.com refuses letters" in page) == (True, False)
    assert "bob@example.com refuses letters" in post(bob, "/profile/letters", how="")


def test_the_screen_of_domains_says_where_nobody_is_told(app: Flask) -> None:
    admin = login(app, "root")
    assert "what the site says holds for all" in seen(admin, "/notices/domains/")
    post(admin, "/notices/domains/rule", domain="example.net")
    assert "as the site says (every day at 07:00)" in seen(admin, "/notices/domains/")
    app.config["NOTICE_TIMES"] = ()
    for path in ("/notices/domains/", "/notices/domains/rule?domain=example.net"):
        assert "as the site says: nobody is told" in seen(admin, path)
    post(admin, "/notices/domains/remove", domain="example.net")
    assert "the site says nothing: nobody is told" in seen(admin, "/notices/domains/")


def test_programs_choose_too_and_see_the_letters(app: Flask) -> None:
    bob, chief = login(app, "bob", "Recipient"), domain_admin(app, "chief", "example.com")
    number = make_letter(app, "bob@example.com")
    make_letter(app, "dora@example.org")
    sent = {"X-CSRFToken": token(bob, "/profile/")}
    answer = bob.put("/api/v1/notices/choice", json={"times": "Weekly on Monday at 7:00"}, headers=sent)
    assert (answer.status_code, answer.json["result"]["times"]) == (200, "weekly on monday at 7:00")
    for wrong in ({}, {"times": 7}, {"times": "soon"}, ["never"]):
        assert bob.put("/api/v1/notices/choice", json=wrong, headers=sent).status_code == 400
    found = bob.get("/api/v1/notices/choice").json["result"]
    assert (found["chosen"], found["usual"], found["waiting"]) == ("weekly on monday at 7:00", "daily at 07:00", 0)
    assert bob.get("/api/v1/notices").status_code == 403
    assert [row["id"] for row in chief.get("/api/v1/notices").json["result"]] == [number]
    assert "secret" not in chief.get("/api/v1/notices").get_data(as_text=True)
    assert chief.get("/api/v1/notices?state=x").status_code == 400


def test_a_domain_admin_learns_no_foreign_address_from_a_letter(app: Flask) -> None:
    """The mail came to their domain, too; the reader was told of it at another."""
    mails = make_mails(app, 1, recipients=("bob@foreign.example", "carol@example.com"))
    number = make_letter(app, "bob@example.com")
    with app.app_context():
        add_lines(mails, "user:1", "bob@foreign.example", number)
        db.session.commit()
    chief, root = domain_admin(app, "chief", "example.com"), login(app, "root")
    for client, shows in ((chief, False), (root, True)):
        page = seen(client, f"/notices/{number}")
        assert f"/mails/show/{mails[0]}" in page
        assert ("bob@foreign.example" in page) is shows
