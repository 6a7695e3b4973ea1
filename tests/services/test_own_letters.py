"""A letter of our own that comes by is told of and not kept; nothing else passes for one."""

import pathlib
from collections.abc import Iterator

import pytest
from flask import Flask

from app.rspamd.metadata import parse
from app.services.letters import send_letter
from app.services.own_letters import HEADER
from app.services.policy import StorePolicy
from tests.apps import close, make_app
from tests.make import make_headers
from tests.servers.relay import Relay


@pytest.fixture
def letter(sqlite_template: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[tuple[Flask, bytes]]:
    """As the relay got it."""
    with Relay() as relay:
        settings = {"SMTP_URL": relay.url, "MAIL_FROM": "keep@example.com", "PUBLIC_URL": "https://mail.example.com"}
        app = make_app(f"sqlite:///{sqlite_template}", tmp_path, STORE_ACTIONS=("no action",), **settings)
        with app.app_context():
            send_letter("reset", "bob@example.com", name="Bob", user="bob", link="https://mail.example.com/password/choose?link=x")
        yield app, bytes(relay.envelopes[0].content)
        close(app)


def is_kept(app: Flask, raw: bytes, *recipients: str) -> bool:
    """By what Rspamd posts of it."""
    told = make_headers(action="no action", rcpt=str(list(recipients)).replace("'", '"'))
    told = {name.lower(): value for name, value in told.items() if name != "X-Rspamd-message-id"}
    report = parse(told, raw, app.extensions["mailkeep_limits"]).report
    assert sorted(report.recipients) == sorted(recipients)
    return StorePolicy.from_config(app.config).keeps(report, has_virus=False)


def test_a_letter_of_ours_leaves_no_copy(letter: tuple[Flask, bytes]) -> None:
    app, raw = letter
    assert b"link=x" in raw
    assert not is_kept(app, raw, "Bob@example.com")
    assert is_kept(app, raw.replace(HEADER.encode(), b"X-Other"), "bob@example.com")


def test_nothing_else_passes_for_one(letter: tuple[Flask, bytes]) -> None:
    app, raw = letter
    assert is_kept(app, raw, "carol@example.com")
    assert is_kept(app, raw, "bob@example.com", "carol@example.com")
    assert is_kept(app, raw.replace(b"Message-ID: <", b"Message-ID: <1"), "bob@example.com")
    app.config["SECRET_KEY"] = "another-0123456789abcdef-0123456789"
    assert is_kept(app, raw, "bob@example.com")
