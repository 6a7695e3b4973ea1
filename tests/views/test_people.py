"""The screens of accounts: an admin looks after all of them, a domain admin after the recipients of his domains, and everybody after their own."""

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import UserAddress, UserDomain, UserWay
from app.models.people import User
from tests.make import PASSWORD, login, make_mails, make_user, token
from tests.views.people import can_log_in, domain_admin, fields_of, number_of, send


def test_an_account_is_made_changed_and_deleted(app: Flask) -> None:
    admin = login(app, "admin")
    page = admin.post(
        "/people/new",
        data={"csrf_token": token(admin), "username": "new", "email": "New@Example.com", "roles": ["Recipient"]},
        follow_redirects=True,
    ).get_data(as_text=True)
    shown = page.split("shown this once: ")[1].split("<")[0]
    assert can_log_in(app, "new", shown)
    assert fields_of(app, "new") == ("new@example.com", {"Recipient"}, True)
    path = f"/people/{number_of(app, 'new')}"
    assert (
        send(admin, path, email="other@example.com", roles=["Recipient", "Auditor"], active="1", domains="example.org, Example.net") == 302
    )
    assert fields_of(app, "new") == ("other@example.com", {"Recipient", "Auditor"}, True)
    assert send(admin, path, email="other@example.com", roles=["Recipient"]) == 302
    assert fields_of(app, "new")[2] is False
    assert not can_log_in(app, "new", shown)
    assert send(admin, f"{path}/delete") == 302
    assert number_of(app, "new") == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "no address"},
        {"email": "admin@example.com"},
        {"roles": ["Public"]},
        {"roles": ["Nothing"]},
        {"roles": []},
        {"domains": "no domain!"},
        {"email": "a@b@c"},
        {"email": "x" * 400 + "@example.com"},
    ],
)
def test_what_does_not_fit_is_told_and_nothing_is_changed(app: Flask, fields: dict[str, object]) -> None:
    admin = login(app, "admin")
    make_user(app, "carol", role="Recipient")
    before = fields_of(app, "carol")
    typed = {"email": "carol@example.com", "roles": ["Recipient"], "active": "1", "domains": ""} | fields
    assert send(admin, f"/people/{number_of(app, 'carol')}", **typed) == 200
    assert fields_of(app, "carol") == before


@pytest.mark.parametrize("name", ["", "a b", 'a"b', "admin", "ADMIN", "x" * 65, "a\nb"])
def test_a_user_name_is_new_and_one_word(app: Flask, name: str) -> None:
    admin = login(app, "admin")
    assert send(admin, "/people/new", username=name, email="new@example.com", roles=["Recipient"], password=PASSWORD) == 200
    with app.app_context():
        assert len(db.session.scalars(select(User)).all()) == 1


def test_there_is_always_an_admin(app: Flask) -> None:
    admin = login(app, "admin")
    mine = f"/people/{number_of(app, 'admin')}"
    assert send(admin, mine, email="admin@example.com", roles=["Auditor"], active="1") == 200
    assert send(admin, mine, email="admin@example.com", roles=["Admin"]) == 200
    assert send(admin, f"{mine}/delete") == 302
    assert fields_of(app, "admin") == ("admin@example.com", {"Admin"}, True)
    make_user(app, "second")
    assert send(admin, mine, email="admin@example.com", roles=["Auditor"], active="1") == 302


def test_a_domain_admin_looks_after_the_recipients_of_his_domains_and_nobody_else(app: Flask) -> None:
    admin = login(app, "admin")
    make_user(app, "carol", role="Recipient")  # carol@example.com
    make_user(app, "auditor", role="Auditor")  # of the same domain, and more than a recipient
    with app.app_context():
        app.extensions["appbuilder"].sm.add_user(
            "far", "f", "f", "far@example.com.evil.example", app.extensions["appbuilder"].sm.find_role("Recipient"), PASSWORD
        )
    chief = domain_admin(app, "example.com")
    page = chief.get("/people/").get_data(as_text=True)
    assert "carol" in page
    assert "auditor" not in page
    assert "far@" not in page
    assert ">admin<" not in page
    for name in ("admin", "auditor", "far", "chief"):
        other = f"/people/{number_of(app, name)}"
        assert chief.get(other).status_code == 404
        for path, fields in (
            (other, {"email": "x@example.com", "roles": ["Recipient"]}),
            (f"{other}/password", {"password": PASSWORD}),
            (f"{other}/addresses", {"add": "x@example.com"}),
        ):
            assert send(chief, path, **fields) == 404
    carol = f"/people/{number_of(app, 'carol')}"
    good = {"email": "carol2@example.com", "roles": ["Recipient"], "active": "1"}
    assert send(chief, carol, **good) == 302
    for worse in ({"email": "carol@example.org"}, {"roles": ["Admin"]}, {"roles": ["Recipient", "Domain admin"]}):
        assert send(chief, carol, **(good | worse)) == 200
    assert send(chief, carol, **(good | {"domains": "example.org"})) == 302
    with app.app_context():
        assert db.session.scalars(select(UserDomain.domain)).all() == ["example.com"]
    assert send(chief, f"{carol}/addresses", add="boss@example.org") == 302
    assert send(chief, f"{carol}/addresses", add="more@example.com") == 302
    with app.app_context():
        assert db.session.scalars(select(UserAddress.address)).all() == ["more@example.com"]
    assert send(chief, f"{carol}/delete") in (302, 403)
    assert fields_of(app, "carol") == ("carol2@example.com", {"Recipient"}, True)
    assert send(chief, "/people/new", username="eve", email="eve@example.org", roles=["Recipient"], password=PASSWORD) == 200
    assert send(chief, "/people/new", username="eve", email="eve@example.com", roles=["Recipient"], password=PASSWORD) == 302
    assert admin.get("/people/").status_code == 200


