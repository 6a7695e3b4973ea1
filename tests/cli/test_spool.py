"""flask spool, as an operator calls it."""

import os
import pathlib

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from app.storage.spool import Journal, claim
from tests.make import make_entry


def test_a_replay_by_another_user_leaves_the_spool_alone(app: Flask, runner: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    root = pathlib.Path(app.config["SPOOL_DIR"])
    root.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: root.stat().st_uid + 1)
    answer = runner.invoke(args=["spool", "replay"])
    assert answer.exit_code == 1
    assert "run this as that user" in answer.output
    assert list(root.iterdir()) == []


def test_a_replay_without_a_spool_makes_none(app: Flask, runner: FlaskCliRunner) -> None:
    answer = runner.invoke(args=["spool", "replay"])
    assert (answer.exit_code, answer.output.split()[0]) == (0, "0")
    assert not pathlib.Path(app.config["SPOOL_DIR"]).exists()


def test_a_file_that_cannot_be_read_is_told_and_the_rest_comes_in(app: Flask, runner: FlaskCliRunner) -> None:
    root = pathlib.Path(app.config["SPOOL_DIR"])
    (root / "03" / "000000000000001-000001.seg").mkdir(parents=True)
    slot = claim(root, 7)
    assert slot
    Journal(slot).append([make_entry().to_record()], [])
    slot.release()
    answer = runner.invoke(args=["spool", "replay"])
    assert answer.exit_code == 1
    assert answer.output.startswith("1 new, 0 already there")
    assert "1 files wait on: the spool cannot be read" in answer.output
    assert slot.segments() == []
