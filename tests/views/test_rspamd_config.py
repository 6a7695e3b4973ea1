"""The files of a node's Rspamd on a screen: as the command makes them, for admins, with no password kept."""

import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from app.actor import command_line
from app.rspamd.site_config.files import Origin, origin_of
from app.services import nodes
from tests.make import login, token
from tests.views.people import send


@pytest.fixture(autouse=True)
def node(app: Flask) -> None:
    with app.app_context():
        nodes.add("mx1", "rspamd", "se$cret", ["127.0.0.1"], actor=command_line())


def ask(client: FlaskClient, **fields: str) -> tuple[int, str]:
    answer = client.post(
        "/rspamd/files", data={"csrf_token": token(client, "/rspamd/"), "node": "mx1", "url": "http://mailkeep:8080"} | fields
    )
    return answer.status_code, unescape(answer.get_data(as_text=True))


def test_the_files_are_shown_as_the_command_prints_them(app: Flask, runner: FlaskCliRunner) -> None:
    status, page = ask(login(app, "admin"), password="se$cret", version="4.1.5")
    assert status == 200
    printed = runner.invoke(
        args=["rspamd", "config", "--node", "mx1", "--url", "http://mailkeep:8080", "--version", "4.1.5", "--password", "se$cret"]
    )
    shown = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    assert len(shown) == 5
    assert all(text in printed.output for text in shown)
    assert all(origin_of(text) is Origin.OURS for text in shown), "what is copied is known again"


def test_no_password_is_kept(app: Flask) -> None:
    admin = login(app, "admin")
    status, page = ask(admin, password="not it")
    assert status == 400
    assert "That is not the password of mx1." in page
    assert "not it" not in page
    assert "CHANGE ME" in ask(admin)[1]
    assert "cret" not in admin.get("/rspamd/").get_data(as_text=True)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"node": "nowhere"}, "There is no node nowhere."),
        ({"url": "javascript:alert(1)"}, "is no address such as"),
        ({"url": 'http://x"; lua = "y'}, "is no address such as"),
        ({"url": "http://user:pw@x"}, "is no address such as"),
        ({"url": "http://[::1"}, "is no address such as"),
        ({"version": "2.7"}, "is no version that is known here"),
        ({"login_for_maps": "on"}, "the node's password is needed"),
        ({"login_for_maps": "on", "password": "se$cret"}, "only letters, digits"),
    ],
)
def test_what_cannot_be_is_said(app: Flask, fields: dict[str, str], says: str) -> None:
    status, page = ask(login(app, "admin"), **fields)
    assert status in (400, 404)
    assert says in page


@pytest.mark.parametrize("role", ["Domain admin", "Auditor", "Recipient"])
def test_it_is_for_admins(app: Flask, role: str) -> None:
    client = login(app, "bob", role=role)
    assert client.get("/rspamd/").status_code in (302, 403, 404)
    assert send(client, "/rspamd/files", node="mx1", url="http://x") in (302, 403, 404)
