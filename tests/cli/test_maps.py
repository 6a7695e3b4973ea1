"""flask maps: the same services as the screens, by whoever has a shell."""

import json
import pathlib

from flask import Flask
from flask.testing import FlaskCliRunner

from app.extensions import db
from app.models import AuditEvent
from tests.cli.test_nodes import run

SENDERS = "mail_from_blacklist"


def test_entries_come_and_go(app: Flask, runner: FlaskCliRunner) -> None:
    shown = run(runner, "maps", "add", f"{SENDERS}.txt", "Bad@Example.NET", "--comment", "spam", "--expires", "2036-01-31")
    assert shown == f"bad@example.net is in {SENDERS} from revision 1 on.\n"
    assert "is in this map already" in run(runner, "maps", "add", SENDERS, "bad@example.net", fails=True)
    assert "is no mail address" in run(runner, "maps", "add", SENDERS, "bad@", fails=True)
    assert "There is no such map" in run(runner, "maps", "show", "nothing", fails=True)
    assert f"{SENDERS}  address_or_domain  deny  1 entries  revision 1\n" in run(runner, "maps", "list")
    assert "needs proof: no\n" in run(runner, "maps", "show", SENDERS)
    run(runner, "maps", "add", "mail_from_whitelist", "bad@example.net")
    assert f"{SENDERS}  bad@example.net  both  mail_from_whitelist  bad@example.net\n" in run(runner, "maps", "conflicts")
    assert run(runner, "maps", "remove", SENDERS, "BAD@example.net") == f"bad@example.net is no more in {SENDERS}.\n"
    assert "is not in" in run(runner, "maps", "remove", SENDERS, "bad@example.net", fails=True)
    assert run(runner, "maps", "conflicts", SENDERS) == ""
    assert "has the entries of revision 1, as revision 3" in run(runner, "maps", "back", SENDERS, "1")
    lines = run(runner, "maps", "history", SENDERS).splitlines()
    assert [(line.split("  ")[0], *line.split("  ")[-2:]) for line in lines] == [
        ("3", "rolled_back", "+1 -0"),
        ("2", "removed", "+0 -1"),
        ("1", "added", "+1 -0"),
    ]
    with app.app_context():
        assert all(event.actor.startswith("command line: ") for event in db.session.query(AuditEvent))


def test_files_come_in_and_go_out(app: Flask, runner: FlaskCliRunner, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("value,comment\none@example.net,why\nnonsense@,\ntwo@example.net,\n", encoding="utf-8")
    told = run(runner, "maps", "import", SENDERS, str(path))
    assert "line 3: “nonsense@” is no mail address" in told
    assert told.endswith("2 new, 1 wrong: revision 1.\n")
    assert "2 same, 1 wrong: nothing was changed." in run(runner, "maps", "import", SENDERS, str(path))
    out = tmp_path / "out.json"
    run(runner, "maps", "export", SENDERS, "--form", "json", "--out", str(out))
    assert [entry["value"] for entry in json.loads(out.read_text(encoding="utf-8"))["entries"]] == ["one@example.net", "two@example.net"]
    assert "2 same: nothing was changed." in run(runner, "maps", "import", SENDERS, str(out), "--mode", "replace")
    (tmp_path / "empty.txt").write_text("# nothing at all\n", encoding="utf-8")
    assert "No line names an entry" in run(runner, "maps", "import", SENDERS, str(tmp_path / "empty.txt"), "--mode", "replace", fails=True)
    assert "one@example.net # why\ntwo@example.net\n" in run(runner, "maps", "export", SENDERS)
