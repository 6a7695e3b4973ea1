"""The panel below a path, in each way a proxy can have it there; two panels on one host; and redirects without a Host."""

import html
import pathlib
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client, TestResponse

from app.errors import Unavailable
from app.extensions import db
from app.faces import portal_url, public_url
from app.services.insert import insert_entries
from app.storage import store_for
from app.views.addresses import outside_url
from environment import ConfigError
from tests.apps import close, make_app
from tests.make import PASSWORD, make_entry, make_headers, make_node, make_user
from tests.test_matrix import doors, path_of

BELOW = "/mailkeep"
RAW = b"From: <eve@example.net>\r\nSubject: hi\r\nContent-Type: text/html\r\n\r\n<p>hello</p>"
ADDRESSES = re.compile(
    r'(?:href|src|action|formaction|data-href|data-url|data-load|data-load-open)="([^"]*)"|name="mk_back" value="([^"]*)"'
)
WsgiApp = Callable[..., Any]
Make = Callable[..., Flask]


@pytest.fixture
def make(sqlite_template: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[Make]:
    """Apps with folders and databases of their own."""
    made: list[Flask] = []

    def one(**settings: Any) -> Flask:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        shutil.copy(sqlite_template, folder / "mailkeep.db")
        made.append(make_app(f"sqlite:///{folder}/mailkeep.db", folder, **settings))
        return made[-1]

    yield one
    for app in made:
        close(app)


def left_on(app: Flask) -> WsgiApp:
    """A proxy that passes the path on as it came."""
    return app


def taken_off(app: Flask) -> WsgiApp:
    """One that takes its part of the path off."""
    return lambda environ, start: app(environ | {"PATH_INFO": environ["PATH_INFO"].removeprefix(BELOW)}, start)


def taken_off_and_told(app: Flask) -> WsgiApp:
    """... and says so in a header."""
    return lambda environ, start: taken_off(app)(environ | {"HTTP_X_FORWARDED_PREFIX": f"{BELOW}/", "REMOTE_ADDR": "127.0.0.1"}, start)


def by_server(app: Flask) -> WsgiApp:
    """A server that was told where it mounts us."""
    return lambda environ, start: taken_off(app)(environ | {"SCRIPT_NAME": BELOW}, start)


KNOWN = {"PUBLIC_URL": f"https://mail.example.com{BELOW}"}
WAYS = {
    "left on": (left_on, KNOWN),
    "taken off": (taken_off, KNOWN),
    "taken off and told": (taken_off_and_told, {"TRUSTED_PROXIES": ("127.0.0.1",)}),
    "by the server": (by_server, {}),
}


def enter(client: Client, below: str, name: str) -> None:
    page = client.get(f"{below}/login/").get_data(as_text=True)
    marker = re.search(r'name="csrf_token"[^>]*value="([^"]*)"', page)
    assert marker
    sent = {"username": name, "password": PASSWORD, "csrf_token": marker[1]}
    answer = client.post(f"{below}/login/?next={below}/quarantine/", data=sent)
    assert (answer.status_code, answer.location) == (302, f"{below}/quarantine/")


def is_in(client: Client, below: str) -> bool:
    return client.get(f"{below}/profile/").status_code == 200


def mail_in(app: Flask) -> int:
    entry = make_entry(RAW, keep=True)
    with app.app_context():
        store_for(app.config["STORE_URL"]).put(entry.digest or "", entry.packed)
        insert_entries(db.engine, [entry], "mx1")
    return entry.id


def addresses_in(answer: TestResponse) -> Iterator[str]:
    if answer.location:
        yield answer.location
    if answer.mimetype == "text/html":
        for found in ADDRESSES.finditer(answer.get_data(as_text=True)):
            if address := html.unescape(found[1] or found[2] or ""):
                yield address
    for cookie in answer.headers.getlist("Set-Cookie"):
        yield re.search("Path=([^;]*)", cookie)[1] + "/"  # type: ignore[index]


@pytest.mark.parametrize("way", WAYS)
def test_nothing_any_screen_leads_to_is_beside_the_path(make: Make, way: str) -> None:
    proxy, settings = WAYS[way]
    app = make(**settings)
    make_user(app, "alice")
    mail = mail_in(app)
    client = Client(proxy(app))
    enter(client, BELOW, "alice")
    rules = [rule for rule, method in doors(app) if method == "GET" and not rule.endpoint.endswith("static")]
    paths = [
        "",
        "/mails/list/?q=nobody",
        "/mails/list/?score.ge=5",
        "/nothing",
        "/mails/list",
        *(path_of(rule, mail, 1, 1) for rule in rules),
    ]
    if way != "left on":  # where the path is known, all screens make of it the same
        paths = paths[:8] + paths[8::5]
    answers = {path: client.get(BELOW + path) for path in paths}
    found = {
        path: [each for each in addresses_in(answer) if not each.startswith((f"{BELOW}/", "#", "?", "data:"))]
        for path, answer in answers.items()
        if not path.endswith("/preview")  # a letter, whose links say the whole address
    }
    assert {path: beside for path, beside in found.items() if beside} == {}
    assert len([answer for answer in answers.values() if answer.status_code == 200 and answer.mimetype == "text/html"]) > (
        15 if way == "left on" else 5
    )
    spec = client.get(f"{BELOW}/api/v1/_openapi").json
    assert spec is not None
    assert spec["servers"][0]["url"] == settings.get("PUBLIC_URL", BELOW)
    with client.get(f"{BELOW}/static/css/mailkeep.css") as file:
        assert file.status_code == 200
    assert 'aria-current="page"' in client.get(f"{BELOW}/quarantine/").get_data(as_text=True)


def test_mails_are_taken_below_the_path_and_beside_it(make: Make) -> None:
    """Rspamd may ask the proxy or us."""
    app = make(**KNOWN)
    make_node(app)
    for path in (f"{BELOW}/ingest/mx1", "/ingest/mx1"):
        assert app.test_client().post(path, data=RAW, headers=make_headers(), content_type="text/plain").status_code == 200
    assert app.test_client().get("/healthz").status_code == 200
    assert app.test_client().get(f"{BELOW}2/healthz").status_code == 404


@pytest.mark.parametrize("one", ["/one", ""])
def test_two_panels_on_one_host_keep_their_cookies_apart(make: Make, one: str) -> None:
    panels = {"/two": make(PUBLIC_URL="https://mail.example.com/two"), one: make(PUBLIC_URL=f"https://mail.example.com{one}")}
    for app, name in zip(panels.values(), ("bob", "alice"), strict=True):
        make_user(app, name)

    def host(environ: dict[str, Any], start: Any) -> Any:
        return next(app for below, app in panels.items() if environ["PATH_INFO"].startswith(f"{below}/"))(environ, start)

    client = Client(host)
    enter(client, one, "alice")
    assert not is_in(client, "/two")
    enter(client, "/two", "bob")
    assert "alice" in client.get(f"{one}/profile/").get_data(as_text=True)
    assert "bob" in client.get("/two/profile/").get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]*)"', client.get("/two/profile/").get_data(as_text=True))
    assert token
    client.post("/two/logout/", data={"csrf_token": token[1]})
    assert (is_in(client, one), is_in(client, "/two")) == (True, False)


