"""Setting a second factor up, its codes shown once, switching it off with a proof; and what an account owes before anything else opens."""

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select

from app.actor import SYSTEM
from app.extensions import db
from app.models import AuditEvent
from app.services import addresses, passwords, people
from tests.make import PASSWORD, login, make_user, token
from tests.security.browsers import again, is_in, user_id
from tests.security.factors import code_before, code_of, codes_in, offered_in, password_given, person, secret_in, send_code, with_factor
from tests.test_doors import doors, path_of

PAGE = "/second-factor/"
NEW = "Another-Horse-77"


def send(client: FlaskClient, path: str, page: str = PAGE, **fields: str) -> str:
    sent = client.post(path, data=fields | {"csrf_token": token(client, page)}, follow_redirects=True)
    return str(sent.get_data(as_text=True))


def verbs(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(AuditEvent.verb).order_by(AuditEvent.id)))


def test_from_the_square_to_the_login_by_each_code(app: Flask) -> None:
    client = login(app, "bob", role="Recipient")
    elsewhere = again(app, "bob")
    page = client.get(PAGE).get_data(as_text=True)
    assert 'src="data:image/svg+xml' in page
    secret, offered = secret_in(page), offered_in(page)
    wrong = send(client, PAGE, offered=offered, code="000000")
    assert secret_in(wrong) == secret, "the device has read it already"
    codes = codes_in(send(client, PAGE, offered=offered, code=code_before(secret)))
    assert len(set(codes)) == 10
    assert is_in(client)
    assert not is_in(elsewhere)
    assert codes[0] not in client.get(PAGE).get_data(as_text=True)
    for code in (code_of(secret), codes[0]):
        assert send_code(password_given(app)[0], code).status_code == 302
    assert "<dd>9" in client.get(PAGE).get_data(as_text=True)
    assert "account.factor" in verbs(app)


def test_a_secret_that_was_offered_to_somebody_else_counts_nothing(app: Flask) -> None:
    bob, eve = login(app, "bob", role="Recipient"), login(app, "eve", role="Recipient")
    page = eve.get(PAGE).get_data(as_text=True)
    for offered in (offered_in(page), "", "A" * 5000, "½"):
        send(bob, PAGE, offered=offered, code=code_of(secret_in(page)))
    with app.app_context():
        assert people.user_named("bob").second_factor is None


def test_new_codes_and_switching_off_ask_for_a_proof(app: Flask) -> None:
    secret, codes = person(app)
    client, _ = password_given(app)
    send_code(client, code_of(secret))
    for path in ("codes", "off"):
        assert "mk-note bad" in send(client, f"{PAGE}{path}", proof="wrong")
    new = codes_in(send(client, f"{PAGE}codes", proof=PASSWORD))
    assert send_code(password_given(app)[0], codes[0]).status_code == 200, "those before count no more"
    elsewhere, _ = password_given(app)
    send_code(elsewhere, new[0])
    assert "mk-note good" in send(client, f"{PAGE}off", proof=new[1])
    assert is_in(client)
    assert not is_in(elsewhere)
    assert is_in(again(app, "bob"))
    assert verbs(app).count("account.codes") == verbs(app).count("account.factor.removed") == 1


def test_an_admin_takes_it_away_from_others_but_not_in_passing_from_himself(app: Flask) -> None:
    root = login(app, "root")
    secret, _ = person(app)
    theirs, _ = password_given(app)
    send_code(theirs, code_of(secret))
    assert "fa-lock" in root.get("/people/").get_data(as_text=True)
    path = f"/people/{user_id(app, 'bob')}"
    send(root, f"{path}/second-factor", path)
    assert not is_in(theirs)
    assert is_in(again(app, "bob"))
    own, _codes = with_factor(app, "root")
    root, _ = password_given(app, "root")
    send_code(root, code_of(own))
    path = f"/people/{user_id(app, 'root')}"
    send(root, f"{path}/second-factor", path)
    with app.app_context():
        assert people.user_named("root").second_factor is not None


def test_a_domain_admin_takes_it_only_from_his_recipients(app: Flask) -> None:
    chief = login(app, "chief", role="Domain admin")
    with app.app_context():
        addresses.set_domains(people.user_named("chief"), ["example.com"], actor=SYSTEM)
    for name, role in (("bob", "Recipient"), ("root", "Admin")):
        person(app, name, role)
        path = f"/people/{user_id(app, name)}/second-factor"
        assert chief.post(path, data={"csrf_token": token(chief)}).status_code == (302 if name == "bob" else 404)


def test_the_command_line_tells_and_takes_it_away(app: Flask, runner: FlaskCliRunner) -> None:
    person(app)
    assert "since" in runner.invoke(args=["users", "second-factor", "bob"]).output
    assert runner.invoke(args=["users", "second-factor", "bob", "--remove"]).exit_code == 0
    assert "no second factor" in runner.invoke(args=["users", "second-factor", "bob"]).output
    assert runner.invoke(args=["users", "second-factor", "bob", "--remove"]).exit_code == 1


# --- what an account owes ---------------------------------------------------------------------------------------------------


