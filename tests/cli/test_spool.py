"""flask spool, as an operator calls it."""

import os
import pathlib

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner


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
