"""Accounts of the directory beside those of the panel: whose is whose, and what becomes of them."""

import pytest
from sqlalchemy import select

from app.actor import SYSTEM
from app.extensions import db
from app.models.people import User, UserWay
from app.queries.people import Reach
from app.services.addresses import add_address
from app.services.people import find_user
from tests.make import PASSWORD as LOCAL_PASSWORD
from tests.make import make_user
from tests.security.conftest import Maker, account, further, is_in, roles, typed
from tests.servers.slapd import PASSWORD, Slapd


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


def test_a_password_that_another_gave_counts_no_more_once_a_directory_makes_somebody_an_admin(app_asking: Maker, slapd: Slapd) -> None:
    app = app_asking(slapd.url, LINK_ACCOUNTS=True, LDAP_ADMINS=("alice",))
    make_user(app, "boss")
    make_user(app, "alice", role="Recipient")
    assert is_in(typed(app, "alice", LOCAL_PASSWORD)[0])
    assert is_in(typed(app, "alice", PASSWORD)[0])
    assert roles(app, "alice") == {"Admin"}
    assert not is_in(typed(app, "alice", LOCAL_PASSWORD)[0])
    assert is_in(typed(app, "alice", PASSWORD)[0])
    assert is_in(typed(app, "boss", LOCAL_PASSWORD)[0])


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
    assert client.post("/profile/password", data=new).status_code == 302
    found = account(app, "alice")
    assert found
    assert found.password is None
    make_user(app, "root")
    root, _ = typed(app, "root", LOCAL_PASSWORD)
    assert root.post(f"/people/{found.id}/password", data={"password": LOCAL_PASSWORD}).status_code == 302
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
        add_address(Reach(everybody=True), user, "info@example.com", actor=SYSTEM)
    typed(app, "bob", PASSWORD)
    assert further(app, "bob") == [("bobby@example.com", "ldap"), ("info@example.com", "admin"), ("robert@example.com", "ldap")]
