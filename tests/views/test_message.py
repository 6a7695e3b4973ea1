"""The doors to a stored message: who may, what they answer, and that nothing of it runs here."""

import hashlib

import pytest
from flask import Flask
from sqlalchemy import update

from app.extensions import db
from app.models import CopyState, Mail
from app.services.insert import insert_entries
from app.storage import store_for
from tests.hostile import HTML, html_mail
from tests.make import login, make_entry, make_user

RAW = (
    b"From: <eve@example.net>\r\nSubject: hi\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
    b"<p>hello <a href='http://evil.example/'>bank</a></p><script>alert(1)</script>\r\n--b\r\n"
    b'Content-Type: text/html; name=page.html\r\nContent-Disposition: attachment; filename="../gr\xc3\xbc.html"\r\n\r\n<script>alert(2)</script>\r\n--b--\r\n'
)
DOORS = ("message", "html", "source", "download", "part/1")


def stored(app: Flask, raw: bytes = RAW, **fields: object) -> int:
    entry = make_entry(raw, keep=True, **fields)
    with app.app_context():
        store_for(app.config["STORE_URL"]).put(entry.digest or "", entry.packed)
        insert_entries(db.engine, [entry], "mx1")
    return entry.id


def allow(app: Flask, role: str, *permissions: str) -> None:
    with app.app_context():
        sm = app.extensions["appbuilder"].sm
        for permission in permissions:
            sm.add_permission_role(sm.find_role(role), sm.find_permission_view_menu(permission, "MessageView"))


def test_the_message_in_each_of_its_forms(app: Flask) -> None:
    mail = stored(app)
    client = login(app, "admin")
    page = client.get(f"/mails/{mail}/message").get_data(as_text=True)
    assert "../gr" in page
    assert "may hold scripts" in page
    frame = client.get(f"/mails/{mail}/html")
    assert b"<script" not in frame.data
    assert b"http://evil.example/" in frame.data
    assert b"<a " not in frame.data
    source = client.get(f"/mails/{mail}/source").get_data(as_text=True)
    assert "&lt;script&gt;alert(1)" in source
    download = client.get(f"/mails/{mail}/download")
    assert download.data == RAW
    assert hashlib.sha256(download.data).hexdigest() == hashlib.sha256(RAW).hexdigest()
    assert client.get(f"/mails/{mail}/part/1").data == b"<script>alert(2)</script>"


def test_files_are_only_ever_saved(app: Flask) -> None:
    mail = stored(app)
    client = login(app, "admin")
    for path, name in ((f"/mails/{mail}/part/1", "gr%C3%BC.html"), (f"/mails/{mail}/download", f"mail-{mail}.eml")):
        headers = client.get(path).headers
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Disposition"].startswith("attachment; ")
        assert headers["Content-Disposition"].endswith(f"filename*=UTF-8''{name}")
        assert headers["Cache-Control"] == "no-store"


def test_the_frame_can_do_nothing(app: Flask) -> None:
    mail = stored(app, html_mail(HTML["script"]))
    headers = login(app, "admin").get(f"/mails/{mail}/html").headers
    policy = headers["Content-Security-Policy"]
    for rule in ("default-src 'none'", "img-src data:", "form-action 'none'", "base-uri 'none'", "frame-ancestors 'self'", "sandbox"):
        assert rule in policy
    assert "script-src" not in policy
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_other_peoples_messages_are_not_there(app: Flask) -> None:
    mine, other = stored(app, recipients=("carol@example.com",)), stored(app, RAW + b"x", recipients=("bob@example.com",))
    make_user(app, "admin")
    carol = login(app, "carol", role="Recipient")
    allow(app, "Recipient", "can_read", "can_download")
    for door in DOORS:
        assert carol.get(f"/mails/{mine}/{door}").status_code == 200, door
        assert carol.get(f"/mails/{other}/{door}").status_code == 404, door


