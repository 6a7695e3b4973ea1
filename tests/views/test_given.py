"""What is given to an account: further addresses, and roles of the site's own."""

from flask import Flask
from sqlalchemy import select

from app.clock import stored_now
from app.extensions import db
from app.models import UserAddress
from tests.make import login, make_mails, make_user
from tests.views.people import domain_admin, fields_of, number_of, send


def test_a_change_of_addresses_counts_at_once(app: Flask) -> None:
    [mail] = make_mails(app, 1, recipients=("alias@example.org",))
    admin, carol = login(app, "admin"), login(app, "carol", role="Recipient")
    path = f"/people/{number_of(app, 'carol')}/addresses"
    assert carol.get(f"/mails/show/{mail}").status_code == 404
    assert send(admin, path, add="Alias@Example.org") == 302
    assert carol.get(f"/mails/show/{mail}").status_code == 200
    assert "alias@example.org" in carol.get("/profile/").get_data(as_text=True)
    assert "carol" in admin.get("/people/?q=alias@example.org").get_data(as_text=True)
    assert send(admin, path, remove="alias@example.org") == 302
    assert carol.get(f"/mails/show/{mail}").status_code == 404


def test_a_further_address_is_changed_where_it_was_given(app: Flask) -> None:
    make_user(app, "bob", role="Recipient")
    chief, number = domain_admin(app, "example.com"), number_of(app, "bob")
    with app.app_context():
        given = {"old@example.com": "admin", "said@example.com": "ldap", "far@example.org": "admin"}
        db.session.add_all(
            UserAddress(user_id=number, address=address, source=source, created_at=stored_now()) for address, source in given.items()
        )
        db.session.commit()
    path = f"/people/{number}/addresses"
    for old, new in (
        ("old@example.com", "new@example.com"),
        ("said@example.com", "mine@example.com"),  # a directory says it
        ("far@example.org", "near@example.com"),  # beyond his domains
        ("new@example.com", "new@example.org"),  # likewise
        ("new@example.com", "said@example.com"),  # is there already
        ("new@example.com", "no address"),
        ("nobody@example.com", "other@example.com"),
    ):
        assert send(chief, path, change=old, add=new) == 302
    with app.app_context():
        there = set(db.session.scalars(select(UserAddress.address).where(UserAddress.user_id == number)))
    assert there == {"new@example.com", "said@example.com", "far@example.org"}


def test_mailkeeps_own_roles_stay_as_they_are(app: Flask) -> None:
    admin = login(app, "admin")
    with app.app_context():
        sm = app.extensions["appbuilder"].sm
        ours, theirs = sm.find_role("Recipient").id, sm.add_role("Help desk").id
    for path, fields in ((f"/roles/edit/{ours}", {"name": "Other"}), (f"/roles/delete/{ours}", {})):
        assert send(admin, path, **fields) == 409
    assert send(admin, f"/roles/edit/{theirs}", name="Desk") == 302
    assert send(admin, f"/roles/delete/{theirs}") == 302


def test_a_role_of_the_site_s_own_is_given_by_admins_and_by_nobody_else(app: Flask) -> None:
    admin = login(app, "admin")
    with app.app_context():
        app.extensions["appbuilder"].sm.add_role("Helpdesk")
    make_user(app, "bob", role="Recipient")
    path = f"/people/{number_of(app, 'bob')}"
    assert 'value="Helpdesk"' in admin.get(path).get_data(as_text=True)
    for _again in range(2):  # the second time with what it has already
        assert send(admin, path, email="bob@example.com", roles=["Recipient", "Helpdesk"], active="1") == 302
        assert fields_of(app, "bob")[1] == {"Recipient", "Helpdesk"}
    assert send(admin, path, email="bob@example.com", roles=["Public"], active="1") == 200
    make_user(app, "carol", role="Recipient")
    chief = domain_admin(app, "example.com")
    path = f"/people/{number_of(app, 'carol')}"
    assert "Helpdesk" not in chief.get(path).get_data(as_text=True)
    assert send(chief, path, email="carol@example.com", roles=["Recipient", "Helpdesk"], active="1") == 200
    assert fields_of(app, "carol")[1] == {"Recipient"}
