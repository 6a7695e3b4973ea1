"""LDAP: who is let in, under which name, with which addresses and roles."""

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models.people import User, UserAddress, UserWay
from app.security.ways.directory import _addresses
from app.services.people import add_address, find_user
from tests.make import PASSWORD as LOCAL_PASSWORD
from tests.make import make_user
from tests.security.conftest import Maker, is_in, typed
from tests.servers.slapd import ADMINS, HELPDESK, PASSWORD, Slapd


def account(app: Flask, name: str) -> User | None:
    with app.app_context():
        user = find_user(name)
        if user is not None:
            assert [user.roles, user.email]  # read while the session is there
            db.session.expunge_all()
        return user


def roles(app: Flask, name: str) -> set[str]:
    user = account(app, name)
    assert user
    return {role.name for role in user.roles}


def further(app: Flask, name: str) -> list[tuple[str, str]]:
    with app.app_context():
        user = find_user(name)
        assert user
        rows = select(UserAddress.address, UserAddress.source).where(UserAddress.user_id == user.id).order_by(UserAddress.address)
        return [tuple(row) for row in db.session.execute(rows)]


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


def test_a_local_account_of_that_name_is_nobody_else_s(app_asking: Maker, slapd: Slapd, caplog: pytest.LogCaptureFixture) -> None:
    app = app_asking(slapd.url)
    make_user(app, "alice")
    _, answer = typed(app, "alice", PASSWORD)
    assert answer.status_code == 403
    assert "the name belongs to the account alice" in caplog.text
    assert is_in(typed(app, "alice", LOCAL_PASSWORD)[0])


def test_the_same_address_is_one_account_where_the_site_wants_that(app_asking: Maker, slapd: Slapd) -> None:
    app = app_asking(slapd.url, LINK_ACCOUNTS=True)
    make_user(app, "alice")
    assert is_in(typed(app, "alice", PASSWORD)[0])
    assert is_in(typed(app, "alice", LOCAL_PASSWORD)[0])
    assert roles(app, "alice") == {"Admin"}
    with app.app_context():
        assert len(db.session.scalars(select(User)).all()) == 1


def test_a_name_alone_links_nothing(app_asking: Maker, slapd: Slapd) -> None:
    app = app_asking(slapd.url, LINK_ACCOUNTS=True)
    make_user(app, "nomail")
    assert typed(app, "nomail", PASSWORD)[1].status_code == 403


def test_an_account_that_is_switched_off_stays_out(app_asking: Maker, slapd: Slapd) -> None:
    app = app_asking(slapd.url)
    typed(app, "alice", PASSWORD)
    with app.app_context():
        user = find_user("alice")
        assert user
        user.active = False
        db.session.commit()
    assert not is_in(typed(app, "alice", PASSWORD)[0])


def test_a_moved_entry_is_the_same_person_only_with_the_same_address(app_asking: Maker, slapd: Slapd) -> None:
    app = app_asking(slapd.url)
    for name in ("alice", "carol"):
        typed(app, name, PASSWORD)
    with app.app_context():
        for way in db.session.scalars(select(UserWay)):
            way.subject = f"elsewhere {way.id}"
        carol = find_user("carol")
        assert carol
        carol.email = "another@example.com"
        db.session.commit()
    assert is_in(typed(app, "alice", PASSWORD)[0])
    assert typed(app, "carol", PASSWORD)[1].status_code == 403


def test_nobody_of_the_directory_gives_themselves_a_password(app_asking: Maker, slapd: Slapd) -> None:
    """It would still open the door when the entry is gone."""
    app = app_asking(slapd.url)
    client, _ = typed(app, "alice", PASSWORD)
    new = {"password": LOCAL_PASSWORD, "conf_password": LOCAL_PASSWORD}
    assert client.post("/resetmypassword/form", data=new).status_code == 403
    found = account(app, "alice")
    assert found
    assert found.password is None
    make_user(app, "root")
    root, _ = typed(app, "root", LOCAL_PASSWORD)
    assert root.post(f"/resetpassword/form?pk={found.id}", data=new).status_code == 302
    assert is_in(typed(app, "alice", LOCAL_PASSWORD)[0])


@pytest.mark.parametrize("provider", ["db", "ldap"])
def test_the_api_logs_in_by_the_same_ways(app_asking: Maker, slapd: Slapd, provider: str) -> None:
    app = app_asking(slapd.url, SECRET_KEY="tests-only-0123456789abcdef-0123456789abcdef")
    sent = {"username": "alice", "password": PASSWORD, "provider": provider}
    answer = app.test_client().post("/api/v1/security/login", json=sent)
    assert answer.status_code == 200
    headers = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}
    assert app.test_client().get("/api/v1/mail/", headers=headers).status_code == 200


def test_an_account_that_is_deleted_is_made_anew(app_asking: Maker, slapd: Slapd) -> None:
    app = app_asking(slapd.url)
    typed(app, "bob", PASSWORD)
    with app.app_context():
        user = find_user("bob")
        assert user
        db.session.delete(user)
        db.session.commit()
        assert db.session.scalars(select(UserWay)).all() == []
    assert is_in(typed(app, "bob", PASSWORD)[0])


def test_an_address_that_somebody_else_has_is_not_taken_from_them(app_asking: Maker, slapd: Slapd) -> None:
    app = app_asking(slapd.url)
    typed(app, "carol", PASSWORD)
    with app.app_context():
        carol = find_user("carol")
        assert carol
        carol.email = "old@example.com"
        db.session.commit()
    make_user(app, "other")
    with app.app_context():
        other = find_user("other")
        assert other
        other.email = "Carol@example.com"
        db.session.commit()
    assert is_in(typed(app, "carol", PASSWORD)[0])
    found = account(app, "carol")
    assert found
    assert found.email == "carol@ldap.invalid"


def test_addresses_an_admin_added_stay(app_asking: Maker, slapd: Slapd) -> None:
    app = app_asking(slapd.url)
    typed(app, "bob", PASSWORD)
    with app.app_context():
        user = find_user("bob")
        assert user
        add_address(user, "info@example.com")
    typed(app, "bob", PASSWORD)
    assert further(app, "bob") == [("bobby@example.com", "ldap"), ("info@example.com", "admin"), ("robert@example.com", "ldap")]


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
