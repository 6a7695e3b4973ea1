"""An act on many mails: all that is meant and nothing else, with the rights of who asked, whatever single mails do."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select

from app.errors import BadRequest, Conflict
from app.extensions import db
from app.models import BulkRun, MailRecipient, UserDomain
from app.models.people import RoleRow, User
from app.services import acts, bulk, bulk_work
from app.services.audit import verify
from app.storage import store_for
from tests.apps import close
from tests.bulk import counts, events, lease_is_over, ordered, releases, run_of, told, user_id, worked
from tests.databases import SqliteCopies
from tests.make import make_mails, make_user
from tests.releases import ADMIN, BOB, CAROL, asked, releasing_app, sent, stored
from tests.servers.relay import Relay


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, relay.url, UNDO_SECONDS=60)
    make_user(app, "root")
    yield app
    close(app)


def test_all_that_a_search_finds_is_released_once_and_the_rest_is_told_of(app: Flask, relay: Relay) -> None:
    app.config["UNDO_SECONDS"] = 0
    mails = [stored(app, action="reject") for _ in range(3)]
    made_before, virus, gone = stored(app), stored(app, virus="Eicar"), stored(app)
    asked(app, made_before)
    sent(app)
    with app.app_context():
        store = store_for(app.config["STORE_URL"])
        store.delete(db.session.get(acts.Mail, gone).copy_digest)
    make_mails(app, 1)  # no copy: not found by this search
    run = ordered(app, total=6)
    worked(app)
    assert counts(app, run) == ("done", 3, 2, 1)
    assert told(app, run) == {
        made_before: "It was released before.",
        virus: "A virus was found in it.",
        gone: "The stored copy is gone.",
    }
    assert sent(app) == 3
    assert sorted(releases(app)) == sorted([*mails, made_before])
    begun, ended = events(app)
    assert begun == ("bulk.begun", {"act": "release", "mails": 6, "search": ["stored.is=yes"]})
    assert ended == ("bulk.ended", {"state": "done", "done": 3, "skipped": 2, "failed": 1})
    with app.app_context():
        assert verify() is None


def test_a_second_run_finds_all_of_it_done(app: Flask) -> None:
    mails = [stored(app) for _ in range(3)]
    ordered(app)
    worked(app)
    again = ordered(app)
    worked(app)
    assert (counts(app, again), releases(app)) == (("done", 0, 3, 0), sorted(mails))


def test_only_the_ticked_and_of_those_what_is_there(app: Flask) -> None:
    first, _other, last = (stored(app) for _ in range(3))
    run = ordered(app, ids=(first, last, 7), search=())
    worked(app)
    assert (counts(app, run), releases(app)) == (("done", 2, 1, 0), [first, last])
    assert told(app, run) == {7: "There is no such mail."}


def test_what_came_after_the_order_is_left_alone_also_while_it_goes_on(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_work, "_BATCH", 1)
    mails = [stored(app) for _ in range(3)]
    run = ordered(app, before=mails[-1] + 1)
    late = stored(app)
    act = acts.ACTS["release"].run
    arrived = []

    def acted(user: object, mail: acts.Mail, options: object, actor: acts.Actor) -> acts.Outcome:
        arrived.append(stored(app))
        return act(user, mail, (), actor)

    monkeypatch.setitem(acts.ACTS, "release", replace(acts.ACTS["release"], run=acted))
    worked(app)
    assert (len(arrived), releases(app)) == (3, mails)
    assert late not in releases(app)
    assert counts(app, run) == ("done", 3, 0, 0)


def test_no_more_than_the_setting_says(app: Flask) -> None:
    app.config["BULK_MAX"] = 2
    mails = [stored(app) for _ in range(4)]
    run = ordered(app)
    worked(app)
    assert (counts(app, run), releases(app)) == (("done", 2, 0, 0), mails[2:])


def test_a_recipient_releases_to_himself_and_to_nobody_else(app: Flask) -> None:
    """And not where his own list blocks it, nor a virus, whatever he ticks."""
    make_user(app, "bob", "Recipient")
    shared, carols, virus, blocked = stored(app, BOB, CAROL), stored(app, CAROL), stored(app, virus="Eicar"), stored(app)
    with app.app_context():
        row = db.session.scalars(select(MailRecipient).where(MailRecipient.mail_id == blocked)).one()
        row.personal = "deny"
        db.session.commit()
    run = ordered(app, "bob", ("Recipient",), ids=(shared, carols, virus, blocked), search=(), options=["viruses"])
    worked(app)
    assert (counts(app, run), releases(app)) == (("done", 1, 3, 0), [shared])
    assert told(app, run) == {
        carols: "There is no such mail.",
        virus: "It is not yours to release.",
        blocked: "The recipient's own list blocks it.",
    }
    with app.app_context():
        assert db.session.scalars(select(acts.release.Release.address)).all() == [BOB]


def test_a_virus_goes_where_it_was_said(app: Flask) -> None:
    virus = stored(app, virus="Eicar")
    run = ordered(app, options=["viruses"])
    worked(app)
    assert (counts(app, run), releases(app)) == (("done", 1, 0, 0), [virus])


def switched_off(user: User) -> None:
    user.active = False


def without_role(user: User) -> None:
    user.roles = [db.session.scalars(select(RoleRow).where(RoleRow.name == "Recipient")).one()]


@pytest.mark.parametrize("what", [switched_off, without_role])
def test_who_may_not_do_it_any_more_does_not(app: Flask, monkeypatch: pytest.MonkeyPatch, what: object) -> None:
    monkeypatch.setattr(bulk_work, "_BATCH", 1)
    make_user(app, "chief", "Domain admin")
    number = user_id(app, "chief")
    with app.app_context():
        db.session.add(UserDomain(user_id=number, domain="example.com", created_at=bulk.stored_now()))
        db.session.commit()
    mails = [stored(app) for _ in range(3)]
    run = ordered(app, "chief", ("Domain admin",))
    act = acts.ACTS["release"].run

    def acted(user: object, mail: acts.Mail, options: object, actor: acts.Actor) -> acts.Outcome:
        found = act(user, mail, (), actor)
        what(db.session.get(User, number))  # type: ignore[operator]
        db.session.commit()
        return found

    monkeypatch.setitem(acts.ACTS, "release", replace(acts.ACTS["release"], run=acted))
    worked(app)
    assert (counts(app, run), releases(app)) == (("failed", 1, 0, 0), mails[-1:])
    assert run_of(app, run).words.startswith("Who asked for it may not do this any more")
    assert events(app)[-1][1]["why"] == run_of(app, run).words


def test_never_more_than_who_asked_could_then(app: Flask) -> None:
    """An admin at the portal, or with a key, is a recipient; becoming an admin meanwhile makes it no more, either."""
    mails = stored(app), stored(app, "root@example.com")
    run = ordered(app, "root", ("Recipient",), ids=mails, search=())
    worked(app)
    assert (counts(app, run), releases(app)) == (("done", 1, 1, 0), [mails[1]])


def test_an_admin_who_acts_as_somebody_may_as_long_as_he_is_one(app: Flask) -> None:
    make_user(app, "bob", "Recipient")
    mails = [stored(app) for _ in range(2)]
    number, root = user_id(app, "bob"), user_id(app, "root")
    order = bulk.Order("release", "a1", number, ("Recipient",), before=mails[-1] + 1, total=2, ids=mails)
    with app.app_context():
        run = bulk.begin(order, actor=acts.Actor("root", root, "192.0.2.1", on_behalf_of="bob"))
        db.session.get(User, root).active = False
        db.session.commit()
    worked(app)
    assert (counts(app, run), releases(app)) == (("failed", 0, 0, 0), [])


def test_the_same_page_sent_twice_is_one_run_and_nobody_orders_without_end(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "MOST_UNDER_WAY", 2)
    assert ordered(app, token="one") == ordered(app, token="one")
    ordered(app, token="two")
    with pytest.raises(Conflict, match="under way"):
        ordered(app, token="three")
    assert ordered(app, token="two")
    for wrong in ({"act": "nothing"}, {"options": ["everything"]}, {"ids": range(1, 1002)}):
        with pytest.raises(BadRequest):
            ordered(app, **wrong)


def test_a_mail_that_breaks_the_act_is_told_of_and_the_next_has_its_turn(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    mails = [stored(app) for _ in range(3)]
    act = acts.ACTS["release"].run

    def breaks(user: object, mail: acts.Mail, options: object, actor: acts.Actor) -> acts.Outcome:
        if mail.id == mails[1]:
            raise ZeroDivisionError
        return act(user, mail, (), actor)

    monkeypatch.setitem(acts.ACTS, "release", replace(acts.ACTS["release"], run=breaks))
    run = ordered(app)
    worked(app)
    assert (counts(app, run), releases(app)) == (("done", 2, 0, 1), [mails[0], mails[2]])
    assert "log" in told(app, run)[mails[1]]


def test_a_mail_at_which_processes_die_is_passed_after_some(app: Flask) -> None:
    mails = [stored(app) for _ in range(2)]
    run = ordered(app)
    for _ in range(3):
        with app.app_context():
            assert bulk_work._claim_one() is not None
            assert bulk_work._claim_one() is None, "while somebody has it"
        lease_is_over(app, run)
    worked(app)
    assert (counts(app, run), releases(app)) == (("done", 1, 0, 1), mails[:1])


def test_a_cancelled_run_stops_and_what_waits_can_be_undone(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    mails = [stored(app) for _ in range(4)]
    run = ordered(app)
    act, seen = acts.ACTS["release"].run, []

    def cancels(user: object, mail: acts.Mail, options: object, actor: acts.Actor) -> acts.Outcome:
        seen.append(mail.id)
        outcome = act(user, mail, (), actor)
        if len(seen) == 2:
            bulk.cancel(run, actor=ADMIN)
        return outcome

    monkeypatch.setitem(acts.ACTS, "release", replace(acts.ACTS["release"], run=cancels))
    worked(app)
    assert (counts(app, run), releases(app)) == (("cancelled", 2, 0, 0), mails[2:])
    with app.app_context():
        with pytest.raises(Conflict, match="ended"):
            bulk.cancel(run, actor=ADMIN)
        root = db.session.get(User, user_id(app, "root"))
        assert bulk.undo_all(root, run, actor=ADMIN) == (2, 0)
        assert bulk.undo_all(root, run, actor=ADMIN) == (0, 0)
    assert (run_of(app, run).undone, sent(app)) == (2, 0)
    assert [verb for verb, _after in events(app)] == ["bulk.begun", "bulk.ended"]


def test_what_has_gone_is_not_undone(app: Flask) -> None:
    stored(app)
    run = ordered(app)
    worked(app)
    with app.app_context():
        db.session.execute(bulk.update(acts.release.Release).values(next_try_at=bulk.stored_now()))
        db.session.commit()
    assert sent(app) == 1
    with app.app_context():
        root = db.session.get(User, user_id(app, "root"))
        assert bulk.undo_all(root, run, actor=ADMIN) == (0, 1)


def test_runs_have_their_turn_one_after_the_other(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long one keeps no short one from it."""
    monkeypatch.setattr(bulk_work, "_SLICE_SECONDS", 0.0)
    for _ in range(3):
        stored(app)
    monkeypatch.setattr(bulk_work, "_BATCH", 1)
    first, second = ordered(app), ordered(app)
    with app.app_context():
        claimed = [bulk_work._claim_one() for _ in range(2)]
        assert [each.id for each in claimed if each] == [first, second]
        for each in reversed(claimed):
            assert each is not None
            bulk_work._let_go(each)
        again = bulk_work._claim_one()
        assert again is not None
        assert again.id == second


def test_a_search_that_takes_longer_than_a_turn_comes_to_its_end_all_the_same(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_work, "_SLICE_SECONDS", 0.0)
    mails = [stored(app) for _ in range(3)]
    run = ordered(app, total=3)
    assert worked(app) == 4, "a mail each, and one that finds no more"
    assert (counts(app, run), releases(app)) == (("done", 3, 0, 0), mails)


def test_old_runs_are_forgotten_with_what_they_told(app: Flask) -> None:
    run = ordered(app, ids=(7,), search=())
    worked(app)
    with app.app_context():
        db.session.get(BulkRun, run).ended_at -= 2 * bulk._KEPT
        db.session.commit()
        bulk.forget_old()
        assert db.session.get(BulkRun, run) is None
    assert told(app, run) == {}
