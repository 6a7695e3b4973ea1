"""What strangers can do to letters by the mails that they write: neither hold them up, nor multiply them, nor speak in them."""

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from tests.apps import close
from tests.make import make_node, make_user, post
from tests.notices import add_address, kept, letters, ruled, telling_app, text_of, told
from tests.servers.relay import Relay


@pytest.fixture
def app(sqlite_template: pathlib.Path, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    path = tmp_path / "mailkeep.db"
    path.write_bytes(sqlite_template.read_bytes())
    app = telling_app(f"sqlite:///{path}", tmp_path, relay.url)
    make_user(app, "bob", "Recipient")
    yield app
    close(app)


@pytest.mark.parametrize("kind", ["refuse", "later", "odd"])
def test_mail_to_made_up_addresses_holds_up_nobody(app: Flask, relay: Relay, kind: str) -> None:
    """What is wrong is wrong with each of them: no letter can be written to it, or the relay says so of it alone."""
    made_up = {f"{'a,' if kind == 'odd' else ''}u{number}@all.example" for number in range(25)}
    ruled(app, "all.example", everybody=True, times="at once")
    kept(app, *sorted(made_up))
    kept(app, "bob@example.com")
    if kind != "odd":
        getattr(relay, kind).update(made_up)
    told(app)
    assert ("bob@example.com", "sent", 1) in letters(app)


def test_a_letter_that_is_passed_on_is_not_told_of(app: Flask, relay: Relay) -> None:
    """To another address, by a rule of whoever got it: who was told of that could be told for ever."""
    add_address(app, "bob", "bob@other.com")
    make_node(app)
    kept(app, "bob@example.com")
    told(app)
    raw = bytes(relay.messages[0])
    headers: dict[str, Any] = {"from": "", "rcpt": '["bob@other.com"]', "action": "reject"}
    assert post(app.test_client(), raw, **headers).status_code == 200
    told(app)
    assert len(relay.envelopes) == 1


def test_what_stands_behind_the_plus_is_a_strangers_word(app: Flask, relay: Relay) -> None:
    kept(app, "bob+www.evil.example/login@example.com")
    told(app)
    assert "www.evil.example" not in text_of(relay.messages[0])
