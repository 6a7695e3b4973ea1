"""Legal holds on their screen: begun and lifted by admins, seen by auditors, shown on a mail's page, and in the way of who deletes."""

import re
from urllib.parse import urlencode

from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.models import LegalHold, SavedSearch
from tests.make import login, token
from tests.retention import old, retire, states


def post(client: FlaskClient, path: str, **fields: str) -> str:
    fields["csrf_token"] = token(client, "/holds/")
    return client.post(path, data=fields, follow_redirects=True).get_data(as_text=True)


def test_an_admin_holds_and_lifts_and_the_mail_says_so(app: Flask) -> None:
    client, mail_id = login(app, "root"), old(app, 400)
    assert "Nothing is held." in client.get("/holds/").get_data(as_text=True)
    page = post(client, "/holds/add", kind="address", value="<b>@example.com", reason="x")
    assert "&lt;b&gt;@example.com" in page
    page = post(client, "/holds/add", kind="address", value="Bob@example.com", reason="court <b>7</b>")
    assert "court &lt;b&gt;7&lt;/b&gt;" in page
    assert "Legal hold" in client.get(f"/mails/show/{mail_id}").get_data(as_text=True)
    fields = {"extent": "mail", "sure": "yes", "csrf_token": token(client)}
    assert "legal hold keeps" in client.post(f"/mails/{mail_id}/delete", data=fields, follow_redirects=True).get_data(as_text=True)
    retire(app)
    assert states(app, mail_id) == ["stored"]
    number = re.search(r"/holds/(\d+)/lift", client.get("/holds/").get_data(as_text=True))[1]
    assert "Lifted" in post(client, f"/holds/{number}/lift")
    retire(app)
    assert states(app, mail_id) == ["gone"]


def test_a_saved_search_is_held_as_it_is_then(app: Flask) -> None:
    client, meant, other = login(app, "root"), old(app, 400, subject="Plans"), old(app, 400)
    fields = {"name": "Plans", "query": urlencode({"subject.contains": "plans"}), "csrf_token": token(client)}
    client.post("/searches/save", data=fields)
    with app.app_context():
        number = str(db.session.query(SavedSearch).one().id)
    assert "subject.contains=plans" in post(client, "/holds/add", kind="search", search=number, reason="court")
    post(client, "/holds/add", kind="search", search="99", reason="court")
    post(client, "/holds/add", kind="all", value="x", reason="court")
    with app.app_context():
        db.session.query(SavedSearch).delete()
        db.session.commit()
        assert db.session.query(LegalHold).count() == 1
    retire(app)
    assert states(app, meant, other) == ["stored", "gone"]


def test_auditors_look_and_others_do_not_even_know(app: Flask) -> None:
    admin, mail_id = login(app, "root"), old(app, 10)
    post(admin, "/holds/add", kind="mail", value=str(mail_id), reason="court")
    auditor, bob = login(app, "eva", role="Auditor"), login(app, "bob", role="Recipient")
    page = auditor.get("/holds/").get_data(as_text=True)
    assert ("court" in page, "/lift" in page, "<form" in page.partition("mk-head")[2].partition("</table>")[0]) == (True, False, False)
    assert auditor.post("/holds/1/lift", data={"csrf_token": token(auditor)}).status_code in (302, 403)
    assert bob.get("/holds/").status_code in (302, 403, 404)
    page = bob.get(f"/mails/show/{mail_id}").get_data(as_text=True)
    assert ("Envelope" in page, "Legal hold" in page) == (True, False)
    with app.app_context():
        assert db.session.query(LegalHold).one().lifted_at is None
