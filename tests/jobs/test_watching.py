"""Jobs that look after what others do at once: they tell when it is not done."""

import pathlib
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from app.clock import stored_now, utcnow
from app.errors import Conflict, Unavailable
from app.extensions import db
from app.jobs import map_files
from app.jobs.map_files import write_map_files
from app.jobs.nodes import look_at_nodes
from app.jobs.spool import replay_spool
from app.models import Mail, Node
from app.services.job import Report
from app.storage.spool import SUFFIX, Journal, claim, write_one
from tests.apps import close, make_app
from tests.databases import SqliteCopies
from tests.make import make_entry, make_node
from tests.maps import make_map, put


def told(job: Callable[[Report], object], **how: bool) -> str:
    report = Report(**how)
    job(report)
    return report.words


def test_a_node_that_is_silent_or_does_not_empty_its_spool_is_told_of(app: Flask) -> None:
    make_node(app)
    with app.app_context():
        assert told(look_at_nodes) == "0 nodes are well."
        node = db.session.query(Node).one()
        for age, waited, trouble in ((6, 0, "mx1 has been silent since"), (0, 601, "in the spool of mx1 for up to 601 seconds")):
            node.seen_at, node.spool_files, node.spool_seconds = stored_now() - timedelta(minutes=age), 2, waited
            db.session.commit()
            with pytest.raises(Unavailable, match=trouble):
                told(look_at_nodes)
        node.enabled = False
        db.session.commit()
        assert told(look_at_nodes) == "0 nodes are well."
        node.enabled, node.spool_seconds = True, 0
        db.session.commit()
        assert told(look_at_nodes) == "1 nodes are well."


def test_what_a_dead_process_left_in_the_spool_is_brought_in_and_what_is_refused_is_told_of(app: Flask) -> None:
    make_node(app)
    root, entry = pathlib.Path(app.config["SPOOL_DIR"]), make_entry()
    dead = claim(root)
    assert dead is not None
    Journal(dead).append([entry.to_record()], [])
    dead.release()
    with app.app_context():
        assert told(replay_spool, dry=True) == "1 files are in the spool."
        assert told(replay_spool).startswith("1 mails are new")
        db.session.rollback()
        assert [row.id for row in db.session.query(Mail)] == [entry.id]
        assert told(replay_spool).startswith("0 mails are new, 0 were there already")
        write_one(root / "failed" / f"{entry.id}{SUFFIX}", entry.to_record())
        with pytest.raises(Unavailable, match="has refused 1 mails"):
            told(replay_spool)


def test_files_of_maps_are_looked_at(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "files"
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, MAPS_FILES_DIR=str(folder))
    put(app, make_map(app, "denied"), "brief.example", expires_at=stored_now() + timedelta(hours=1))
    with app.app_context():
        assert "files are written" in told(write_map_files)
        assert told(write_map_files).startswith("0 files are written, 0 removed")
        found = folder / "denied.txt"
        assert "brief.example" in found.read_text()
        with time_machine.travel(utcnow() + timedelta(hours=2)):
            map_files.run()
            assert "brief.example" not in found.read_text()
        found.write_text("somebody else's\n")
        with pytest.raises(Conflict, match="there is such a file"):
            told(write_map_files)
    close(app)
