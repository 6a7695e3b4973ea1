"""OpenID Connect: who comes by a provider, as which account, and what a provider or a visitor cannot make us believe."""

import json
import pathlib
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models.people import UserWay
from app.services.people import find_user
from tests.make import PASSWORD, make_user
from tests.security.browsers import cookie_of
from tests.security.conftest import Maker, account, further, is_in, roles, typed
from tests.security.oidc import come_by, let_in, providers_file, sent_to, staff
from tests.servers.provider import Provider

Opened = Callable[..., Flask]


@pytest.fixture
def opened(app_asking: Maker, provider: Provider, tmp_path: pathlib.Path) -> Opened:
    """An app with the provider `staff`, with further words in its table by name."""

    def make(settings: dict[str, Any] | None = None, **words: Any) -> Flask:
        return app_asking(OIDC_FILE=providers_file(tmp_path, staff=staff(provider, **words)), **settings or {})

    return make


def test_the_account_is_made_at_the_first_login_and_kept_after(opened: Opened, provider: Provider) -> None:
    app = opened()
    client, answer = come_by(app)
    assert answer.status_code == 302
    assert is_in(client)
    alice = account(app, "alice")
    assert alice
    assert (alice.email, alice.first_name, alice.last_name, alice.password) == ("alice@example.com", "Alice", "Liddell", None)
    assert roles(app, "alice") == {"Recipient"}
    provider.behaviour.claims |= {"preferred_username": "alice.married", "email": "alice@example.org", "given_name": "Alicia"}
    assert is_in(come_by(app)[0])
    again = account(app, "alice")
    assert again
    assert (again.id, again.email, again.first_name) == (alice.id, "alice@example.org", "Alicia")
    assert account(app, "alice.married") is None