def opened(client: FlaskClient, app: Flask) -> set[str]:
    """The doors that do something else than lead to what is owed, or refuse."""
    found = set()
    for rule, method in doors(app):
        if "logout" in rule.rule:  # open, and a visitor would ask the rest
            continue
        answer = client.open(path_of(app, rule), method=method, headers={"Accept-Language": "en"})
        led = answer.status_code == 302 and answer.location in (PAGE, "/new-password/")
        if not led and not (answer.status_code == 403 and b"first." in answer.data):
            found.add(rule.endpoint)
    return found


def test_a_role_that_needs_a_factor_opens_nothing_else_before(app: Flask) -> None:
    before = login(app, "root")
    assert is_in(before)
    app.config.update(SECOND_FACTOR_ROLES=("admin",), WTF_CSRF_ENABLED=False)
    assert before.get("/mails/list/").location == PAGE, "nor does a login from before go on without"
    machines = {
        rule.endpoint
        for rule, _ in doors(app)
        if rule.endpoint.startswith(("health", "metrics", "ingest", "map_feed", "node_api", "notice_links"))
    } | {
        "static",
        "appbuilder.static",
    }
    assert opened(before, app) - machines == {"SecondFactorView.show", "LanguageView.choose", "ThemeView.choose"}
    program = app.test_client()
    sent = {"username": "root", "password": PASSWORD, "provider": "db"}
    assert program.post("/api/v1/security/login", json=sent).status_code == 403
    root = app.test_client()
    root.post("/login/", data={"username": "root", "password": PASSWORD})
    assert root.get("/api/v1/mail/").status_code == root.get("/mails/newer", headers={"X-Background": "1"}).status_code == 403
    page = root.get(PAGE).get_data(as_text=True)
    root.post(PAGE, data={"offered": offered_in(page), "code": code_of(secret_in(page))})
    assert is_in(root)
    assert "mk-note bad" in root.post(f"{PAGE}off", data={"proof": PASSWORD}, follow_redirects=True).get_data(as_text=True)


def test_who_came_by_a_way_with_its_own_factor_owes_none(app: Flask) -> None:
    app.config.update(SECOND_FACTOR_ROLES=("Recipient",), REMOTE_USER_HEADER="X-Remote-User", REMOTE_USER_FROM=("127.0.0.1",))
    client, headers = app.test_client(), {"X-Remote-User": "carol"}
    client.get("/login/", headers=headers)
    assert client.get("/mails/list/", headers=headers).status_code == 200
    app.config["SECOND_FACTOR_WAYS"] = ("proxy",)
    assert client.get("/mails/list/", headers=headers).location == PAGE


def test_a_password_somebody_else_gave_is_changed_first(app: Flask) -> None:
    root = login(app, "root")
    fields = {"username": "new", "email": "new@example.com", "roles": "Recipient", "password": PASSWORD, "must_change": "1"}
    send(root, "/people/new", "/people/new", **fields)
    client = again(app, "new")
    assert client.get("/mails/list/").location == "/new-password/"
    assert "Somebody else has given you your password" in client.get("/new-password/").get_data(as_text=True)
    assert "Somebody else has given you your password" not in root.get("/new-password/").get_data(as_text=True)
    sent = {"username": "new", "password": PASSWORD, "provider": "db"}
    assert app.test_client().post("/api/v1/security/login", json=sent).status_code == 403
    for old, new in ((PASSWORD, PASSWORD), (PASSWORD, "short")):
        assert "mk-note bad" in send(client, "/new-password/", "/new-password/", old=old, new=new, again=new)
    send(client, "/new-password/", "/new-password/", old=PASSWORD, new=NEW, again=NEW)
    assert is_in(client)
    path = f"/people/{user_id(app, 'new')}"
    send(root, f"{path}/password", path, password=PASSWORD, must_change="1")
    assert again(app, "new").get("/mails/list/").location == "/new-password/"
    send(root, f"{path}/password", path, password=PASSWORD)
    assert is_in(again(app, "new"))


@pytest.mark.parametrize("flag", [(), ("--must-change",)])
def test_the_command_line_says_whether_it_must_be_changed(app: Flask, runner: FlaskCliRunner, flag: tuple[str, ...]) -> None:
    assert runner.invoke(args=["users", "add", "new", "new@example.com", "--password-stdin", *flag], input=f"{PASSWORD}\n").exit_code == 0
    assert is_in(again(app, "new")) != bool(flag)
    with app.app_context():
        passwords.set_password(people.user_named("new"), PASSWORD, actor=SYSTEM)
    assert runner.invoke(args=["users", "passwd", "new", "--password-stdin", *flag], input=f"{PASSWORD}\n").exit_code == 0
    assert is_in(again(app, "new")) != bool(flag)


def test_first_the_factor_then_the_password(app: Flask) -> None:
    make_user(app, "bob", "Recipient")
    app.config["SECOND_FACTOR_ROLES"] = ("Recipient",)
    with app.app_context():
        passwords.set_password(people.user_named("bob"), PASSWORD, must_change=True, actor=SYSTEM)
    client = again(app, "bob")
    page = client.get("/", follow_redirects=True).get_data(as_text=True)
    after = send(client, PAGE, offered=offered_in(page), code=code_of(secret_in(page)))
    assert codes_in(after)
    assert client.get("/mails/list/").location == "/new-password/"
