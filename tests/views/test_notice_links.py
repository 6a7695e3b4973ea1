"""The links of a letter, at the door: what opens, what each says that no longer counts, and who presses nothing."""

import pathlib
import re
from collections.abc import Iterator

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app.clock import utcnow
from app.extensions import db
from app.models import NoticeUse, Release
from tests.apps import close
from tests.databases import SqliteCopies
from tests.letter_links import NOTHING, PUBLIC, done, form_of, letter, link, of_bob, press, tell_everybody
from tests.make import login, make_user
from tests.releases import BOB, releasing_app, stored

ACTS = ("release", "allow", "block", "report")


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> Iterator[Flask]:
    more = {"PUBLIC_URL": PUBLIC, "UNDO_SECONDS": 3600}
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, "smtp://127.0.0.1:9", **more)
    make_user(app, "bob", role="Recipient")
    yield app
    close(app)


@pytest.mark.parametrize(
    ("act", "came"),
    [
        ("release", {"Release": 1, "NoticeUse": 1}),
        ("allow", {"Release": 1, "MapEntry": 1, "NoticeUse": 1}),
        ("block", {"MapEntry": 1, "NoticeUse": 1}),
        ("report", {"MailRequest": 1, "NoticeUse": 1}),
    ],
)
def test_a_press_does_its_act_once_and_no_more(app: Flask, act: str, came: dict[str, int]) -> None:
    mail = stored(app)
    text, client = link(app, of_bob(app, mail), mail, act), app.test_client()
    form = form_of(client, text)
    assert done(app) == NOTHING
    first = client.post("/notice", data=form)
    assert first.status_code == 200
    assert done(app) == NOTHING | came
    again = client.post("/notice", data=form)
    assert (again.status_code, done(app)) == (410, NOTHING | came)
    assert "was used already" in again.get_data(as_text=True)
    assert client.get("/notice", query_string={"link": text}).status_code == 410
    assert not client.get_cookie("session")
    assert not [name for answer in (first, again) for name in answer.headers.keys() if name == "Set-Cookie"]  # noqa: SIM118


def test_what_only_looks_changes_nothing(app: Flask) -> None:
    mail = stored(app)
    client, notice = app.test_client(), of_bob(app, mail)
    for act in ACTS:
        query = {"link": link(app, notice, mail, act)}
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"):
            client.open("/notice", method=method, query_string=query, headers={"Sec-Purpose": "prefetch"})
            client.open("/notice", method=method, query_string=query, data=query | {"answer": "yes"})
        answer = client.get("/notice", query_string=query)
        assert answer.status_code == 200
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "script" not in answer.get_data(as_text=True)
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert done(app) == NOTHING


BROWSER = {
    "User-Agent": "Mozilla/5.0 Chrome/143.0.0.0 Safari/537.36",
    "Origin": "null",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-User": "?1",
}


@pytest.mark.parametrize(
    ("change", "headers"),
    [
        ({"page": ""}, {}),
        ({"page": "0.00000000000000000000000000000000"}, {}),
        ({"page": "9" * 40 + ".x"}, {}),
        ({"page": "1.\u00e4"}, {}),
        ({"answer": ""}, {}),
        ({"answer": "YES"}, {}),
        ({}, {"Origin": "https://evil.example"}),
        ({}, {"Origin": "https://["}),
        ({}, BROWSER | {"Sec-Fetch-Site": "cross-site"}),
        ({}, BROWSER | {"Sec-Fetch-Site": "none"}),
        ({}, BROWSER | {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}),
        ({}, BROWSER | {"Sec-Fetch-Dest": "iframe"}),
        ({}, {name: value for name, value in BROWSER.items() if name != "Sec-Fetch-User"}),
    ],
)
def test_what_is_no_press_by_hand_is_shown_the_page_once_more(app: Flask, change: dict[str, str], headers: dict[str, str]) -> None:
    mail = stored(app)
    text, client = link(app, of_bob(app, mail), mail, "release"), app.test_client()
    answer = client.post("/notice", data=form_of(client, text) | change, headers=headers)
    assert (answer.status_code, done(app)) == (400, NOTHING)
    assert "Nothing was done yet" in answer.get_data(as_text=True)


