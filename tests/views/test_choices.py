"""What somebody chose for themselves counts in every browser at once, before cookies and headers; after the logout the browser's cookies do."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from app.extensions import db
from app.models.people import User
from app.queries.settings import Choices, choices_of
from app.services.settings import choose
from tests.make import login, make_mails, token
from tests.security.browsers import again, user_id


def page(client: FlaskClient, path: str = "/mails/list/", **headers: str) -> str:
    return client.get(path, headers=headers).get_data(as_text=True)


def save(client: FlaskClient, language: str = "", zone: str = "", theme: str = "") -> str:
    sent = {"language": language, "zone": zone, "theme": theme, "csrf_token": token(client)}
    return client.post("/profile/choices", data=sent, follow_redirects=True).get_data(as_text=True)


def test_a_choice_counts_everywhere_at_once_and_before_what_browsers_say(app: Flask) -> None:
    bob = login(app, "bob", role="Recipient")
    elsewhere = again(app, "bob")
    make_mails(app, 1, recipients=("bob@example.com",))
    elsewhere.set_cookie("mk_language", "el")
    elsewhere.set_cookie("mk_zone", "America/New_York")
    elsewhere.set_cookie("mk_theme", "light")
    save(bob, "de", "Asia/Kathmandu", "dark")
    shown = page(elsewhere)
    assert '<html lang="de" data-theme="dark">' in shown
    assert "+0545" in shown
    assert '<html lang="de" data-theme="dark">' in page(elsewhere, "/nowhere"), "an error is told in it, too"
    elsewhere.post("/logout/", data={"csrf_token": token(elsewhere)})
    assert '<html lang="el" data-theme="light">' in page(elsewhere, "/login/")
    bob.post("/logout/", data={"csrf_token": token(bob)})
    assert '<html lang="de" data-theme="dark">' in page(bob, "/login/")


def test_what_is_left_to_the_browser_is_the_browsers(app: Flask) -> None:
    bob = login(app, "bob", role="Recipient")
    save(bob, "de", "Asia/Kathmandu", "dark")
    save(bob)
    assert '<html lang="el">' in page(bob, **{"Accept-Language": "el"})
    with app.app_context():
        assert choices_of(db.session.get(User, user_id(app, "bob"))) == Choices()


def test_the_switches_of_the_navigation_are_choices_too(app: Flask) -> None:
    bob = login(app, "bob", role="Recipient")
    bob.post("/lang/", data={"language": "de", "csrf_token": token(bob)})
    bob.post("/theme/", data={"theme": "dark", "csrf_token": token(bob)})
    assert bob.post("/theme/", data={"theme": "pink", "csrf_token": token(bob)}).status_code == 404
    with app.app_context():
        assert choices_of(db.session.get(User, user_id(app, "bob"))) == Choices("de", "", "dark")
    assert '<html lang="de" data-theme="dark">' in page(again(app, "bob"))
    visitor = app.test_client()
    visitor.post("/theme/", data={"theme": "dark", "csrf_token": token(visitor, "/login/")})
    assert 'data-theme="dark"' in page(visitor, "/login/")


@pytest.mark.parametrize(
    "choice", [("xx", "", ""), ("", "Mars/Olympus", ""), ("", "../../etc/passwd", ""), ("", "", "pink"), ("", "x" * 5000, "")]
)
def test_what_there_is_not_is_not_chosen(app: Flask, choice: tuple[str, str, str]) -> None:
    bob = login(app, "bob", role="Recipient")
    assert "mk-note bad" in save(bob, *choice)
    with app.app_context():
        assert choices_of(db.session.get(User, user_id(app, "bob"))) == Choices()


def test_they_come_with_the_account_in_one_query(app: Flask) -> None:
    bob = login(app, "bob", role="Recipient")
    with app.app_context():
        choose(user_id(app, "bob"), zone="Asia/Kathmandu", language="de")
        engine = db.engine
    asked: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "user_setting" in statement:
            asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    assert bob.get("/mails/list/").status_code == 200
    event.remove(engine, "before_cursor_execute", note)
    assert len([statement for statement in asked if "FROM ab_user" in statement]) == len(asked) == 1
