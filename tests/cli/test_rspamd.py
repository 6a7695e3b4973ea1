"""flask rspamd: files that Rspamd takes, and none of somebody's own lost."""

import grp
import os
import pathlib
import stat

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import update

from app.actor import command_line
from app.clock import stored_now
from app.extensions import db
from app.models import Map
from app.models.maps import MapFetch
from app.rspamd.site_config import folder
from app.services import nodes
from tests.cli.test_nodes import run

CONFIG = ("rspamd", "config", "--node", "mx1", "--url", "http://mailkeep:8080")


@pytest.fixture(autouse=True)
def node(app: Flask) -> None:
    with app.app_context():
        nodes.add("mx1", "rspamd", "secret", ["127.0.0.1"], actor=command_line())


def test_all_files_are_written_and_what_is_unchanged_is_not_touched(runner: FlaskCliRunner, tmp_path: pathlib.Path) -> None:
    assert run(runner, *CONFIG, "--out", str(tmp_path / "new")).count(": written") == 5
    found = {path.name: path for path in (tmp_path / "new").iterdir()}
    assert set(found) == {"metadata_exporter.conf", "multimap.conf", "groups.conf", "settings.conf", "worker-controller.inc"}, (
        "nothing is left beside them"
    )
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o640 for path in found.values()), "a password stands in one"
    before = {name: path.stat().st_ino for name, path in found.items()}
    assert run(runner, *CONFIG, "--out", str(tmp_path / "new")).count(": unchanged") == 5
    assert {name: path.stat().st_ino for name, path in found.items()} == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_rspamds_own_group_may_read_them(runner: FlaskCliRunner, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that it cannot read keeps it from starting."""
    other = grp.getgrnam("shadow")
    monkeypatch.setattr(folder, "RSPAMD", other.gr_name)
    out = tmp_path / "new"
    assert f"install -g _rspamd -m 640 {out}/*.conf" in run(runner, *CONFIG, "--out", str(out))
    assert {path.stat().st_gid for path in out.iterdir()} == {other.gr_gid}


def test_what_a_hand_made_or_changed_stays(app: Flask, runner: FlaskCliRunner, tmp_path: pathlib.Path) -> None:
    (tmp_path / "groups.conf").write_bytes(b"# mine \xff\n")
    said = run(runner, *CONFIG, "--out", str(tmp_path), fails=True)
    assert "groups.conf: left: it is not Mailkeep's" in said
    assert said.count(": written") == 4, "the others are written all the same"
    assert (tmp_path / "groups.conf").read_bytes() == b"# mine \xff\n"

    changed = tmp_path / "multimap.conf"
    by_hand = changed.read_text().replace("score = 50;", "score = 5;", 1)
    changed.write_text(by_hand)
    assert "multimap.conf: left: it was changed by hand" in run(runner, *CONFIG, "--out", str(tmp_path), fails=True)
    assert changed.read_text() == by_hand
    assert run(runner, *CONFIG, "--out", str(tmp_path), "--force").count(": replaced") == 2
    assert changed.read_text() != by_hand

    with app.app_context():
        db.session.execute(update(Map).where(Map.name == "ip_blacklist").values(score=33.0))
        db.session.commit()
    changed.chmod(0o604)
    assert "multimap.conf: replaced" in run(runner, *CONFIG, "--out", str(tmp_path))
    assert "score = 33;" in changed.read_text()
    assert stat.S_IMODE(changed.stat().st_mode) == 0o604, "as whoever put it there wants it"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(runner: FlaskCliRunner, tmp_path: pathlib.Path) -> None:
    tmp_path.chmod(0o500)
    assert str(tmp_path) in run(runner, *CONFIG, "--out", str(tmp_path), fails=True)


def test_a_file_in_the_place_of_the_folder_is_named(runner: FlaskCliRunner, tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in run(runner, *CONFIG, "--out", str(tmp_path / "file" / "x"), fails=True)


def test_the_password_is_the_nodes_or_a_gap(runner: FlaskCliRunner) -> None:
    assert 'password = "CHANGE ME";' in run(runner, *CONFIG)
    assert 'password = "secret";' in run(runner, *CONFIG, "--password", "secret")
    said = run(runner, *CONFIG, "--password", "Wrong-77", fails=True)
    assert "That is not the password of mx1." in said
    assert "Wrong-77" not in said
    assert "http://rspamd:secret@mailkeep:8080/maps/" in run(runner, *CONFIG, "--password", "secret", "--login-for-maps")


def test_the_version_chooses_how_the_report_comes(app: Flask, runner: FlaskCliRunner) -> None:
    oldest, newest = 'formatter = "default";\n    meta_headers = true;', 'formatter = "multipart";'
    said = run(runner, *CONFIG)
    assert oldest in said
    assert "is not known" in said
    assert oldest in run(runner, *CONFIG, "--version", "3.14.1")
    assert newest in run(runner, *CONFIG, "--version", "3.14.2")
    with app.app_context():
        fetch = {"revision": 1, "etag": "", "ip": ""}
        db.session.add(MapFetch(node="mx1", map_id=1, fetched_at=stored_now(), agent="rspamd-4.1.5", **fetch))
        db.session.add(MapFetch(node="mx2", map_id=1, fetched_at=stored_now(), agent="rspamd-3.4", **fetch))
        db.session.commit()
    assert newest in run(runner, *CONFIG), "as it called itself"
    assert oldest in run(runner, *CONFIG, "--version", "3.4")


def test_a_map_without_a_use_here_is_named_with_the_reason(app: Flask, runner: FlaskCliRunner) -> None:
    with app.app_context():
        db.session.execute(update(Map).where(Map.name == "ip_blacklist").values(enabled=False))
        db.session.execute(update(Map).where(Map.name == "ip_whitelist").values(symbol=""))
        db.session.commit()
    said = run(runner, *CONFIG)
    assert "# ip_blacklist: it is disabled." in said
    assert "# ip_whitelist: it has no symbol." in said
    assert "RQWATCH_IP" not in said


@pytest.mark.parametrize("controller", ["http://127.0.0.1:1", "ftp://x", "http://", "http://[::1", "127.0.0.1:11334"])
def test_a_controller_that_is_none_is_named(runner: FlaskCliRunner, controller: str) -> None:
    assert controller in run(runner, "rspamd", "check", "--node", "mx1", "--url", "http://x", "--controller", controller, fails=True)
