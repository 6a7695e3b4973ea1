"""Entries of maps: changed by one of two at once, and never without a trace."""

import threading
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.actor import SYSTEM
from app.clock import stored_now
from app.errors import BadRequest, Conflict, MailkeepError, NotFound, Unavailable
from app.extensions import db
from app.models import AuditEvent, Editors, Map, MapEntry, MapRevision, RevisionVerb
from app.models.maps import ALIVE
from app.queries import map_history
from app.queries.map_history import differences, entries_at
from app.queries.map_reach import EVERYTHING, Foreign, MapReach
from app.queries.maps import State, Wish, count_of, entries_of, map_called
from app.queries.scope import Scope
from app.rspamd.map_kinds import MapKind
from app.rspamd.map_values import read_value
from app.services import maps
from app.services.map_change import Wanted
from app.services.map_entries import add_entry, change_entry, switch, switch_all
from app.services.map_history import roll_back
from app.services.maps import change_map, definition_of, delete_map
from tests.make import list_value, make_map

SENDERS = "mail_from_blacklist"
PAIRS = "mime_from_rcpt_to_whitelist"
BOB = MapReach(user_id=7, own=Scope(("bob@example.com",)))


def wanted(text: str, kind: str = "address_or_domain", **fields: Any) -> Wanted:
    return Wanted(read_value(MapKind(kind), text), **fields)


def the_map(name: str = SENDERS) -> Map:
    return map_called(EVERYTHING, name)


def alive(name: str = SENDERS) -> dict[str, MapEntry]:
    return {entry.value: entry for entry in entries_of(EVERYTHING, the_map(name)).rows}


def test_an_entry_is_added_changed_switched_and_removed_and_each_step_is_told(app: Flask) -> None:
    with app.app_context():
        add_entry(EVERYTHING, the_map(), wanted(" Bad@Example.NET ", comment="spam  of\ntoday"), actor=SYSTEM)
        entry = alive()["bad@example.net"]
        assert (entry.comment, entry.made_by, entry.since, entry.owner_id) == ("spam of today", "system", 1, None)
        change_entry(EVERYTHING, the_map(), entry.id, wanted("example.net"), actor=SYSTEM)
        (entry,) = alive().values()
        assert (entry.value, entry.since, entry.comment) == ("example.net", 2, "")
        assert switch(EVERYTHING, the_map(), [entry.id], RevisionVerb.DISABLED, actor=SYSTEM) == 1
        (entry,) = alive().values()
        assert entry.enabled is False
        switch(EVERYTHING, the_map(), [entry.id], RevisionVerb.REMOVED, actor=SYSTEM)
        assert alive() == {}
        revisions = db.session.scalars(select(MapRevision).order_by(MapRevision.number)).all()
        told = [(row.number, row.verb, row.added, row.removed) for row in revisions]
        assert told == [(1, "added", 1, 0), (2, "changed", 1, 1), (3, "disabled", 1, 1), (4, "removed", 0, 1)]
        assert the_map().revision == 4
        events = db.session.scalars(select(AuditEvent).where(AuditEvent.verb == "map.entries")).all()
        assert [event.target_id for event in events] == [SENDERS] * 4
        assert "bad@example.net" in events[0].after


def test_what_changes_nothing_is_no_revision(app: Flask) -> None:
    list_value(app, SENDERS, "example.net")
    with app.app_context():
        (entry,) = alive().values()
        change_entry(EVERYTHING, the_map(), entry.id, wanted("example.net"), actor=SYSTEM)
        switch(EVERYTHING, the_map(), [entry.id], RevisionVerb.ENABLED, actor=SYSTEM)
        assert the_map().revision == 1


