"""Who looks after somebody does not become them: what opens an account is given only where all that it sees is one's own to see."""

import pytest
from flask import Flask

from app.actor import SYSTEM
from app.models.people import AddressSource
from app.queries.people import Reach
from app.services import addresses, logins
from app.services.logins import Identity
from app.services.people import user_named
from tests.make import PASSWORD, login, make_user
from tests.security.factors import with_factor
from tests.views.people import can_log_in, domain_admin, fields_of, number_of, send

NEW = "Another-Horse-77"


@pytest.fixture
def far(app: Flask) -> str:
    """The page of a recipient who sees mail of a domain beyond, too."""
    make_user(app, "carol", role="Recipient")
    with app.app_context():
        addresses.add_address(Reach(everybody=True), user_named("carol"), "carol@example.org", AddressSource.LDAP, actor=SYSTEM)
    return f"/people/{number_of(app, 'carol')}"


def test_a_domain_admin_does_not_log_in_as_who_sees_more_than_he(app: Flask, far: str) -> None:
    chief = domain_admin(app, "example.com")
    send(chief, f"{far}/password", password=NEW)
    assert can_log_in(app, "carol", PASSWORD)
    assert not can_log_in(app, "carol", NEW)
    send(chief, far, email="trap@example.com", roles=["Recipient"], active="1")
    assert fields_of(app, "carol")[0] == "carol@example.com", "else he asks for a link"
    assert send(chief, far, email="carol@example.com", first_name="Caroline", roles=["Recipient"], active="1") == 302
    with_factor(app, "carol")
    send(chief, f"{far}/second-factor")
    with app.app_context():
        assert user_named("carol").second_factor is not None


def test_who_looks_after_both_domains_may(app: Flask, far: str) -> None:
    both = domain_admin(app, "example.com", "example.org")
    send(both, f"{far}/password", password=NEW)
    assert can_log_in(app, "carol", NEW)
    assert send(both, far, email="other@example.com", roles=["Recipient"], active="1") == 302
    assert fields_of(app, "carol")[0] == "other@example.com"


def test_a_password_of_ours_is_an_admin_s_to_give_to_who_has_none(app: Flask) -> None:
    with app.app_context():
        logins.account_of(Identity(way="ldap", subject="uid=dora", username="dora", address="dora@example.com"))
    path = f"/people/{number_of(app, 'dora')}/password"
    send(domain_admin(app, "example.com"), path, password=NEW)
    assert not can_log_in(app, "dora", NEW)
    send(login(app, "root"), path, password=NEW)
    assert can_log_in(app, "dora", NEW)


def test_one_s_own_password_asks_for_the_present_one(app: Flask) -> None:
    """Else who sits at an open screen switches the second factor off with the password he has just set."""
    root = login(app, "root")
    assert send(root, f"/people/{number_of(app, 'root')}/password", password=NEW) == 302
    assert can_log_in(app, "root", PASSWORD)
    assert not can_log_in(app, "root", NEW)
