"""Providers in the panel: their file, those that are away, the way out, and what is told."""

import html
import json
import pathlib
import re
import socket
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import AuditEvent
from app.security.ways.providers import read_providers
from environment import ConfigError
from tests.make import PASSWORD, make_user
from tests.security.conftest import Maker, is_in, typed
from tests.security.oidc import ask_anew, come_by, let_in, mailcow, providers_file, sent_to, staff
from tests.servers.provider import Provider

GOOD: dict[str, Any] = {"issuer": "https://sso.example.com", "client_id": "mailkeep"}
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("Staff", GOOD, "'Staff' is no name of a provider"),
    ("s" * 31, GOOD, "is no name of a provider"),
    ("staff", GOOD | {"isuer": "x"}, "[staff] isuer is no setting of a provider"),
    ("staff", GOOD | {"kind": "saml"}, "[staff] kind is neither oidc nor mailcow"),
    ("staff", {"client_id": "x"}, "[staff] issuer is no address such as"),
    ("staff", GOOD | {"issuer": "http://sso.example.com"}, "[staff] issuer is no address such as"),
    ("staff", GOOD | {"issuer": "https://u:p@sso.example.com"}, "[staff] issuer is no address such as"),
    ("staff", {"issuer": "https://sso.example.com"}, "[staff] client_id is missing"),
    ("staff", GOOD | {"label": 5}, "[staff] label is no text"),
    ("staff", GOOD | {"label": ""}, "[staff] label is empty"),
    ("staff", GOOD | {"scopes": "openid"}, "[staff] scopes is no list of words"),
    ("staff", GOOD | {"scopes": ["email"]}, "[staff] scopes lacks openid"),
    ("staff", GOOD | {"admins": ["a", 5]}, "[staff] admins is no list of words"),
    ("staff", GOOD | {"logout": "no"}, "[staff] logout is neither true nor false"),
    ("staff", GOOD | {"roles": {"a": "Admin"}}, "[staff] roles_claim is needed with roles"),
    ("staff", GOOD | {"roles": ["Admin"], "roles_claim": "groups"}, "[staff] roles is no table"),
    ("staff", GOOD | {"address_claim": "upn"}, "[staff] address_claim of this name needs addresses_verified"),
    ("staff", GOOD | {"client_secret_file": "missing"}, "[staff] client_secret_file cannot read"),
    ("staff", GOOD | {"ca_file": "missing.pem"}, "[staff] ca_file cannot read"),
    ("cow", {"kind": "mailcow", "url": "https://mail.example.com", "client_id": "x", "issuer": "y"}, "[cow] issuer is no setting"),
    ("cow", {"kind": "mailcow", "client_id": "x"}, "[cow] url is no address such as"),
    (
        "cow",
        {"kind": "mailcow", "url": "https://m.example", "client_id": "x", "domain_admin": "p@m.example"},
        "[cow] domain_admin is the part",
    ),
]


@pytest.mark.parametrize(("name", "values", "why"), WRONG)
def test_a_wrong_word_in_the_file_stops_the_start_with_one_line(
    tmp_path: pathlib.Path, name: str, values: dict[str, Any], why: str
) -> None:
    with pytest.raises(ConfigError) as stopped:
        read_providers(providers_file(tmp_path, **{name: values}))
    line = str(stopped.value)
    assert line.startswith("mailkeep: OIDC_FILE: ")
    assert why in line
    assert "\n" not in line


def test_a_file_that_is_no_toml_stops_the_start(tmp_path: pathlib.Path) -> None:
    for text in ("[staff\nissuer", "staff = 5", "\x00"):
        (tmp_path / "file").write_text(text)
        with pytest.raises(ConfigError, match="mailkeep: OIDC_FILE: "):
            read_providers(str(tmp_path / "file"))


def test_a_secret_may_stand_in_a_file_beside_and_is_shown_nowhere(tmp_path: pathlib.Path) -> None:
    (tmp_path / "secret").write_text("Hidden-77\n")
    found = read_providers(providers_file(tmp_path, staff=GOOD | {"client_secret_file": "secret"}))["staff"]
    assert found.client_secret == "Hidden-77"
    assert "Hidden-77" not in repr(found)


def test_the_login_page_shows_what_there_is_in_the_order_of_the_file(app_asking: Maker, provider: Provider, tmp_path: pathlib.Path) -> None:
    file = providers_file(tmp_path, staff=staff(provider, label="Staff <b>"), cow=mailcow(provider))
    app = app_asking(OIDC_FILE=file)
    page = app.test_client().get("/login/?next=/quarantine/").text
    assert re.findall(r'href="(/login/[^"]+)"', page) == ["/login/staff/?next=/quarantine/", "/login/cow/?next=/quarantine/"]
    assert "Staff &lt;b&gt;" in page
    assert provider.asked == []
    assert "/login/staff" not in app_asking().test_client().get("/login/").text