@pytest.mark.parametrize("settings", [{}, KNOWN], ids=["no PUBLIC_URL", "PUBLIC_URL"])
def test_no_answer_repeats_the_host_of_a_request(make: Make, settings: dict[str, str]) -> None:
    app = make(**settings)
    make_user(app, "alice")
    mail = mail_in(app)
    below = BELOW if settings else ""
    visitor, alice = (Client(lambda environ, start: app(environ | {"HTTP_HOST": "evil.example"}, start)) for _ in range(2))
    enter(alice, below, "alice")
    rules = [rule for rule, method in doors(app) if method == "GET" and not rule.endpoint.endswith("static")]
    paths = {path for rule in rules for path in (path_of(rule, mail, 1, 1), path_of(rule, mail, 1, 1).rstrip("/"))}
    answers = [client.get(below + path, headers={"Referer": "http://evil.example/x"}) for client in (visitor, alice) for path in paths]
    told = [answer for answer in answers if "evil.example" in (answer.location or "") + answer.get_data(as_text=True)]
    assert [(answer.request.path, answer.location) for answer in told] == []
    assert len([answer for answer in answers if answer.location]) > 30
    slashes = visitor.get("/", environ_overrides={"PATH_INFO": f"{below}//evil.example/mails/list"})
    assert not (slashes.location or "").startswith(("//", "http"))


