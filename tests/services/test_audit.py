"""The audit trail: one chain however many append, joined to what is done, and whole only as it was written."""

import threading
from collections.abc import Callable
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.actor import SYSTEM, Actor
from app.extensions import db
from app.models import AuditEvent, AuditHead, Node, Verb
from app.models.audit import digest_of
from app.services.audit import record, recorded, verify

LONG_AGO = datetime.fromisoformat("2026-01-31")
CAROL = Actor("carol", 7, "192.0.2.1")


def events() -> list[AuditEvent]:
    return list(db.session.scalars(select(AuditEvent).order_by(AuditEvent.id)))


def test_an_event_is_kept_as_it_was_told(any_app: Flask) -> None:
    hostile = "a\0b\ud800" + "ü😀" * 200
    with any_app.app_context():
        boss = Actor("boss", 1, "2001:db8::1", on_behalf_of="carol")
        recorded(boss, Verb.ROLES_SET, "account", "carol", before={"roles": []}, after={"roles": ["Ädmin"]}, reason=hostile)
        recorded(SYSTEM, Verb.LOGOUT, hostile, hostile)
        db.session.remove()
        first, second = events()
        assert (first.actor, first.user_id, first.on_behalf_of, first.ip) == ("boss", 1, "carol", "2001:db8::1")
        assert (first.verb, first.target_kind, first.target_id) == ("account.roles", "account", "carol")
        assert (first.before, first.after) == ('{"roles": []}', '{"roles": ["Ädmin"]}')
        assert first.reason.startswith("a\ufffdb?ü😀")
        assert second.previous == first.digest
        assert len(second.target_id) == 64
        assert verify() is None


def test_the_moment_has_its_microseconds_in_every_database(any_app: Flask) -> None:
    with any_app.app_context():
        for _ in range(3):
            recorded(SYSTEM, Verb.LOGIN, "account", "a")
        db.session.remove()
        moments = db.session.scalars(select(AuditEvent.at)).all()
        assert any(moment.microsecond % 1000 for moment in moments)
        assert all(isinstance(moment, datetime) for moment in moments)


def test_what_is_done_and_its_event_are_both_there_or_neither(any_app: Flask) -> None:
    with any_app.app_context():
        for kept in (False, True):
            db.session.add(Node(number=9, name="mx9", user="", password_hash="", allow="", enabled=True, created_at=LONG_AGO))
            record(CAROL, Verb.ACCOUNT_ADDED, "node", "mx9")
            record(CAROL, Verb.ACCOUNT_CHANGED, "node", "mx9")
            db.session.flush()
            record(CAROL, Verb.ACCOUNT_CHANGED, "node", "mx9")
            db.session.commit() if kept else db.session.rollback()
            assert (len(events()), db.session.scalar(select(func.count()).select_from(Node))) == ((3, 1) if kept else (0, 0))
            assert verify() is None


def test_eight_threads_at_once_make_one_chain(any_app: Flask) -> None:
    """Half of them have read before, as a page does that tells of its opening."""
    start, errors = threading.Barrier(8), []

    def append(number: int) -> None:
        with any_app.app_context():
            try:
                start.wait(30)
                for turn in range(6):
                    if number % 2:
                        db.session.scalar(select(func.count()).select_from(AuditEvent))
                    recorded(CAROL, Verb.LOGIN, "account", f"{number}-{turn}")
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=append, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    with any_app.app_context():
        assert [event.id for event in events()] == list(range(1, 49))
        assert len({event.target_id for event in events()}) == 48
        assert verify() is None


def forged(number: int, previous: str) -> dict[str, object]:
    """An event as good as any, but for its place."""
    row = AuditEvent(id=number, at=LONG_AGO, actor="x", user_id=None, on_behalf_of="", ip="", verb="login", target_kind="account")
    row.target_id, row.reason, row.before, row.after, row.previous = "x", "", "", "", previous
    row.digest = digest_of(row)
    return {column.name: getattr(row, column.name) for column in AuditEvent.__table__.columns}


def change(**values: object) -> Callable[[], None]:
    return lambda: db.session.execute(update(AuditEvent.__table__).where(AuditEvent.__table__.c.id == 3).values(**values))


def remove(*ids: int) -> Callable[[], None]:
    return lambda: db.session.execute(AuditEvent.__table__.delete().where(AuditEvent.__table__.c.id.in_(ids)))


def insert(number: int) -> Callable[[], None]:
    def put() -> None:
        last = db.session.scalar(select(AuditHead.last_digest)) or ""
        db.session.execute(AuditEvent.__table__.insert().values(**forged(number, last)))

    return put


def replace() -> None:
    """With a digest that fits its own words."""
    previous = db.session.scalar(select(AuditEvent.previous).where(AuditEvent.id == 3)) or ""
    remove(3)()
    db.session.execute(AuditEvent.__table__.insert().values(**forged(3, previous)))


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (change(actor="dave"), 3),
        (change(user_id=8), 3),
        (change(at=LONG_AGO), 3),
        (change(ip="192.0.2.2"), 3),
        (change(on_behalf_of="dave"), 3),
        (change(verb="logout"), 3),
        (change(target_kind="mail"), 3),
        (change(target_id="6"), 3),
        (change(reason="none"), 3),
        (change(before="{}"), 3),
        (change(after=""), 3),
        (change(previous="11" * 32), 3),
        (change(digest="11" * 32), 3),
        (change(id=60), 3),
        (replace, 4),
        (remove(1), 1),
        (remove(3), 3),
        (remove(5), 5),
        (remove(1, 2, 3, 4, 5), 1),
        (insert(6), 6),
        (insert(0), 0),
        (insert(-4), -4),
        (insert(70), 6),
        (lambda: db.session.execute(update(AuditHead).values(last_digest="11" * 32)), 5),
        (lambda: db.session.execute(update(AuditHead).values(last_id=4)), 5),
        (lambda: db.session.execute(AuditHead.__table__.delete()), 1),
    ],
)
def test_what_was_changed_removed_or_put_in_is_found(app: Flask, tamper: Callable[[], None], found: int) -> None:
    with app.app_context():
        for number in range(1, 6):
            recorded(CAROL, Verb.LOGIN, "account", number, after={"way": "password"})
        assert verify() is None
        tamper()
        db.session.commit()
        assert verify() == found


def test_a_long_chain_is_walked_to_its_end(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.audit._AT_ONCE", 4)
    with app.app_context():
        for number in range(9):
            recorded(CAROL, Verb.LOGIN, "account", number)
        assert verify() is None
        db.session.execute(update(AuditEvent.__table__).where(AuditEvent.__table__.c.id == 9).values(ip=""))
        db.session.commit()
        assert verify() == 9


def test_the_program_itself_changes_no_event(app: Flask) -> None:
    with app.app_context():
        recorded(CAROL, Verb.LOGIN, "account", "carol")
        events()[0].actor = "dave"
        with pytest.raises(TypeError):
            db.session.commit()
        db.session.rollback()
        db.session.delete(events()[0])
        with pytest.raises(TypeError):
            db.session.commit()
        db.session.rollback()
        assert events()[0].actor == "carol"
