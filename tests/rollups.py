"""Mails that come at their time or late, and runs that count them."""

import dataclasses
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.clock import utcnow
from app.extensions import db
from app.ids import HOUR_MS, id_at
from app.models import Counted, CountState, DailyCount, HourlyCount, LateMail
from app.services import rollups
from app.services.insert import insert_entries
from app.services.job import Report
from app.services.late import border_of
from tests.make import _numbers, make_entry

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=utcnow().tzinfo)
HOUR = int(NOW.timestamp() * 1000) // HOUR_MS


def stand_at_noon(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The clock stands where a test puts it."""
    at = [NOW]
    monkeypatch.setattr(rollups, "utcnow", lambda: at[0])
    monkeypatch.setattr(rollups, "stored_now", lambda: at[0].replace(tzinfo=None))
    return at


def begin(app: Flask, hour: int = HOUR - 1) -> None:
    """As the migration leaves it at that hour."""
    with app.app_context():
        since = NOW.replace(tzinfo=None) - timedelta(days=1)
        values = {"marked_before": hour, "closed_before": hour, "counted_from": hour, "marked_since": since, "counted_at": None}
        db.session.execute(update(CountState).values(**values))
        db.session.commit()
        border_of(db.engine).forget()


def came(app: Flask, ago: timedelta, *recipients: str, heard: bool = True, **fields: Any) -> int:
    """The id of a mail of so long ago, which comes in just now. Not `heard`: by a process that has not looked lately what is marked."""
    virus, node = fields.pop("virus", None), fields.pop("node", "mx1")
    entry = make_entry(recipients=recipients or ("bob@example.com",), **{"size": 1000} | fields)
    entry = dataclasses.replace(entry, id=id_at(NOW - ago, 1, next(_numbers)), virus=virus, node=node)
    with app.app_context():
        if heard:
            border_of(db.engine).forget()
        insert_entries(db.engine, [entry], "mx1")
    return entry.id


def count(app: Flask, **how: Any) -> str:
    with app.app_context():
        report = Report(**how)
        rollups.run(report)
        db.session.remove()
        return report.words


def sums(app: Flask, kind: Counted = Counted.ALL, model: Any = HourlyCount) -> dict[Any, int]:
    """Mails by hour, counted from now, and name."""
    with app.app_context():
        found: Counter[Any] = Counter()
        for row in db.session.scalars(select(model).where(model.kind == kind)):
            found[(row.hour - HOUR, row.name) if kind != Counted.ALL else row.hour - HOUR] += row.mails
        assert sum(found.values()) or not found
        return dict(found)


def late(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(LateMail)) or 0


def is_even(app: Flask) -> None:
    """The days have what their hours have."""
    columns = ("kind", "name", "node", "action", "direction", "mails", "bytes", "stored", "viruses", "scanned", "scan_ms")
    with app.app_context():
        both = []
        for model in (HourlyCount, DailyCount):
            found: dict[Any, list[float]] = {}
            for row in db.session.scalars(select(model)):
                key = (row.hour - row.hour % 24, *(getattr(row, name) for name in columns[:5]))
                found[key] = [a + b for a, b in zip(found.get(key, [0] * 6), (getattr(row, name) for name in columns[5:]), strict=True)]
            both.append(found)
        assert both[0] == both[1]


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
