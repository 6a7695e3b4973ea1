"""LDAP: who is let in, under which name, with which addresses and roles."""

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models.people import UserWay
from app.security.ways.directory import _addresses
from app.services.people import find_user
from tests.security.conftest import Maker, account, further, is_in, roles, typed
from tests.servers.slapd import ADMINS, HELPDESK, PASSWORD, Slapd


def test_a_first_login_makes_an_account_that_sees_its_own_mail_only(app_asking: Maker, slapd: Slapd) -> None:
    app = app_asking(slapd.url)
    client, answer = typed(app, "Alice", PASSWORD)
    assert answer.status_code == 302
    assert is_in(client)
    made = account(app, "alice")
    assert made
    assert (made.username, made.email, made.first_name, made.last_name) == ("alice", "alice@example.com", "Alice", "Liddell")
    assert made.password is None
    assert roles(app, "alice") == {"Recipient"}
    assert is_in(typed(app, "alice", PASSWORD)[0])
    with app.app_context():
        assert len(db.session.scalars(select(UserWay)).all()) == 1


@pytest.mark.parametrize("start_tls", [True, False])
@pytest.mark.parametrize("kind", ["url", "tls_url"])
def test_with_and_without_tls(app_asking: Maker, slapd: Slapd, kind: str, start_tls: bool) -> None:
    assert is_in(typed(app_asking(getattr(slapd, kind), LDAP_START_TLS=start_tls), "alice", PASSWORD)[0])


@pytest.mark.parametrize(
    ("name", "stored"),
    [("jm*ller", "jm*ller"), ("back\\slash", "back\\slash"), ("größe", "größe"), ("GRÖSSE", None), (" bob ", "bob")],
)
def test_odd_characters_in_names_and_dns(app_asking: Maker, slapd: Slapd, name: str, stored: str | None) -> None:
    app = app_asking(slapd.url)
    client, _ = typed(app, name, PASSWORD)
    found = account(app, stored or "größe")
    assert (found is not None) is is_in(client)
    assert found is not None or stored is None


@pytest.mark.parametrize(
    "name", ["*", "a*", "ali*", "alice)(uid=*", "*)(objectClass=*", "alice\0", "alice\\2a", "(uid=alice)", "uid=alice", ""]
)
def test_a_name_is_never_read_as_a_filter(app_asking: Maker, slapd: Slapd, name: str) -> None:
    app = app_asking(slapd.url)
    assert not is_in(typed(app, name, PASSWORD)[0])
    assert account(app, "alice") is None


@pytest.mark.parametrize("password", ["", " ", "\t", "\0", "\0\0 ", "wrong", PASSWORD + "\0", PASSWORD.upper(), "\ud800"])
def test_no_other_password_binds(app_asking: Maker, slapd: Slapd, password: str) -> None:
    app = app_asking(slapd.url)
    sent = {"username": "alice", "password": password, "provider": "db"}
    assert app.test_client().post("/api/v1/security/login", json=sent).status_code in (400, 401)
    with app.test_request_context():
        assert app.extensions["appbuilder"].sm.auth_user_db("alice", password) is None
        assert password == "\ud800" or app.extensions["mailkeep_directory"].proven("alice", password) is None
    assert account(app, "alice") is None


@pytest.mark.parametrize("name", ["twin", "hidden", "nobody", "reader"])
def test_who_is_not_one_entry_that_the_reader_finds_is_nobody(app_asking: Maker, slapd: Slapd, name: str) -> None:
    assert not is_in(typed(app_asking(slapd.url), name, PASSWORD)[0])


def test_of_several_addresses_the_first_by_the_alphabet_is_the_account_s(app_asking: Maker, slapd: Slapd) -> None:
    app = app_asking(slapd.url)
    assert is_in(typed(app, "bob", PASSWORD)[0])
    found = account(app, "bob")
    assert found
    assert found.email == "bob@example.com"
    assert further(app, "bob") == [("bobby@example.com", "ldap"), ("robert@example.com", "ldap")]


def test_a_site_may_deny_several_addresses(app_asking: Maker, slapd: Slapd) -> None:
    app = app_asking(slapd.url, LDAP_MAIL_MULTIVALUE=False)
    _, answer = typed(app, "bob", PASSWORD)
    assert answer.status_code == 403
    assert "several mail addresses" in answer.get_data(as_text=True)
    assert account(app, "bob") is None
    assert "several mail addresses" not in typed(app, "bob", "wrong")[0].get("/login/").get_data(as_text=True)
    assert is_in(typed(app, "alice", PASSWORD)[0])