@pytest.mark.parametrize(
    "host",
    [
        "",
        "[",
        "[::1",
        "a b",
        "evil/x",
        "evil?x",
        "evil#x",
        "a@b",
        "http://x",
        "x:99999999",
        "EVIL.Example:80",
        "evil_one",
        "\xff",
        "xn--\xff",
    ],
)
def test_a_host_that_is_none_breaks_nothing(make: Make, host: str) -> None:
    client = make().test_client()
    for path in ("/login", "/mails/list", "/mails/list/", "/login/?next=http://[", "/healthz"):
        answer = client.get(path, environ_overrides={"HTTP_HOST": host})
        assert answer.status_code < 500
        assert (answer.location or "/")[:2] not in ("//", "ht")


@pytest.mark.parametrize(
    "address", ["//evil.example/", "/\\evil.example/", "https://evil.example/mailkeep/", "/elsewhere/", "http:evil", "/mailkeep2/"]
)
def test_a_login_leads_nowhere_else(make: Make, address: str) -> None:
    app = make(**KNOWN)
    make_user(app, "alice")
    client = Client(app)
    enter(client, BELOW, "alice")
    assert client.get(f"{BELOW}/login/", query_string={"next": address}).location == f"{BELOW}/"


def test_a_proxy_that_asks_under_another_name_keeps_the_way_back(make: Make) -> None:
    app = make(**KNOWN)
    make_user(app, "alice")
    client = Client(app)
    enter(client, BELOW, "alice")
    page = client.get(
        f"{BELOW}/quarantine/", base_url="http://127.0.0.1:8080", query_string={"mk_back": f"https://mail.example.com{BELOW}/people/"}
    )
    assert page.status_code == 302  # another host's cookies: to the login
    answer = client.get(f"{BELOW}/login/", query_string={"next": f"https://mail.example.com{BELOW}/people/"})
    assert answer.location == f"{BELOW}/people/"


def test_links_that_leave_are_made_of_the_settings_alone(make: Make) -> None:
    urls = {"PUBLIC_URL": "https://panel.example.com/keep", "PORTAL_URL": "https://mail.example.com"}
    panel, portal, unset = make(**urls), make(ROLES=("portal",), **urls), make()
    for app, expected in ((panel, "https://panel.example.com/keep/mails/show/7"), (portal, "https://mail.example.com/mails/show/7")):
        with app.app_context():
            assert outside_url("MailLogView.show", pk=7) == expected
            assert (public_url("/people/"), portal_url("/")) == ("https://panel.example.com/keep/people/", "https://mail.example.com/")
        with app.test_request_context(base_url="http://evil.example"):
            assert outside_url("MailLogView.show", pk=7) == expected
    with unset.app_context():
        for link in (lambda: public_url("/"), lambda: portal_url("/"), lambda: outside_url("Home.index")):
            with pytest.raises(Unavailable, match="PUBLIC_URL is not set"):
                link()
    with unset.test_request_context(base_url="https://mail.example.com/below"):
        assert outside_url("MailLogView.show", pk=7) == "https://mail.example.com/below/mails/show/7"


@pytest.mark.parametrize("path", ["/ingest", "/mails", "/api/v1", "/static"])
def test_a_path_that_is_one_of_ours_stops_the_start(make: Make, path: str) -> None:
    with pytest.raises(ConfigError, match="one of Mailkeep's own"):
        make(PUBLIC_URL=f"https://mail.example.com{path}")