def test_who_answers_no_or_at_once_or_much_later_presses_nothing(app: Flask) -> None:
    mail = stored(app)
    notice, client = of_bob(app, mail), app.test_client()
    text = link(app, notice, mail, "release")
    for answer in ("no", "unsure"):
        assert press(client, text, answer=answer)[0] == 200
    with time_machine.travel(utcnow(), tick=False) as clock:
        form = form_of(client, text)
        clock.shift(-4)  # the form was shown five seconds before now
        assert client.post("/notice", data=form).status_code == 400
        clock.shift(4 + 3600)
        assert client.post("/notice", data=form).status_code == 400
    other = link(app, notice, mail, "block")
    assert press(client, text, page=form_of(client, other)["page"])[0] == 400  # of another link
    assert done(app) == NOTHING
    assert client.post("/notice", data=form_of(client, text), headers=BROWSER).status_code == 200


@pytest.mark.usefixtures("slept")
def test_a_forged_link_is_not_told_from_one_of_no_letter(app: Flask) -> None:
    mail, client = stored(app), app.test_client()
    notice = of_bob(app, mail)
    text = link(app, notice, mail, "release")
    foreign = link(app, of_bob(app, stored(app)), mail, "release")
    mixed = foreign[: len(text) // 2] + text[len(text) // 2 :]
    changed = [text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :] for place in range(len(text) - 1)]
    garbage = ["", "x", text[:-2], text + "AA", "\u00e4" * 50, "A" * 50, "A" * 5000, "../../etc/passwd", "%00", mixed]
    bodies = set()
    for wrong in [*changed, *garbage]:
        for answer in (
            client.get("/notice", query_string={"link": wrong}),
            client.get("/notice/unsubscribe", query_string={"link": wrong}),
        ):
            assert answer.status_code == 404, wrong
            bodies.add(answer.get_data())
    assert len(bodies) == 1
    assert client.post("/notice", data={"link": changed[0], "answer": "yes"}).status_code == 404
    assert client.get("/notice", query_string={"link": text}).status_code == 200


def test_guessing_takes_longer_and_longer(app: Flask, slept: list[float]) -> None:
    mail, client = stored(app), app.test_client()
    good = link(app, of_bob(app, mail), mail, "release")
    for _ in range(6):
        client.get("/notice", query_string={"link": "A" * 50})
    delays = list(slept)
    assert len(delays) == 3
    assert delays == sorted(delays)
    assert client.get("/notice", query_string={"link": good}).status_code == 200
    assert slept == delays  # who has a good one waits for nobody


def test_no_other_recipient_and_no_account_is_named(app: Flask) -> None:
    mail, client = (
        stored(app, BOB, "carol@example.com", subject="<b>Offer & more</b>", header_from="Eve <eve@example.net>"),
        app.test_client(),
    )
    page = client.get("/notice", query_string={"link": link(app, of_bob(app, mail), mail, "release")}).get_data(as_text=True)
    assert BOB in page
    assert "eve@example.net" in page or "sender@example.net" in page
    assert "&lt;b&gt;Offer &amp; more&lt;/b&gt;" in page
    assert "carol" not in page
    assert not re.search(r"\bbob\b(?!@)", page)


def test_open_leads_to_the_login_and_logs_nobody_in(app: Flask) -> None:
    mail, client = stored(app), app.test_client()
    text = link(app, of_bob(app, mail), mail, "open")
    answer = client.get("/notice", query_string={"link": text})
    assert (answer.status_code, answer.location) == (302, f"/mails/show/{mail}")
    led = client.get(answer.location)
    assert led.status_code == 302
    assert led.location.startswith("/login/")
    assert client.get("/mails/list/").status_code == 302
    assert client.post("/notice", data={"link": text, "answer": "yes"}).location == answer.location
    assert done(app) == NOTHING


def test_who_is_logged_in_as_somebody_else_acts_as_nobody_but_the_letter(app: Flask) -> None:
    """An admin's browser, and one who owes a new password."""
    mail = stored(app)
    client = login(app, "root", role="Admin")
    text = link(app, of_bob(app, mail), mail, "release")
    assert "root" not in client.get("/notice", query_string={"link": text}).get_data(as_text=True)
    assert press(client, text)[0] == 200
    with app.app_context():
        row = db.session.scalars(select(Release)).one()
        assert (row.address, row.asked_by) == (BOB, f"link of notice {row_notice(app)}: {BOB}")


def row_notice(app: Flask) -> int:
    with app.app_context():
        return db.session.scalars(select(NoticeUse.notice_id)).one()


def test_it_speaks_as_the_letter_does(app: Flask) -> None:
    tell_everybody(app, language="de")
    mail, client = stored(app, "dora@example.com"), app.test_client()
    text = link(app, letter(app, "address:dora@example.com", "dora@example.com", mail), mail, "release")
    page = client.get("/notice", query_string={"link": text}, headers={"Accept-Language": "el"}).get_data(as_text=True)
    assert '<html lang="de">' in page
    assert "Betreff" in page