def test_aliases_come_from_an_attribute_of_their_own_and_go_with_it(app_asking: Maker, slapd: Slapd) -> None:
    with_them = app_asking(slapd.url, LDAP_MAIL_ATTRIBUTE="cn", LDAP_ALIAS_ATTRIBUTE="mail")
    assert is_in(typed(with_them, "bob", PASSWORD)[0])
    assert [address for address, _ in further(with_them, "bob")] == ["bob@example.com", "bobby@example.com", "robert@example.com"]
    without = app_asking(slapd.url, LDAP_MAIL_ATTRIBUTE="cn")
    assert is_in(typed(without, "bob", PASSWORD)[0])
    assert further(without, "bob") == []


def test_who_has_no_address_gets_one_that_no_mail_has(app_asking: Maker, slapd: Slapd) -> None:
    app = app_asking(slapd.url)
    assert is_in(typed(app, "nomail", PASSWORD)[0])
    found = account(app, "nomail")
    assert found
    assert found.email == "nomail@ldap.invalid"


def test_names_fall_back_and_are_refreshed(app_asking: Maker, slapd: Slapd) -> None:
    app = app_asking(slapd.url)
    typed(app, "carol", PASSWORD)
    found = account(app, "carol")
    assert found
    assert (found.first_name, found.last_name) == ("Carol of the Directory", "Carol")
    with app.app_context():
        changed = find_user("carol")
        assert changed
        changed.last_name, changed.email = "Stale", "stale@example.com"
        db.session.commit()
    typed(app, "carol", PASSWORD)
    found = account(app, "carol")
    assert found
    assert (found.last_name, found.email) == ("Carol", "carol@example.com")


def test_groups_and_names_give_roles_and_take_them(app_asking: Maker, slapd: Slapd) -> None:
    spelled = ADMINS.replace("cn=admins,ou=groups", "CN=Admins, OU=groups")
    app = app_asking(slapd.url, LDAP_ROLES=((spelled, "Admin"), (HELPDESK.replace("\\2C", "\\,"), "Auditor")), LDAP_ADMINS=("Carol",))
    for name in ("alice", "bob", "carol", "nomail"):
        assert is_in(typed(app, name, PASSWORD)[0])
    assert [roles(app, name) for name in ("alice", "bob", "carol", "nomail")] == [{"Admin"}, {"Auditor"}, {"Admin"}, {"Recipient"}]
    later = app_asking(slapd.url, LDAP_ROLES=((HELPDESK, "Domain admin"),), LDAP_ADMINS=("carol",))
    for name in ("alice", "bob"):
        typed(later, name, PASSWORD)
    assert [roles(later, name) for name in ("alice", "bob")] == [{"Recipient"}, {"Domain admin"}]


def test_the_last_admin_keeps_the_role(app_asking: Maker, slapd: Slapd) -> None:
    typed(app_asking(slapd.url, LDAP_ADMINS=("alice",)), "alice", PASSWORD)
    app = app_asking(slapd.url, LDAP_ROLES=((HELPDESK, "Auditor"),))
    typed(app, "alice", PASSWORD)
    assert roles(app, "alice") == {"Admin", "Recipient"}


def test_roles_given_in_the_panel_stay_where_the_directory_says_nothing(app_asking: Maker, slapd: Slapd) -> None:
    app = app_asking(slapd.url)
    typed(app, "alice", PASSWORD)
    with app.app_context():
        user = find_user("alice")
        assert user
        user.roles = [app.extensions["appbuilder"].sm.find_role("Auditor")]
        db.session.commit()
    typed(app, "alice", PASSWORD)
    assert roles(app, "alice") == {"Auditor"}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("smtp:A@example.com", ["a@example.com"]),
        ("SMTP:b@example.com", ["b@example.com"]),
        ("X500:/o=x", []),
        ("sip:a@example.com", []),
        ("a@example.com", ["a@example.com"]),
    ],
)
def test_proxy_addresses_of_active_directory(value: str, found: list[str]) -> None:
    assert _addresses({"proxyaddresses": [value]}, "proxyAddresses") == found