def test_an_unknown_provider_is_nothing(app_asking: Maker) -> None:
    client = app_asking().test_client()
    assert client.get("/login/staff/").status_code == 404
    assert client.get("/login/staff/callback?code=x&state=y").status_code == 404


@pytest.fixture
def silent() -> Any:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_provider_that_is_away_blocks_nobody_else(
    app_asking: Maker, provider: Provider, tmp_path: pathlib.Path, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.security.ways import oidc_client

    monkeypatch.setattr(oidc_client, "_SECONDS", 0.3)
    gone = {"issuer": "http://127.0.0.1:1", "client_id": "x", "label": "Gone"}
    app = app_asking(OIDC_FILE=providers_file(tmp_path, gone=gone, silent=gone | {"issuer": silent}, staff=staff(provider)))
    make_user(app, "root")
    for name in ("gone", "silent", "gone"):
        answer = app.test_client().get(f"/login/{name}/?next=/quarantine/")
        assert answer.status_code == 503
        assert "Gone does not answer just now" in answer.text
        assert 'action="/login/?next=/quarantine/"' in answer.text
    assert is_in(come_by(app)[0])
    assert is_in(typed(app, "root", PASSWORD)[0])


BAD_ANSWERS: list[tuple[str, int, bytes]] = [
    ("/.well-known/openid-configuration", 200, b"<html>"),
    ("/.well-known/openid-configuration", 200, b"[]"),
    ("/.well-known/openid-configuration", 200, b"{" * 100_000),
    ("/.well-known/openid-configuration", 200, b" " * 3_000_000),
    ("/.well-known/openid-configuration", 404, b"{}"),
    ("/.well-known/openid-configuration", 302, b"{}"),
    ("/token", 500, b"{}"),
    ("/token", 200, b"[]"),
    ("/token", 200, b'"text"'),
    ("/token", 200, b"{}"),
    ("/token", 200, b'{"access_token": "of-1"}'),
    ("/token", 200, b'{"access_token": "of-1", "id_token": 5}'),
    ("/token", 200, b'{"access_token": "of-1", "id_token": "a.b.c", "token_type": "Bearer"}'),
    ("/token", 200, b'{"access_token": "of-1", "expires_in": "soon", "token_type": "Bearer"}'),
    ("/token", 200, b" " * 3_000_000),
    ("/token", 401, b'{"error": "invalid_client"}'),
    ("/token", 400, b'{"error": ["x"]}'),
    ("/jwks", 200, b"[]"),
    ("/jwks", 200, b'{"keys": 5}'),
    ("/jwks", 200, b'{"keys": []}'),
    ("/jwks", 200, b'{"keys": [{"kty": "RSA", "n": 5}]}'),
    ("/userinfo", 200, b"[]"),
    ("/userinfo", 200, b'{"sub": "another"}'),
    ("/userinfo", 500, b""),
]


def test_garbage_from_a_provider_is_a_sentence_on_the_login_page(app_asking: Maker, provider: Provider, tmp_path: pathlib.Path) -> None:
    app = app_asking(OIDC_FILE=providers_file(tmp_path, staff=staff(provider)))
    for path, status, body in BAD_ANSWERS:
        provider.reset().raw[path] = (status, body)
        ask_anew(app)
        client = app.test_client()
        answer = client.get("/login/staff/")
        if answer.status_code == 302:
            answer = client.get(let_in(answer.location))
        assert answer.status_code in (403, 503), (path, body[:80])
        assert 'name="password"' in answer.text
        assert not is_in(client)


ODD_METADATA: list[dict[str, Any]] = [
    {"issuer": "https://evil.example"},
    {"token_endpoint": "http://evil.example/token"},
    {"authorization_endpoint": "javascript:alert(1)"},
    {"jwks_uri": None},
    {"end_session_endpoint": "http://evil.example"},
]


def test_a_provider_that_tells_odd_things_of_itself_is_not_asked(app_asking: Maker, provider: Provider, tmp_path: pathlib.Path) -> None:
    app = app_asking(OIDC_FILE=providers_file(tmp_path, staff=staff(provider)))
    for metadata in ODD_METADATA:
        provider.reset().metadata = metadata
        ask_anew(app)
        assert app.test_client().get("/login/staff/").status_code == 503, metadata


def test_what_a_provider_calls_itself_changes_no_setting_of_ours(app_asking: Maker, provider: Provider, tmp_path: pathlib.Path) -> None:
    provider.behaviour.metadata = {"verify": False, "proxies": {"http": "http://127.0.0.1:1"}, "client_id": "x", "scope": "all"}
    assert is_in(come_by(app_asking(OIDC_FILE=providers_file(tmp_path, staff=staff(provider))))[0])


def test_the_answer_of_another_provider_is_refused(app_asking: Maker, provider: Provider, tmp_path: pathlib.Path) -> None:
    app = app_asking(OIDC_FILE=providers_file(tmp_path, staff=staff(provider), other=staff(provider)))
    client = app.test_client()
    back = let_in(sent_to(client, "staff"))
    assert client.get(back.replace("/staff/", "/other/")).status_code == 400
    provider.behaviour.answer = {"iss": "https://evil.example"}
    assert come_by(app)[1].status_code == 503
    provider.behaviour.answer = {"iss": provider.url}
    assert is_in(come_by(app)[0])


def test_who_turns_back_is_on_the_login_page(app_asking: Maker, provider: Provider, tmp_path: pathlib.Path) -> None:
    app = app_asking(OIDC_FILE=providers_file(tmp_path, staff=staff(provider)))
    for error, status in (("access_denied", 403), ("temporarily_unavailable", 503), ("<i>x</i>", 403)):
        provider.behaviour.answer = {"error": error, "code": ""}
        answer = come_by(app)[1]
        assert answer.status_code == status
        assert "Staff" in answer.text
        assert "<i>x" not in answer.text


def left(client: FlaskClient) -> Any:
    return client.post("/logout/")


def test_who_leaves_is_out_here_and_led_to_the_provider_s_own_end(app_asking: Maker, provider: Provider, tmp_path: pathlib.Path) -> None:
    app = app_asking(OIDC_FILE=providers_file(tmp_path, staff=staff(provider)))
    client, _answer = come_by(app)
    answer = left(client)
    url = html.unescape(re.findall(r'http-equiv="refresh" content="0; url=([^"]+)"', answer.text)[0])
    assert url.startswith(f"{provider.url}/end?realm=one&")
    sent = parse_qs(urlsplit(url).query)
    assert sent["post_logout_redirect_uri"] == ["http://localhost/login/"]
    assert sent["client_id"] == ["mailkeep"]
    assert sent["id_token_hint"][0].count(".") == 2
    assert not is_in(client)
    assert client.get("/logout/").status_code == 405
    assert "http-equiv" not in left(client).text


def test_leaving_works_with_the_provider_away_or_unwilling(app_asking: Maker, provider: Provider, tmp_path: pathlib.Path) -> None:
    quiet = {"end_session_endpoint": None}
    provider.behaviour.metadata = quiet
    client, _answer = come_by(app_asking(OIDC_FILE=providers_file(tmp_path, staff=staff(provider))))
    assert left(client).status_code == 302
    provider.reset()
    client, _answer = come_by(app_asking(OIDC_FILE=providers_file(tmp_path, staff=staff(provider, logout=False))))
    assert left(client).status_code == 302
    app = app_asking(OIDC_FILE=providers_file(tmp_path, staff=staff(provider)))
    client, _answer = come_by(app)
    app.extensions["mailkeep_providers"]["staff"]._app = None
    provider.behaviour.raw["/.well-known/openid-configuration"] = (500, b"")
    assert left(client).status_code == 302
    assert not is_in(client)


def test_logins_and_refusals_are_told(app_asking: Maker, provider: Provider, tmp_path: pathlib.Path) -> None:
    app = app_asking(OIDC_FILE=providers_file(tmp_path, staff=staff(provider)))
    come_by(app)
    app.test_client().get("/login/staff/callback?code=x&state=y")
    with app.app_context():
        told = {(event.verb, event.actor, json.loads(event.after or "{}").get("way")) for event in db.session.scalars(select(AuditEvent))}
    assert {("login", "alice", "oidc:staff"), ("login.failed", "", "oidc:staff")} <= told


def test_the_way_back_is_limited_like_the_form(app_asking: Maker, provider: Provider, tmp_path: pathlib.Path) -> None:
    app = app_asking(OIDC_FILE=providers_file(tmp_path, staff=staff(provider)), RATELIMIT_ENABLED=True, LOGIN_RATE="3 per minute")
    client = app.test_client()
    assert [client.get("/login/staff/callback?state=x").status_code for _ in range(4)] == [400, 400, 400, 429]