def test_without_the_permission_no_content_is_shown_not_even_of_ones_own(app: Flask) -> None:
    mine = stored(app, recipients=("carol@example.com",))
    make_user(app, "admin")
    carol = login(app, "carol", role="Reader")
    for door in DOORS:
        assert carol.get(f"/mails/{mine}/{door}").status_code in (302, 403), door
    text = carol.get(f"/mails/show/{mine}").get_data(as_text=True)
    assert "data-load=" not in text
    assert "BAYES_SPAM" not in text
    assert "symbols" not in carol.get(f"/api/v1/mail/{mine}").get_json()["result"]


@pytest.mark.parametrize("door", DOORS)
def test_a_copy_that_is_not_there_is_told(app: Flask, door: str) -> None:
    mail = stored(app)
    client = login(app, "admin")
    with app.app_context():
        digest = db.session.get_one(Mail, mail).copy_digest or ""
        store_for(app.config["STORE_URL"]).delete(digest)
    answer = client.get(f"/mails/{mail}/{door}")
    assert (answer.status_code, "gone" in answer.get_data(as_text=True)) == (404, True)
    with app.app_context():
        db.session.execute(update(Mail).values(copy_state=CopyState.NONE))
        db.session.commit()
    answer = client.get(f"/mails/{mail}/{door}")
    assert (answer.status_code, "No copy of this mail was kept" in answer.get_data(as_text=True)) == (404, True)


def test_a_damaged_copy_is_told(app: Flask) -> None:
    mail = stored(app)
    client = login(app, "admin")
    with app.app_context():
        digest = db.session.get_one(Mail, mail).copy_digest or ""
        store = store_for(app.config["STORE_URL"])
        (store.root / digest[:2] / digest[2] / digest).write_bytes(b"rubbish")
    answer = client.get(f"/mails/{mail}/message")
    assert (answer.status_code, "damaged" in answer.get_data(as_text=True)) == (503, True)


@pytest.mark.parametrize("path", ["part/99", "part/-1", "part/x", "nothing"])
def test_a_part_that_is_not_there_is_a_404(app: Flask, path: str) -> None:
    mail = stored(app)
    assert login(app, "admin").get(f"/mails/{mail}/{path}").status_code == 404


def test_related_mails_are_found_within_the_scope(any_app: Flask) -> None:
    mine = stored(any_app, recipients=("carol@example.com",), subject="same")
    other = stored(any_app, RAW + b"1", recipients=("carol@example.com",), subject="same")
    hidden = stored(any_app, RAW + b"2", recipients=("bob@example.com",), subject="same")
    make_user(any_app, "admin")
    carol = login(any_app, "carol", role="Recipient")
    text = carol.get(f"/mails/related/{mine}").get_data(as_text=True)
    assert f"/mails/show/{other}" in text
    assert f"/mails/show/{hidden}" not in text


def test_a_recipient_reads_nothing_of_blind_copies(app: Flask) -> None:
    raw = (
        b"Received: from a by b for <secret@example.com>; Sat, 21 Nov 2026 10:00:00 +0000\r\nDelivered-To: secret@example.com\r\n"
        b"From: <eve@example.net>\r\nTo: carol@example.com\r\nBcc: secret@example.com\r\nSubject: hi\r\n\r\nhello"
    )
    block = raw.partition(b"\r\n\r\n")[0].decode()
    mail = stored(app, raw, headers=block, recipients=("carol@example.com", "secret@example.com"))
    carol = login(app, "carol", role="Recipient")
    allow(app, "Recipient", "can_read", "can_download")
    doors = (f"/mails/show/{mail}", f"/api/v1/mail/{mail}", f"/mails/{mail}/source", f"/mails/{mail}/download", f"/mails/{mail}/message")
    for door in doors:
        answer = carol.get(door)
        assert answer.status_code == 200, door
        assert b"secret@" not in answer.data, door
    admin = login(app, "admin")
    assert all(b"secret@" in admin.get(door).data for door in doors[:4])