def test_what_is_sent_out_has_pkce_state_and_nonce_and_none_of_it_can_be_read_in_the_cookie(opened: Opened) -> None:
    client = opened().test_client()
    asked = parse_qs(urlsplit(sent_to(client)).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == ["openid profile email"]
    assert asked["redirect_uri"] == ["http://localhost/login/staff/callback"]
    cookie = client.application.session_interface._signer.loads(cookie_of(client))  # type: ignore[attr-defined]
    assert "logins_under_way" in cookie
    assert asked["state"][0] not in json.dumps(cookie)
    assert asked["nonce"][0] not in json.dumps(cookie)


def test_the_redirect_is_by_the_public_url_and_not_by_a_forged_host(opened: Opened) -> None:
    client = opened({"PUBLIC_URL": "https://panel.example.com/mail"}).test_client()
    asked = parse_qs(urlsplit(client.get("/login/staff/", headers={"Host": "evil.example"}).location).query)
    assert asked["redirect_uri"] == ["https://panel.example.com/mail/login/staff/callback"]


def test_an_address_nobody_has_verified_is_no_address(opened: Opened, provider: Provider) -> None:
    app = opened({"LINK_ACCOUNTS": True})
    make_user(app, "boss")
    for verified in (False, None, "yes", 1, "false"):
        provider.behaviour.claims |= {"email": "boss@example.com", "email_verified": verified}
        provider.behaviour.userinfo = {"email": "alice@example.com", "email_verified": True}  # of another address
        assert is_in(come_by(app)[0])
        alice = account(app, "alice")
        assert alice
        assert alice.email == "alice@oidc.staff.invalid"
        assert roles(app, "alice") == {"Recipient"}


def test_where_the_site_says_so_all_addresses_count(opened: Opened, provider: Provider) -> None:
    app = opened(addresses_verified=True, address_claim="mail", aliases_claim="other.addresses")
    del provider.behaviour.claims["email"], provider.behaviour.claims["email_verified"]
    provider.behaviour.userinfo = {
        "mail": "Alice@Example.com",
        "other": {"addresses": ["a@example.com", "no address", 5, "alice@example.com"]},
    }
    come_by(app)
    alice = account(app, "alice")
    assert alice
    assert alice.email == "alice@example.com"
    assert further(app, "alice") == [("a@example.com", "oidc")]


def test_a_verified_address_is_the_same_person_only_where_the_admin_says_so(opened: Opened, provider: Provider) -> None:
    provider.behaviour.claims |= {"preferred_username": "other", "email": "boss@example.com"}
    app = opened()
    make_user(app, "boss")
    assert come_by(app)[1].status_code == 403
    app = opened({"LINK_ACCOUNTS": True})
    assert is_in(come_by(app)[0])
    with app.app_context():
        boss = find_user("boss")
        assert boss
        assert db.session.execute(select(UserWay.way, UserWay.user_id)).all() == [("oidc:staff", boss.id)]
    assert typed(app, "boss", PASSWORD)[1].status_code == 302


def test_another_subject_with_the_same_name_and_address_is_somebody_else(opened: Opened, provider: Provider) -> None:
    app = opened()
    come_by(app)
    provider.behaviour.claims["sub"] = "another"
    assert come_by(app)[1].status_code == 403


SAID: list[tuple[dict[str, Any], str]] = [
    ({"realm_access": {"roles": ["mail-admins", "others"]}}, "Admin"),
    ({"realm_access": {"roles": "helpdesk"}}, "Auditor"),
    ({"realm_access": {"roles": {"helpdesk": {"org": 1}}}}, "Auditor"),
    ({"realm_access": {"roles": [["mail-admins"], None]}}, "Recipient"),
    ({"realm_access": "mail-admins"}, "Recipient"),
    ({"realm_access.roles": ["mail-admins"]}, "Admin"),
    ({}, "Recipient"),
    ({"sub": "the-chief"}, "Admin"),
    ({"email": "Chief@example.com"}, "Admin"),
    ({"email": "Chief@example.com", "email_verified": False}, "Recipient"),
    ({"sub": "chief@example.com", "email_verified": False}, "Recipient"),
]


def test_roles_are_what_the_provider_says_at_each_login(opened: Opened, provider: Provider) -> None:
    mapped = {"mail-admins": "Admin", "helpdesk": "Auditor"}
    app = opened(roles_claim="realm_access.roles", roles=mapped, admins=["the-chief", "chief@example.com"])
    make_user(app, "root")
    for number, (said, expected) in enumerate(SAID):
        provider.reset().claims |= {"preferred_username": f"alice{number}", "sub": str(number), "email": f"a{number}@example.com"} | said
        assert come_by(app)[1].status_code == 302
        assert roles(app, f"alice{number}") == {expected}, said
        provider.behaviour.claims |= {"realm_access": {"roles": ["helpdesk"]}, "realm_access.roles": None}
        come_by(app)
        assert "Auditor" in roles(app, f"alice{number}")


def test_roles_given_in_the_panel_stay_where_the_provider_is_not_asked_for_any(opened: Opened) -> None:
    app = opened()
    make_user(app, "alice2")
    come_by(app)
    with app.app_context():
        from app.actor import command_line
        from app.services.people import set_roles, user_named

        set_roles(user_named("alice"), ["Auditor"], actor=command_line())
    come_by(app)
    assert roles(app, "alice") == {"Auditor"}


LIES: list[tuple[dict[str, Any], str]] = [
    ({"nonce": "another"}, "RS256"),
    ({"nonce": None}, "RS256"),
    ({"aud": "another"}, "RS256"),
    ({"aud": ["another"], "azp": "mailkeep"}, "RS256"),
    ({"iss": "https://evil.example"}, "RS256"),
    ({"exp": 1_000_000_000}, "RS256"),
    ({"iat": int(time.time()) + 3600}, "RS256"),
    ({"exp": "never"}, "RS256"),
    ({"exp": None}, "RS256"),
    ({"sub": None}, "RS256"),
    ({}, "none"),
    ({}, "HS256"),
]


def test_a_token_that_is_not_for_us_now_lets_nobody_in(opened: Opened, provider: Provider) -> None:
    app = opened()
    provider.behaviour.metadata = {"id_token_signing_alg_values_supported": ["none", "HS256", "RS256"]}
    for changes, algorithm in LIES:
        provider.behaviour.token, provider.behaviour.algorithm = changes, algorithm
        client, answer = come_by(app)
        assert answer.status_code == 403, (changes, algorithm)
        assert not is_in(client)
    assert account(app, "alice") is None


def test_clocks_may_differ_a_little(opened: Opened, provider: Provider) -> None:
    provider.behaviour.token = {"iat": int(time.time()) + 60, "exp": int(time.time()) - 60}
    assert is_in(come_by(opened())[0])


ODD_CLAIMS: list[dict[str, Any]] = [
    {"sub": 5},
    {"sub": " "},
    {"sub": "x" * 300},
    {"sub": "a\nb"},
    {"preferred_username": "x" * 200},
    {"preferred_username": "a\x00b"},
]


def test_odd_claims_are_nobody(opened: Opened, provider: Provider) -> None:
    app = opened()
    for claims in ODD_CLAIMS:
        provider.reset().claims |= claims
        client, answer = come_by(app)
        assert answer.status_code == 403, claims
        assert "<form" in answer.text
        assert not is_in(client)


def test_claims_of_other_types_are_left_aside(opened: Opened, provider: Provider) -> None:
    app = opened(aliases_claim="aliases")
    odd = {"preferred_username": ["x"], "given_name": {"a": 1}, "family_name": 5, "name": None, "aliases": "one@example.com"}
    provider.behaviour.claims |= odd
    assert is_in(come_by(app)[0])
    assert account(app, "alice@example.com")
    assert further(app, "alice@example.com") == [("one@example.com", "oidc")]


def test_a_callback_that_was_not_begun_in_this_browser_is_refused(opened: Opened, provider: Provider) -> None:
    app = opened()
    victim, attacker = app.test_client(), app.test_client()
    sent_to(victim)
    back = let_in(sent_to(attacker))
    assert victim.get(back).status_code == 400
    assert not is_in(victim)
    assert "/token" not in provider.asked


def test_a_callback_counts_once(opened: Opened, provider: Provider) -> None:
    app = opened()
    client = app.test_client()
    url = sent_to(client)
    kept = cookie_of(client)
    back = let_in(url)
    assert client.get(back).status_code == 302
    thief = app.test_client()
    thief.set_cookie("session", kept)
    assert thief.get(back).status_code == 400  # the provider takes a code once
    assert not is_in(thief)


def test_several_tabs_may_log_in_at_once(opened: Opened) -> None:
    client = opened().test_client()
    first, second = sent_to(client, query="?next=/quarantine/"), sent_to(client)
    let_in(second)
    assert client.get(let_in(first)).location == "/quarantine/"


def test_next_leads_to_our_own_pages_only(opened: Opened) -> None:
    app = opened()
    for place in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
        client = app.test_client()
        assert client.get(let_in(sent_to(client, query=f"?next={place}"))).location == "/"


def test_somebody_switched_off_stays_out(opened: Opened) -> None:
    app = opened()
    come_by(app)
    with app.app_context():
        user = find_user("alice")
        assert user
        user.active = False
        db.session.commit()
    client, answer = come_by(app)
    assert answer.status_code == 403
    assert not is_in(client)
