"""The screen of one's own sessions, forms that were open too long, the way back, and the language."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from app.clock import utcnow
from app.views.agents import browser_in_words
from app.views.back import local_address
from tests.make import login, token
from tests.security.browsers import PAGE, again, cookie_of, is_in, user_id

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
EDGE = f"{CHROME} Edg/141.0.0.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (CHROME, "Chrome on Windows"),
        (EDGE, "Edge on Windows"),
        (PHONE, "Safari on iOS"),
        ("curl/8.1", "curl"),
        ("<script>", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_in_words(app: Flask, agent: str, words: str) -> None:
    with app.test_request_context():
        assert browser_in_words(agent) == words


def digests(page: str) -> list[str]:
    return [part.partition('"')[0] for part in page.split('name="session" value="')[1:]]


def test_everybody_sees_their_own_sessions_and_ends_them(app: Flask) -> None:
    bob = login(app, "bob", role="Recipient")
    alice = login(app, "alice", role="Recipient")
    one, other = again(app, "alice"), again(app, "alice")
    page = alice.get("/sessions/").get_data(as_text=True)
    assert len(digests(page)) == 2
    assert page.count("(this one)") == 1
    assert "127.0.0.1" in page
    assert alice.post("/sessions/end", data={"session": digests(page)[0], "csrf_token": token(alice)}).status_code == 302
    assert [is_in(one), is_in(other)].count(True) == 1
    assert alice.post("/sessions/end-others", data={"csrf_token": token(alice)}).status_code == 302
    assert [is_in(alice), is_in(one), is_in(other), is_in(bob)] == [True, False, False, True]


def test_nobody_ends_what_is_somebody_elses(app: Flask) -> None:
    bob, alice = login(app, "bob", role="Recipient"), login(app, "alice", role="Recipient")
    again(app, "bob")
    [digest] = digests(bob.get("/sessions/").get_data(as_text=True))
    assert alice.post("/sessions/end", data={"session": digest, "csrf_token": token(alice)}).status_code == 404
    assert len(digests(bob.get("/sessions/").get_data(as_text=True))) == 1


def test_an_admin_logs_somebody_out_everywhere_and_nobody_else_may(app: Flask) -> None:
    admin, bob, alice = login(app, "admin"), login(app, "bob", role="Recipient"), login(app, "alice", role="Recipient")
    number = user_id(app, "bob")
    path = f"/people/{number}/logout"
    assert path in admin.get(f"/people/{number}").get_data(as_text=True)
    assert alice.post(path, data={"csrf_token": token(alice)}).status_code == 403
    assert is_in(bob)
    assert admin.post(path, data={"csrf_token": token(admin)}).status_code == 302
    assert [is_in(admin), is_in(bob), is_in(alice)] == [True, False, True]


def test_ones_own_page_leads_there(app: Flask) -> None:
    assert 'href="/sessions/"' in login(app, "bob", role="Recipient").get("/profile/").get_data(as_text=True)


# --- forms -----------------------------------------------------------------------------------------------------------------


def test_a_form_that_was_open_too_long_comes_back_with_a_word(app: Flask) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        client = login(app, "admin")
        held = token(client, "/profile/")
        clock.shift(timedelta(hours=2))
        sent = {"first_name": "New", "last_name": "Name", "csrf_token": held}
        answer = client.post("/profile/name", data=sent, headers={"Referer": "http://localhost/profile/"})
        assert (answer.status_code, answer.location) == (302, "/profile/")
        assert "open for too long" in client.get(answer.location).get_data(as_text=True)
        assert client.post("/profile/name", data={**sent, "csrf_token": token(client)}).status_code == 302


@pytest.mark.parametrize(
    ("sent", "referrer", "status"),
    [({}, "http://localhost/mails/list/", 400), ({"csrf_token": "x"}, "https://evil.example/", 302), ({"csrf_token": "x"}, "", 302)],
)
def test_a_form_from_elsewhere_leads_nowhere_else(app: Flask, sent: dict[str, str], referrer: str, status: int) -> None:
    client = login(app, "admin")
    answer = client.post("/logout/", data=sent, headers={"Referer": referrer})
    assert answer.status_code == status
    assert status == 400 or answer.location == "/"
    assert is_in(client)


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("http://localhost/mails/list/?q=a%20b", "/mails/list/?q=a%20b"),
        ("/mails/list/", "/mails/list/"),
        ("https://evil.example/mails/", ""),
        ("//evil.example/", ""),
        ("http://localhost//evil.example/", ""),
        ("/\\evil.example", ""),
        ("javascript:alert(1)", ""),
        ("/a\r\nSet-Cookie: x=1", ""),
        ("http://[", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_the_way_back_is_one_of_our_own_pages(app: Flask, address: str | None, path: str) -> None:
    with app.test_request_context():
        assert local_address(address) == path


def test_a_form_leads_back_to_the_page_it_was_opened_from(app: Flask) -> None:
    client = login(app, "admin")
    found = "/users/list/?_flt_0_username=admin"
    page = client.get("/roles/add", headers={"Referer": f"http://localhost{found}"}).get_data(as_text=True)
    assert f'name="mk_back" value="{found}"' in page
    answer = client.post("/roles/add", data={"name": "Watcher", "mk_back": found, "csrf_token": token(client)})
    assert (answer.status_code, answer.location) == (302, found)


# --- the language ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "language"),
    [("", "en"), ("de", "de"), ("de-AT,de;q=0.9", "de"), ("el-GR", "el"), ("fr, de;q=0.3", "de"), ("fr", "en"), ("*", "en")],
)
def test_before_any_choice_the_browser_says_which_language(app: Flask, asked: str, language: str) -> None:
    page = app.test_client().get("/login/", headers={"Accept-Language": asked}).get_data(as_text=True)
    assert f'<html lang="{language}">' in page


def test_a_language_is_chosen_before_the_login_and_outlives_the_logout(app: Flask) -> None:
    client = login(app, "admin")
    for page in ("/login/", PAGE):
        assert 'name="language"' in (app.test_client() if page == "/login/" else client).get(page).get_data(as_text=True)
    visitor = app.test_client()
    sent = {"language": "el", "csrf_token": token(visitor, "/login/")}
    answer = visitor.post("/lang/", data=sent, headers={"Referer": "http://localhost/login/?next=x"})
    assert (answer.status_code, answer.location) == (302, "/login/?next=x")
    assert '<html lang="el">' in visitor.get("/login/", headers={"Accept-Language": "de"}).get_data(as_text=True)
    before = cookie_of(client)
    client.post("/lang/", data={"language": "de", "csrf_token": token(client)})
    assert cookie_of(client) == before
    client.post("/logout/", data={"csrf_token": token(client)})
    assert '<html lang="de">' in client.get("/login/").get_data(as_text=True)


def test_a_language_is_changed_by_a_form_with_a_token_only(app: Flask) -> None:
    client = login(app, "admin")
    assert client.get("/lang/de").status_code == 404
    assert client.post("/lang/", data={"language": "de"}).status_code == 400
    assert client.post("/lang/", data={"language": "xx", "csrf_token": token(client)}).status_code == 404
    assert '<html lang="en">' in client.get(PAGE).get_data(as_text=True)
