"""From Rspamd's post to the mailbox: rejected, quarantined, released on the screen, delivered by a real Postfix as it came."""

import pathlib
from collections.abc import Iterator
from email import message_from_bytes

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import Mail
from tests.apps import close
from tests.databases import SqliteCopies
from tests.make import login, make_node, post, token
from tests.releases import BOB, CAROL, releasing_app, states
from tests.servers.postfix import Postfix
from tests.servers.process import wait_for

RAW = (
    b"Received: from mx\r\nFrom: Eve <eve@example.net>\r\nTo: all@example.com\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n\r\n"
    b".\r\n..\r\n.dots\r\n\xff\xfe eight bits\r\na CR\ralone\r\na \0\r\n" + b"x" * 3000 + b"\r\nFrom the start of a line\r\n"
)


@pytest.fixture(scope="module")
def postfix() -> Iterator[Postfix]:
    with Postfix(BOB, CAROL) as server:
        yield server


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, postfix: Postfix) -> Iterator[Flask]:
    more = {"RELEASE_URL": f"smtp://127.0.0.1:{postfix.port}", "SMTP_TIMEOUT": 10.0}
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, "", **more)
    yield app
    close(app)


def arrived(mail: bytes) -> tuple[bytes, bytes]:
    """Our headers and what follows them."""
    head, mark, rest = mail.partition(b"Received: from mx\n")
    return head, mark + rest


def test_a_rejected_mail_is_released_and_arrives_as_it_came(app: Flask, postfix: Postfix) -> None:
    make_node(app)
    assert (
        post(app.test_client(), RAW, rcpt=f'["Bob@example.com","{CAROL}"]', action="reject", **{"from": "Eve@example.net"}).status_code
        == 200
    )
    client = login(app, "root")
    with app.app_context():
        mail_id = db.session.scalars(select(Mail.id)).one()
    page = client.get(f"/mails/show/{mail_id}").get_data(as_text=True)
    assert 'value="Bob@example.com" checked' in page
    form = {"csrf_token": token(client), "to": "Bob@example.com"}
    assert client.post(f"/mails/{mail_id}/release", data=form).status_code == 302
    wait_for(lambda: postfix.mails_of(BOB), 20, postfix.output)
    head, found = arrived(postfix.mails_of(BOB)[0])
    assert found == RAW.replace(b"\r\n", b"\n"), "but for the line ends of a maildir"
    assert head.startswith(b"Return-Path: <Eve@example.net>\n")
    assert b"\nX-Mailkeep-Release: id=" in head
    assert b"\nResent-To: Bob@example.com\n" in head
    wait_for(lambda: states(app, mail_id) == [(BOB, "sent")])
    assert (postfix.mails_of(CAROL), len(postfix.mails_of(BOB))) == ([], 1)


def test_what_postfix_refuses_is_told_in_its_words(app: Flask, postfix: Postfix) -> None:
    make_node(app)
    post(app.test_client(), RAW, rcpt='["nobody@example.com"]', action="reject")
    with app.app_context():
        mail_id = db.session.scalars(select(Mail.id)).one()
    told = app.test_cli_runner().invoke(args=["mail", "release", str(mail_id), "--yes"])
    assert told.exit_code == 1
    assert "failed. 550 5.1.1 <nobody@example.com>: Recipient address rejected" in told.output


def test_as_an_attachment_it_arrives_as_it_came_and_is_known_when_it_comes_back(app: Flask, postfix: Postfix) -> None:
    make_node(app)
    raw = b"From: Eve <eve@example.net>\r\nSubject: attached\r\n\r\n.dots\r\n\xff\xfe\r\n"
    for number, one in enumerate((raw, RAW)):  # the second fits no line of SMTP
        post(app.test_client(), one, rcpt=f'["{CAROL}"]', action="reject")
        with app.app_context():
            mail_id = db.session.scalars(select(Mail.id).order_by(Mail.id.desc())).first()
        told = app.test_cli_runner().invoke(args=["mail", "release", str(mail_id), "--attached", "--yes"])
        assert told.exit_code == 0, told.output
        wait_for(lambda count=number + 1: len(postfix.mails_of(CAROL)) == count, 20, postfix.output)
        came = next(mail for mail in postfix.mails_of(CAROL) if f"id={mail_id};".encode() in mail)
        assert came.startswith(b"Return-Path: <>\n")
        if one is raw:
            assert b"Content-Type: message/rfc822\n" in came
            assert raw.replace(b"\r\n", b"\n") in came, "but for the line ends of a maildir"
        else:
            (part,) = (part for part in message_from_bytes(came).walk() if part.get_filename() == "message.eml")
            assert part.get_payload(decode=True) == RAW
        post(app.test_client(), came.replace(b"\n", b"\r\n"), rcpt=f'["{CAROL}"]', action="reject")
        client = login(app, f"root{number}")
        with app.app_context():
            back = db.session.scalars(select(Mail.id).order_by(Mail.id.desc())).first()
        assert f'href="/mails/show/{mail_id}"' in client.get(f"/mails/show/{back}").get_data(as_text=True)


@pytest.mark.parametrize(("sender", "path"), [("", b"<>"), ("jürgen@bücher.example", "<jürgen@bücher.example>".encode())])
def test_the_envelope_sender_is_the_mails_own_also_none_and_beyond_ascii(app: Flask, postfix: Postfix, sender: str, path: bytes) -> None:
    make_node(app)
    raw = b"Received: from mx\r\nSubject: gr\xc3\xbc\xc3\x9fe " + path + b"\r\n\r\n.\r\n"
    post(app.test_client(), raw, rcpt=f'["{BOB}"]', action="reject", **{"from": sender})
    with app.app_context():
        mail_id = db.session.scalars(select(Mail.id)).one()
    told = app.test_cli_runner().invoke(args=["mail", "release", str(mail_id), "--yes"])
    assert told.exit_code == 0, told.output
    wait_for(lambda: any(f"id={mail_id};".encode() in mail for mail in postfix.mails_of(BOB)), 20, postfix.output)
    head, found = arrived(next(mail for mail in postfix.mails_of(BOB) if f"id={mail_id};".encode() in mail))
    assert head.startswith(b"Return-Path: " + path + b"\n")
    assert found == raw.replace(b"\r\n", b"\n")