def test_a_domain_admin_sees_the_mail_of_his_domains(app: Flask) -> None:
    [inside] = make_mails(app, 1, recipients=("bob@example.com",))
    [outside] = make_mails(app, 1, recipients=("bob@example.org",))
    chief = domain_admin(app, "example.com")
    assert chief.get(f"/mails/show/{inside}").status_code == 200
    assert chief.get(f"/mails/show/{outside}").status_code == 404


@pytest.mark.parametrize("role", ["Recipient", "Auditor"])
def test_others_look_after_nobody(app: Flask, role: str) -> None:
    make_user(app, "admin")
    client = login(app, "carol", role=role)
    for path in ("/people/", "/people/new", f"/people/{number_of(app, 'admin')}", "/roles/list/", "/roles/add"):
        assert client.get(path).status_code in (302, 403), path
    assert send(client, f"/people/{number_of(app, 'admin')}/password", password=PASSWORD) in (302, 403)


@pytest.mark.parametrize("text", ["%", "_", "\\", "'", "x" * 100])
def test_what_is_searched_for_means_itself(any_app: Flask, text: str) -> None:
    admin = login(any_app, "admin")
    assert "Nobody here." in admin.get("/people/", query_string={"q": text}).get_data(as_text=True)


def test_pages_of_people_follow_each_other(app: Flask) -> None:
    admin = login(app, "admin")
    with app.app_context():
        sm = app.extensions["appbuilder"].sm
        role = sm.find_role("Recipient")
        for number in range(60):
            db.session.add(
                User(
                    username=f"User{number:02}",
                    first_name="x",
                    last_name="x",
                    email=f"u{number}@example.com",
                    active=True,
                    roles=[role],
                    password="x",
                )
            )
        db.session.commit()
    first = admin.get("/people/").get_data(as_text=True)
    onward = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = admin.get(onward).get_data(as_text=True)
    names = [f"User{number:02}" for number in range(60)]
    assert [name for name in names if f"<bdi>{name}</bdi>" in first] + [name for name in names if f"<bdi>{name}</bdi>" in second] == names


def test_the_last_admin_may_go_where_a_group_makes_another(app: Flask) -> None:
    admin = login(app, "admin")
    make_user(app, "bob", role="Recipient")
    with app.app_context():
        sm = app.extensions["appbuilder"].sm
        bob = sm.find_user("bob")
        group = sm.add_group("Postmasters", "Postmasters", "", roles=[sm.find_role("Admin")])
        bob.groups = [group]
        db.session.commit()
    path = f"/people/{number_of(app, 'admin')}"
    assert send(admin, path, email="admin@example.com", roles=["Auditor"], active="1") == 302
    assert fields_of(app, "admin")[1] == {"Auditor"}


def test_it_is_shown_how_somebody_logs_in(app: Flask) -> None:
    admin = login(app, "admin")
    make_user(app, "bob", role="Recipient")
    make_user(app, "carol", role="Recipient")
    with app.app_context():
        users = {user.username: user for user in db.session.scalars(select(User))}
        db.session.add_all(
            UserWay(user_id=users[name].id, way=way, subject=name, created_at=users[name].created_on)
            for name, way in (("bob", "ldap"), ("carol", "ldap"), ("carol", "proxy"))
        )
        users["carol"].password = None
        db.session.commit()
    rows = admin.get("/people/").get_data(as_text=True).split("<tr")
    shown = {name: next(row for row in rows if f">{name}<" in row) for name in ("admin", "bob", "carol")}
    for name, ways in (("admin", "password"), ("bob", "password, directory"), ("carol", "directory, proxy")):
        assert f">{ways}</td>" in shown[name]
        assert f"Logs in with: {ways} ·" in admin.get(f"/people/{number_of(app, name)}").get_data(as_text=True)


def test_one_s_own_password_is_changed_on_one_s_own_page(app: Flask) -> None:
    admin = login(app, "admin")
    make_user(app, "bob", role="Recipient")
    own, bobs = (admin.get(f"/people/{number_of(app, name)}").get_data(as_text=True) for name in ("admin", "bob"))
    assert "New password for bob" in bobs
    assert "New password for" not in own
    assert '<a class="btn btn-default btn-sm" href="/profile/">' in own
