"""flask notices: choices, rules of domains, refusals, links made void."""

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from app.models import NoticeStep
from app.services import notice_acts
from tests.letters import letter, make_letter
from tests.make import make_user


def test_what_the_screens_do_commands_do_too(app: Flask, runner: FlaskCliRunner) -> None:
    def said(*words: str, code: int = 0) -> str:
        result = runner.invoke(args=["notices", *words])
        assert result.exit_code == code, result.output
        return result.output

    make_user(app, "bob", "Recipient")
    assert "bob: never (as the site says)" in said("choice", "bob")
    assert "bob: daily at 06:30 (by command line" in said("choice", "bob", "daily at 06:30")
    assert "says no times" in said("choice", "bob", "soon", code=1)
    assert "as the site says" in said("choice", "bob", "")
    said("choice", "nobody", "never", code=1)
    told = said(
        "domains", "set", "Example.com", "--times", "hourly", "--everybody", "--watcher", "postmaster", "--watcher", "a@example.org"
    )
    assert told == "example.com  hourly; everybody; watched by postmaster@example.com, a@example.org, daily at 07:00\n"
    assert said("domains", "set", "example.com", "--language", "de", "--watcher", "none") == "example.com  hourly; everybody; de\n"
    assert said("domains", "list") == "example.com  hourly; everybody; de\n"
    assert "as the site says (recipients: never); everybody" in said("domains", "set", "example.com", "--times", "")
    said("domains", "remove", "example.com")
    said("domains", "remove", "example.com", code=1)
    said("refusals", "add", "Eve+x@example.com")
    assert "belongs to the account bob" in said("refusals", "add", "bob@example.com", code=1)
    assert said("refusals", "list").startswith("eve@example.com  ")
    said("refusals", "remove", "eve@example.com")
    assert said("refusals", "list") == ""
    number = make_letter(app, "bob@example.com")
    said("void", str(number))
    said("void", "4711", code=1)
    assert letter(app, number).revoked_by.startswith("command line")


def test_letters_that_failed_are_tried_again(app: Flask, runner: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    def said(*words: str, code: int = 0) -> str:
        result = runner.invoke(args=["notices", "again", *words])
        assert result.exit_code == code, result.output
        return result.output

    failed = [make_letter(app, f"u{number}@example.com", state=NoticeStep.FAILED) for number in range(5)]
    unknown, sent = (make_letter(app, "bob@example.com", state=state) for state in (NoticeStep.UNKNOWN, NoticeStep.SENT))
    assert "Name one letter, or --failed" in said(code=1)
    said(str(failed[0]), "--failed", code=1)
    said(str(failed[0]))
    assert "--sure" in said(str(unknown), code=1)
    said(str(unknown), "--sure")
    said(str(sent), code=1)
    said("4711", code=1)
    monkeypatch.setattr(notice_acts, "_AT_ONCE", 2)
    assert said("--failed") == "4 letters are tried again.\n"
    assert said("--failed") == "0 letters are tried again.\n"
    assert [letter(app, number).state for number in (*failed, unknown, sent)] == ["waiting"] * 6 + ["sent"]
