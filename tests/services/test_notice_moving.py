"""A domain's rule is set at once, however many wait by it: the job moves them, in pieces."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.actor import SYSTEM
from app.clock import stored_now
from app.queries.people import Reach
from app.services import notice_moving
from app.services.job import Report
from app.services.notice_domains import DomainRule, set_domain
from tests.letters import due_of, id_of, wait_for
from tests.make import make_user


def ruled(app: Flask, domain: str, **fields: Any) -> None:
    with app.app_context():
        set_domain(Reach(everybody=True), DomainRule(domain, **fields), actor=SYSTEM)


def moved(app: Flask) -> int:
    with app.app_context():
        return notice_moving.move_waiting(Report())


def test_however_many_wait_the_rule_is_set_at_once_and_the_job_moves_them_whoever_dies(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """In pieces; what was asked for while it moved, or was not moved to its end, is there for the next run."""
    monkeypatch.setattr(notice_moving, "_OWNERS_AT_ONCE", 2)
    owners = [f"address:u{number}@example.com" for number in range(7)]
    for owner in owners:
        wait_for(app, owner, owner.removeprefix("address:"), due_in=timedelta(days=9))
    ruled(app, "example.com", times="hourly", everybody=True)
    late = stored_now() + timedelta(days=8)
    assert min(due_of(app, owner) for owner in owners) > late
    real, pieces = notice_moving._move_some, list[str]()

    def dies(after: str, *more: Any) -> Any:
        pieces.append(after)
        if len(pieces) == 3:
            raise ZeroDivisionError
        if len(pieces) == 5:
            ruled(app, "example.com", times="at once", everybody=True)
        return real(after, *more)

    monkeypatch.setattr(notice_moving, "_move_some", dies)
    with pytest.raises(ZeroDivisionError):
        moved(app)
    moved(app)
    assert max(due_of(app, owner) for owner in owners) < late
    moved(app)
    assert max(due_of(app, owner) for owner in owners) <= stored_now()
    assert moved(app) == 0


def test_of_the_rules_of_two_domains_the_earliest_counts(app: Flask) -> None:
    make_user(app, "bob", "Recipient")
    owner = f"user:{id_of(app, 'bob')}"
    ruled(app, "example.org", times="hourly")
    for address in ("bob@example.com", "bob@example.org"):
        wait_for(app, owner, address, due_in=timedelta(days=9))
    ruled(app, "example.com", times="weekly on monday at 07:00")
    moved(app)
    assert due_of(app, owner) <= stored_now() + timedelta(hours=1)
