"""flask mail: a mail by its id or queue id, shown and released."""

import pathlib
from collections.abc import Iterator

import pytest
from flask import Flask

from tests.apps import close
from tests.databases import SqliteCopies
from tests.releases import BOB, CAROL, releasing_app, states, stored
from tests.servers.relay import Relay


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, relay.url, UNDO_SECONDS=3600)
    yield app
    close(app)


def run(app: Flask, *words: str, typed: str = "") -> tuple[int, str]:
    told = app.test_cli_runner().invoke(args=["mail", *words], input=typed)
    return told.exit_code, told.output


def test_a_mail_is_released_at_once_and_shown(app: Flask, relay: Relay) -> None:
    mail_id = stored(app, BOB, CAROL, queue_id="4ABC", subject="hello\x1b[31m")
    assert run(app, "release", "4ABC", typed="n\n")[0] == 1
    assert relay.envelopes == []
    code, said = run(app, "release", "4ABC", "--to", CAROL, typed="y\n")
    assert (code, said.splitlines()[-1]) == (0, f"{CAROL}: sent. 250 2.0.0 kept as number 7")
    assert [each.rcpt_tos for each in relay.envelopes] == [[CAROL]]
    code, said = run(app, "show", str(mail_id))
    assert f"to:         {BOB}, {CAROL}\n" in said
    assert f"release:    {CAROL} sent" in said
    assert "virus" not in said
    assert "\x1b" not in said


def test_a_second_time_and_a_virus_are_asked_about(app: Flask, relay: Relay) -> None:
    mail_id = str(stored(app, virus="Eicar"))
    assert "A virus was found" in run(app, "release", mail_id, typed="y\nn\n")[1]
    assert relay.envelopes == []
    assert run(app, "release", mail_id, "--yes")[0] == 0
    assert f"may have gone, to {BOB}" in run(app, "release", mail_id, typed="y\ny\n")[1]
    assert len(relay.envelopes) == 2


def test_what_cannot_be_done_is_one_line(app: Flask, relay: Relay) -> None:
    assert run(app, "show", "nothing") == (1, "Error: There is no such mail.\n")
    first, second = stored(app, queue_id="TWICE"), stored(app, queue_id="TWICE")
    code, said = run(app, "release", "TWICE", "--yes")
    assert (code, f"{second}, {first}" in said) == (1, True)
    elsewhere = "x@elsewhere.example is in none of the domains that the mail was for (RELEASE_TO_ANYWHERE)."
    assert run(app, "release", str(first), "--to", "x@elsewhere.example", "--yes") == (1, f"Error: {elsewhere}\n")
    relay.refuse.add(BOB)
    assert run(app, "release", str(first), "--yes")[1].endswith("550 5.1.1 no such user here\nError: Not all of it was sent.\n")
    assert states(app, first) == [(BOB, "failed")]


def test_a_mail_is_released_as_an_attachment(app: Flask, relay: Relay) -> None:
    mail_id = stored(app)
    assert run(app, "release", str(mail_id), "--attached", "--yes")[0] == 0
    assert b"message/rfc822" in bytes(relay.envelopes[0].content or b"")
