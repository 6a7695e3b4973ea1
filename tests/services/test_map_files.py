"""The maps as files: written whole, only where they differ, for others to read, and nobody else's file touched."""

import os
import pathlib
import stat

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from app.errors import Unavailable
from app.extensions import db
from app.jobs import map_files as job
from app.services.map_files import MapWriter
from app.storage.map_files import MapFiles
from tests.apps import close, make_app
from tests.maps import make_map, put
from tests.servers.process import wait_for


@pytest.fixture
def out(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "below" / "out"


@pytest.fixture
def writer(app: Flask, out: pathlib.Path) -> MapWriter:
    make_map(app, "spammers", "b.example", "a.example")
    return MapWriter(app.extensions["mailkeep_maps"], str(out))


def remove_map(app: Flask) -> None:
    with app.app_context():
        db.session.execute(db.text("DELETE FROM map WHERE name = 'spammers'"))
        db.session.commit()


def test_files_are_what_the_door_gives_and_everybody_may_read_them(app: Flask, writer: MapWriter, out: pathlib.Path) -> None:
    kept = os.umask(0o077)
    try:
        done = writer.write()
    finally:
        os.umask(kept)
    assert "spammers" in done.written
    assert (out / "spammers.txt").read_bytes() == app.test_client().get("/maps/spammers.txt").data
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o644}
    assert stat.S_IMODE(out.stat().st_mode) == 0o755
    assert {path.suffix for path in out.iterdir()} == {".txt"}


def test_only_what_differs_is_written(app: Flask, writer: MapWriter, out: pathlib.Path) -> None:
    writer.write()
    before = {path.name: path.stat().st_ino for path in out.iterdir()}
    for another in (writer, MapWriter(app.extensions["mailkeep_maps"], str(out))):
        done = another.write()
        assert (done.written, done.unchanged, done.removed) == ([], len(before), [])
    put(app, 11, "c.example")
    assert writer.write().written == ["spammers"]
    after = {path.name: path.stat().st_ino for path in out.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"spammers.txt"}


def test_who_changes_a_file_of_ours_gets_it_back(writer: MapWriter, out: pathlib.Path) -> None:
    writer.write()
    whole = (out / "spammers.txt").read_bytes()
    (out / "spammers.txt").write_bytes(whole[:-3])
    assert writer.write().written == ["spammers"]
    assert (out / "spammers.txt").read_bytes() == whole


def test_files_of_others_stay(app: Flask, writer: MapWriter, out: pathlib.Path) -> None:
    writer.write()
    for name in ("local.txt", "ip_whitelist.txt"):
        (out / name).write_text("192.0.2.1\n")
    remove_map(app)
    done = writer.write()
    assert (done.removed, done.foreign) == (["spammers"], ["ip_whitelist"])
    assert not (out / "spammers.txt").exists()
    assert {(out / name).read_text() for name in ("local.txt", "ip_whitelist.txt")} == {"192.0.2.1\n"}
    assert writer.write(replace=True).written == ["ip_whitelist"]
    assert (out / "ip_whitelist.txt").read_text().startswith("# Mailkeep map ip_whitelist, ")


def test_with_the_database_away_all_stays(app: Flask, writer: MapWriter, out: pathlib.Path, tmp_path: pathlib.Path) -> None:
    writer.write()
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    other = make_app("mysql+mysqldb://nobody@127.0.0.1:1/nothing", tmp_path)
    with pytest.raises(Unavailable, match="database"):
        MapWriter(other.extensions["mailkeep_maps"], str(out)).write()
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    close(other)


def test_the_job_says_once_what_it_cannot_write(sqlite_copies, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "out").write_text("a file")
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, MAPS_FILES_DIR=str(tmp_path / "out"))
    with app.app_context():
        for _ in range(3):
            job.run()
        assert caplog.text.count("cannot be written") == 1
        (tmp_path / "out").unlink()
        job.run()
        assert len(list((tmp_path / "out").iterdir())) == 10
    close(app)


def test_one_process_of_a_node_writes_and_the_next_goes_on(sqlite_copies, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job.MapFilesTimer, "pause", 0.02)
    url = sqlite_copies.make(tmp_path)
    both = [make_app(url, tmp_path, MAPS_FILES_DIR=str(tmp_path / "out")) for _ in range(2)]
    wrote: list[int] = []
    monkeypatch.setattr(job, "run", lambda: wrote.append(next(n for n, app in enumerate(both) if app == job.current_app)))
    first, second = (app.extensions["mailkeep_jobs"] for app in both)
    first.start()
    wait_for(lambda: wrote)
    second.start()
    wait_for(lambda: len(wrote) > 5)
    assert set(wrote) == {0}
    first.stop()
    wait_for(lambda: 1 in wrote)
    second.stop()
    for app in both:
        close(app)


def test_a_process_without_jobs_writes_nothing(sqlite_copies, tmp_path: pathlib.Path) -> None:
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, MAPS_FILES_DIR=str(tmp_path / "out"), ROLES=("web",))
    app.extensions["mailkeep_jobs"].start()
    app.extensions["mailkeep_jobs"].stop()
    assert not (tmp_path / "out").exists()
    close(app)


def test_the_command(app: Flask, writer: MapWriter, runner: FlaskCliRunner, out: pathlib.Path) -> None:
    told = runner.invoke(args=["maps", "write", "--out", str(out)])
    assert (told.exit_code, told.output) == (0, f"11 written, 0 unchanged, 0 removed in {out}\n")
    assert "11 unchanged" in runner.invoke(args=["maps", "write", "--out", str(out)]).output
    (out / "spammers.txt").write_text("of mine\n")
    refused = runner.invoke(args=["maps", "write", "--out", str(out)])
    assert (refused.exit_code, "spammers.txt" in refused.output) == (1, True)
    assert runner.invoke(args=["maps", "write", "--out", str(out), "--replace"]).exit_code == 0
    assert runner.invoke(args=["maps", "write"]).exit_code == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_the_command_leaves_no_files_of_another_user(app: Flask, runner: FlaskCliRunner, tmp_path: pathlib.Path) -> None:
    (tmp_path / "maps").mkdir()
    os.chown(tmp_path / "maps", 65534, 65534)
    refused = runner.invoke(args=["maps", "write", "--out", str(tmp_path / "out")])
    assert (refused.exit_code, "belongs to user 65534" in refused.output) == (1, True)
    assert not list((tmp_path / "maps").iterdir())


def test_what_is_no_file_of_ours_stops_no_other(app: Flask, writer: MapWriter, out: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Whoever else may write to the folder: a folder, a pipe that nobody fills, a link to where only we may write."""
    make_map(app, "pipe", "a.example")
    make_map(app, "link", "a.example")
    make_map(app, "folder", "a.example")
    out.mkdir(parents=True)
    (out / "folder.txt").mkdir()
    os.mkfifo(out / "pipe.txt")
    secret = tmp_path / "secret"
    secret.write_text("kept")
    (out / "link.txt").symlink_to(secret)
    done = writer.write()
    assert done.foreign == ["folder", "link", "pipe"]
    assert "spammers" in done.written
    files = MapFiles(out)
    (out / ".spammers.txt.part").symlink_to(secret)
    with pytest.raises(FileExistsError):
        files.write("spammers", [b"a.example\n"])
    assert secret.read_text() == "kept"
    (out / "folder.txt").rmdir()
    assert writer.write(replace=True).foreign == []
    assert (secret.read_text(), (out / "link.txt").is_symlink(), (out / "pipe.txt").is_file()) == ("kept", False, True)
