"""FAB's account screens on our base: an admin makes, finds, changes and removes people with them."""

from flask import Flask

from tests.make import PASSWORD, login, token


def role_id(app: Flask, name: str) -> str:
    with app.app_context():
        return str(app.extensions["appbuilder"].sm.find_role(name).id)


def user_id(app: Flask, name: str) -> int | None:
    with app.app_context():
        found = app.extensions["appbuilder"].sm.find_user(name)
        return found.id if found else None


def test_an_admin_makes_an_account_that_can_log_in_and_removes_it(app: Flask) -> None:
    admin = login(app, "admin")
    fields = {
        "first_name": "New",
        "last_name": "One",
        "username": "newbie",
        "active": "y",
        "email": "n@example.com",
        "roles": role_id(app, "Admin"),
    }
    passwords = {"password": PASSWORD, "conf_password": PASSWORD}
    answer = admin.post("/users/add", data=fields | passwords | {"csrf_token": token(admin)})
    assert answer.status_code == 302
    number = user_id(app, "newbie")
    assert number
    assert "newbie" in admin.get("/users/list/?_flt_0_username=newbie").get_data(as_text=True)
    newbie = app.test_client()
    sent = {"username": "newbie", "password": PASSWORD, "csrf_token": token(newbie, "/login/")}
    assert newbie.post("/login/", data=sent).status_code == 302
    assert newbie.get("/mails/list/").status_code == 200
    assert admin.post(f"/users/edit/{number}", data=fields | {"active": "", "csrf_token": token(admin)}).status_code == 302
    assert newbie.get("/mails/list/").status_code == 302  # shut out at once
    assert admin.get(f"/users/delete/{number}").status_code in (302, 405)
    assert user_id(app, "newbie")
    assert admin.post(f"/users/delete/{number}", data={"csrf_token": token(admin)}).status_code == 302
    assert user_id(app, "newbie") is None


def test_people_change_their_own_password_and_nobody_elses(app: Flask) -> None:
    carol = login(app, "carol", role="Recipient")
    login(app, "dave", role="Recipient")
    dave = user_id(app, "dave")
    new = "Another-Horse-77"
    assert carol.post("/resetmypassword/form", data={"password": new, "conf_password": new, "csrf_token": token(carol)}).status_code in (
        302,
        403,
    )
    answer = carol.post(f"/resetpassword/form?pk={dave}", data={"password": new, "conf_password": new, "csrf_token": token(carol)})
    assert answer.status_code in (302, 403)
    client = app.test_client()
    sent = {"username": "dave", "password": PASSWORD, "csrf_token": token(client, "/login/")}
    client.post("/login/", data=sent)
    assert client.get("/mails/list/").status_code == 200


def test_a_role_can_be_made_and_given_permissions(app: Flask) -> None:
    admin = login(app, "admin")
    with app.app_context():
        permission = app.extensions["appbuilder"].sm.find_permission_view_menu("can_list", "MailLogView").id
    answer = admin.post("/roles/add", data={"name": "Watcher", "permissions": str(permission), "csrf_token": token(admin)})
    assert answer.status_code == 302
    with app.app_context():
        role = app.extensions["appbuilder"].sm.find_role("Watcher")
        assert [p.permission.name for p in role.permissions] == ["can_list"]