def test_who_edits_what_somebody_else_has_changed_is_told_so(app: Flask) -> None:
    list_value(app, SENDERS, "example.net", "example.org")
    with app.app_context():
        first, second = alive().values()
        change_entry(EVERYTHING, the_map(), first.id, wanted("example.net", comment="one"), actor=SYSTEM)
        for late in (
            lambda: change_entry(EVERYTHING, the_map(), first.id, wanted("example.net", comment="two"), actor=SYSTEM),
            lambda: switch(EVERYTHING, the_map(), [second.id, first.id], RevisionVerb.REMOVED, actor=SYSTEM),
            lambda: add_entry(EVERYTHING, the_map(), wanted("EXAMPLE.net"), actor=SYSTEM),
            lambda: change_entry(EVERYTHING, the_map(), second.id, wanted("example.net"), actor=SYSTEM),
        ):
            with pytest.raises(Conflict):
                late()
            db.session.expire_all()
        assert {value: entry.comment for value, entry in alive().items()} == {"example.net": "one", "example.org": ""}
        assert the_map().revision == 3


def test_two_who_add_at_once_lose_nothing(any_app: Flask) -> None:
    """Each value by two of eight: one of them is told that it is there."""
    outcomes: list[str] = []
    start = threading.Barrier(8)

    def add(number: int) -> None:
        with any_app.app_context():
            start.wait()
            for value in range(5):
                try:
                    add_entry(EVERYTHING, the_map(), wanted(f"{value}.{number % 4}.example"), actor=SYSTEM)
                    outcomes.append("added")
                except Conflict:
                    outcomes.append("there")

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["added"] * 20 + ["there"] * 20
    with any_app.app_context():
        assert len(alive()) == 20
        numbers = db.session.scalars(select(MapRevision.number).order_by(MapRevision.number)).all()
        assert numbers == list(range(1, 21))


def test_all_that_a_search_finds_is_switched_in_one_change(any_app: Flask) -> None:
    list_value(any_app, SENDERS, *(f"{number}.example" for number in range(30)), "other.test")
    with any_app.app_context():
        wish = Wish(text="EXAMPLE")
        before = the_map().revision
        soon = stored_now() + timedelta(days=1)
        assert switch_all(EVERYTHING, the_map(), wish.conditions(stored_now()), RevisionVerb.DISABLED, actor=SYSTEM) == 30
        assert switch_all(EVERYTHING, the_map(), wish.conditions(stored_now()), RevisionVerb.EXPIRY_SET, actor=SYSTEM, until=soon) == 30
        assert the_map().revision == before + 2
        assert count_of(EVERYTHING, the_map(), Wish(state=State.OFF), 100) == 30
        assert count_of(EVERYTHING, the_map(), Wish(state=State.EXPIRES), 100) == 30
        assert count_of(EVERYTHING, the_map(), Wish(state=State.ON), 20) == 1
        assert count_of(EVERYTHING, the_map(), Wish(), 20) == 21
        with pytest.raises(BadRequest):
            switch_all(EVERYTHING, the_map(), (), RevisionVerb.EXPIRY_SET, actor=SYSTEM, until=stored_now())


def test_a_map_goes_back_to_any_revision_and_the_way_back_can_be_gone_back(any_app: Flask) -> None:
    with any_app.app_context():
        states = [{}]
        for step in range(12):
            here = alive()
            if step % 4 == 3:
                switch(EVERYTHING, the_map(), [next(iter(here.values())).id], RevisionVerb.REMOVED, actor=SYSTEM)
            elif step % 4 == 2:
                entry = next(iter(here.values()))
                change_entry(EVERYTHING, the_map(), entry.id, wanted(entry.value, comment=f"step {step}"), actor=SYSTEM)
            else:
                add_entry(EVERYTHING, the_map(), wanted(f"{step}.example", comment=str(step)), actor=SYSTEM)
            states.append({value: entry.comment for value, entry in alive().items()})
        last = the_map().revision
        for number, state in enumerate(states):
            rows, _more = entries_at(EVERYTHING, the_map(), number)
            assert {row.value: row.comment for row in rows} == state
        for number in (3, 0, 9, last):
            roll_back(EVERYTHING, the_map(), number, the_map().revision, actor=SYSTEM)
            assert {value: entry.comment for value, entry in alive().items()} == states[number]
            assert differences(EVERYTHING, the_map(), number, the_map().revision) == ([], None)
        newest = the_map().revision
        assert roll_back(EVERYTHING, the_map(), newest, newest, actor=SYSTEM) == newest
        with pytest.raises(Conflict):
            roll_back(EVERYTHING, the_map(), 3, newest - 1, actor=SYSTEM)
        with pytest.raises(NotFound):
            roll_back(EVERYTHING, the_map(), newest + 1, newest, actor=SYSTEM)


