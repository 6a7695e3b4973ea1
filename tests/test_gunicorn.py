"""What gunicorn.conf.py does at a start, without a server."""

import pathlib
import runpy
from typing import Any

import pytest

import config
from tests.apps import SECRET

ROOT = pathlib.Path(__file__).resolve().parent.parent


def settings(monkeypatch: pytest.MonkeyPatch, metrics: pathlib.Path) -> dict[str, Any]:
    """gunicorn.conf.py read anew; what it sets in the environment is taken back after the test."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(metrics))
    monkeypatch.setattr(config, "METRICS_DIR", str(metrics))
    monkeypatch.setattr(config, "SECRET_KEY", SECRET)
    return runpy.run_path(str(ROOT / "gunicorn.conf.py"))


def test_a_start_removes_old_counters_and_nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    counters = tmp_path / "counters"
    counters.mkdir()
    kept = {tmp_path / "mailkeep.db", tmp_path / "counter_1.db", counters / "mailkeep.db", counters / "gauge.db"}
    gone = {counters / name for name in ("counter_12.db", "gauge_livesum_12.db", "histogram_7.db", "summary_7.db")}
    for path in kept | gone:
        path.touch()
    settings(monkeypatch, tmp_path)["on_starting"](None)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == kept


def test_an_access_log_has_no_key_of_a_link(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """%(r)s is the whole request line, %(q)s its query, %(f)s the referrer."""
    line = settings(monkeypatch, tmp_path)["access_log_format"]
    assert "%(U)s" in line
    assert not [name for name in ("%(r)s", "%(q)s", "%(f)s") if name in line]