@pytest.mark.parametrize("many", [0, 20_000], ids=["by value", "by revision"])
def test_the_difference_of_two_revisions_says_what_came_went_and_changed(app: Flask, monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    monkeypatch.setattr(map_history, "_MANY", many)
    list_value(app, SENDERS, "a.example", "b.example")
    with app.app_context():
        here = alive()
        change_entry(EVERYTHING, the_map(), here["a.example"].id, wanted("a.example", comment="now"), actor=SYSTEM)
        switch(EVERYTHING, the_map(), [here["b.example"].id], RevisionVerb.REMOVED, actor=SYSTEM)
        add_entry(EVERYTHING, the_map(), wanted("c.example"), actor=SYSTEM)
        rows, _more = differences(EVERYTHING, the_map(), 2, 5)
        told = [(row.value, row.before is not None, row.after is not None, row.changed) for row in rows]
        assert told == [("a.example", True, True, ["comment"]), ("b.example", True, False, []), ("c.example", False, True, [])]
        back, _more = differences(EVERYTHING, the_map(), 5, 2)
        assert [(row.value, row.after is not None) for row in back] == [("a.example", True), ("b.example", True), ("c.example", False)]
        pages, after = [], ""
        while after is not None:
            page, after = differences(EVERYTHING, the_map(), 2, 5, after=after, size=1)
            pages += page
        assert [row.value for row in pages] == [row.value for row in rows]


# --- whose entries --------------------------------------------------------------------------------------------------------


def attempt(act: Any) -> str:
    try:
        act()
    except MailkeepError as error:
        db.session.rollback()
        return type(error).__name__
    return "done"


@pytest.mark.parametrize("foreign", list(Foreign))
def test_a_recipient_keeps_pairs_for_their_own_addresses_only(app: Flask, foreign: Foreign) -> None:
    bob = MapReach(user_id=7, own=Scope(("bob@example.com",)), foreign=foreign)
    list_value(app, PAIRS, "a.test|bob@example.com", "a.test|carol@example.com", "a.test|example.com")
    with app.app_context():
        found = the_map(PAIRS)
        assert attempt(lambda: add_entry(bob, found, wanted("b.test|bob@example.com", "pair"), actor=SYSTEM)) == "done"
        for refused in ("b.test|carol@example.com", "b.test|example.com", "b.test|bob@example.com.evil.test"):
            assert attempt(lambda value=refused: add_entry(bob, found, wanted(value, "pair"), actor=SYSTEM)) == "NotAllowed"
        assert attempt(lambda: add_entry(bob, the_map(SENDERS), wanted("b.test"), actor=SYSTEM)) == "NotFound"
        seen = {entry.value for entry in entries_of(bob, found).rows}
        theirs = set() if foreign is Foreign.HIDE else {"a.test|bob@example.com"}
        assert seen == {"b.test|bob@example.com"} | theirs
        here = alive(PAIRS)
        others, own = here["a.test|carol@example.com"].id, here["b.test|bob@example.com"].id
        made_for, whole = here["a.test|bob@example.com"].id, here["a.test|example.com"].id
        for number in (others, whole, 999_999, 1 << 70):  # one is as little there as the other
            assert attempt(lambda n=number: switch(bob, found, [own, n], RevisionVerb.DISABLED, actor=SYSTEM)) == "Conflict"
            change = partial(change_entry, bob, found, number, wanted("x.test|bob@example.com", "pair"), actor=SYSTEM)
            assert attempt(change) == "NotFound"
        assert attempt(lambda: change_entry(bob, found, own, wanted("b.test|carol@example.com", "pair"), actor=SYSTEM)) == "NotAllowed"
        may_toggle, may_delete = foreign in (Foreign.TOGGLE, Foreign.DELETE), foreign is Foreign.DELETE
        refused = "Conflict" if foreign is Foreign.HIDE else "NotAllowed"
        assert attempt(lambda: switch(bob, found, [made_for], RevisionVerb.REMOVED, actor=SYSTEM)) == ("done" if may_delete else refused)
        if not may_delete:
            expected = "done" if may_toggle else refused
            assert attempt(lambda: switch(bob, found, [made_for], RevisionVerb.DISABLED, actor=SYSTEM)) == expected
        assert switch_all(bob, found, (), RevisionVerb.REMOVED, actor=SYSTEM) == 1
        assert {"a.test|carol@example.com", "a.test|example.com"} <= set(alive(PAIRS))


def test_a_domain_admin_keeps_the_pairs_of_his_domains(app: Flask) -> None:
    list_value(app, PAIRS, "a.test|bob@example.com", "a.test|example.com", "a.test|bob@example.org")
    lead = MapReach(user_id=8, domain_admin=True, own=Scope(("lead@example.net",), ("example.com",)))
    with app.app_context():
        found = the_map(PAIRS)
        assert {entry.rcpt for entry in entries_of(lead, found).rows} == {"bob@example.com", "example.com"}
        assert attempt(lambda: add_entry(lead, found, wanted("b.test|example.com", "pair"), actor=SYSTEM)) == "done"
        assert attempt(lambda: add_entry(lead, found, wanted("b.test|x@sub.example.com", "pair"), actor=SYSTEM)) == "NotAllowed"
        other = alive(PAIRS)["a.test|bob@example.org"]
        assert attempt(lambda: switch(lead, found, [other.id], RevisionVerb.REMOVED, actor=SYSTEM)) == "Conflict"
        assert switch_all(lead, found, (), RevisionVerb.REMOVED, actor=SYSTEM) == 3
        assert set(alive(PAIRS)) == {"a.test|bob@example.org"}
        assert attempt(lambda: roll_back(lead, found, 1, found.revision, actor=SYSTEM)) == "NotAllowed"


def test_an_entry_of_the_past_stays_as_it_was(app: Flask) -> None:
    list_value(app, SENDERS, "a.example")
    with app.app_context():
        (entry,) = alive().values()
        switch(EVERYTHING, the_map(), [entry.id], RevisionVerb.REMOVED, actor=SYSTEM)
        row = db.session.scalar(select(MapEntry).where(MapEntry.id == entry.id))
        assert (row.value, row.until) == ("a.example", 2)
        assert row.until != ALIVE


# --- maps themselves ------------------------------------------------------------------------------------------------------


def test_a_map_that_held_pairs_shows_them_to_nobody_as_something_else(app: Flask) -> None:
    """Its history is seen by whoever sees a map of another kind: domain admins, say."""
    make_map(app, "lent", "pair", editors=Editors.EVERYBODY)
    list_value(app, "lent", "a.test|bob@example.com")
    with app.app_context():
        (entry,) = alive("lent").values()
        switch(EVERYTHING, the_map("lent"), [entry.id], RevisionVerb.REMOVED, actor=SYSTEM)
        other = replace(definition_of(the_map("lent")), kind=MapKind.ADDRESS, editors=Editors.DOMAIN_ADMINS)
        with pytest.raises(Conflict):
            change_map(the_map("lent"), 1, other, actor=SYSTEM)
        assert the_map("lent").kind == MapKind.PAIR


def test_a_score_next_to_nothing_is_none(app: Flask) -> None:
    """An entry's own is divided by its map's."""
    make_map(app, "tiny", score=1e-300)
    with app.app_context():
        assert the_map("tiny").score == 0


@pytest.mark.parametrize("message", [(1213, "Deadlock found"), ("database is locked",)])
def test_who_deletes_or_makes_a_map_beside_others_is_told_to_try_again(app: Flask, monkeypatch: pytest.MonkeyPatch, message: Any) -> None:
    def busy(*_anything: Any) -> None:
        raise OperationalError("", {}, Exception(*message))

    make_map(app, "mine")
    monkeypatch.setattr(maps, "locked", busy)
    monkeypatch.setattr(maps, "_must_be_free", busy)
    with app.app_context():
        for act in (
            lambda: delete_map(the_map("mine"), 1, actor=SYSTEM),
            lambda: maps.make_map(replace(definition_of(the_map("mine")), name="other", symbol="OTHER"), actor=SYSTEM),
        ):
            with pytest.raises(Unavailable):
                act()
        assert the_map("mine").version == 1
