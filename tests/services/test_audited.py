"""What services change of accounts and searches is told of: who did it, to whom, before and after; and nothing where it failed."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.actor import Actor
from app.errors import MailkeepError
from app.extensions import db
from app.models import AuditEvent
from app.queries.people import Reach
from app.services import addresses, passwords, people, searches
from app.services.audit import verify
from tests.make import PASSWORD, make_user

ALL = Reach(everybody=True)
BOSS = Actor("boss", 1, "192.0.2.1")


def told() -> list[tuple[str, str, str, str]]:
    rows = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id))
    assert all((row.actor, row.user_id, row.ip) == ("boss", 1, "192.0.2.1") for row in rows)
    rows = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id))
    return [(row.verb, row.target_id, row.before, row.after) for row in rows]


def test_each_change_of_an_account_is_an_event(any_app: Flask) -> None:
    make_user(any_app, "boss")
    with any_app.app_context():
        user = people.add_user("dave", PASSWORD, "Dave@example.com", ["Recipient"], actor=BOSS)
        people.set_roles(user, ["Auditor", "Domain admin"], actor=BOSS)
        people.set_active(user, False, actor=BOSS)
        addresses.add_address(ALL, user, "d@example.net", actor=BOSS)
        addresses.change_address(ALL, user, "D@example.net", "d@example.org", actor=BOSS)
        addresses.remove_address(ALL, user, "d@example.org", actor=BOSS)
        addresses.set_domains(user, ["b.example", "a.example"], actor=BOSS)
        addresses.set_domains(user, ["b.example"], actor=BOSS)
        passwords.set_password(user, "Another-Horse-77", actor=BOSS)
        people.delete_user(user, actor=BOSS)
        db.session.remove()
        assert told() == [
            ("account.added", "dave", "", '{"email": "dave@example.com", "roles": ["Recipient"]}'),
            ("account.roles", "dave", '{"roles": ["Recipient"]}', '{"roles": ["Auditor", "Domain admin"]}'),
            ("account.active", "dave", '{"active": true}', '{"active": false}'),
            ("account.address.added", "dave", "", '{"address": "d@example.net", "source": "admin"}'),
            ("account.address.changed", "dave", '{"address": "d@example.net"}', '{"address": "d@example.org"}'),
            ("account.address.removed", "dave", '{"address": "d@example.org"}', ""),
            ("account.domains", "dave", '{"domains": []}', '{"domains": ["a.example", "b.example"]}'),
            ("account.domains", "dave", '{"domains": ["a.example", "b.example"]}', '{"domains": ["b.example"]}'),
            ("account.password", "dave", "", ""),
            ("account.deleted", "dave", '{"active": false, "email": "dave@example.com", "roles": ["Auditor", "Domain admin"]}', ""),
        ]
        assert verify() is None


REFUSED: dict[str, Callable[[Any], object]] = {
    "a name that is taken": lambda _boss: people.add_user("boss", PASSWORD, "new@example.com", ["Recipient"], actor=BOSS),
    "an address that is none": lambda _boss: people.add_user("dave", PASSWORD, "nonsense", ["Recipient"], actor=BOSS),
    "the last admin's role": lambda boss: people.set_roles(boss, ["Recipient"], actor=BOSS),
    "the last admin": lambda boss: people.delete_user(boss, actor=BOSS),
    "an address nobody has": lambda boss: addresses.remove_address(ALL, boss, "no@example.net", actor=BOSS),
    "somebody else's search": lambda _boss: searches.delete_search(1, 77, actor=BOSS),
}


@pytest.mark.parametrize("act", REFUSED.values(), ids=REFUSED)
def test_what_was_refused_is_no_change(app: Flask, act: Callable[[Any], object]) -> None:
    make_user(app, "boss")
    with app.app_context():
        with pytest.raises(MailkeepError):
            act(people.user_named("boss"))
        db.session.commit()
        assert told() == []


def test_what_the_database_refuses_leaves_no_event(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAB gives back nothing where its own commit fails, after it rolled back."""
    make_user(app, "boss")
    with app.app_context():
        monkeypatch.setattr(people, "find_user", lambda _name: None)
        with pytest.raises(MailkeepError):
            people.add_user("boss", PASSWORD, "new@example.com", ["Recipient"], actor=BOSS)
        db.session.commit()
        assert told() == []


def test_the_first_admin_is_made_by_the_command_line(app: Flask) -> None:
    with app.app_context():
        assert people.ensure_admin("root", PASSWORD, "root@example.com")
        [event] = db.session.scalars(select(AuditEvent))
        assert (event.verb, event.target_id, event.actor.partition(":")[0], event.ip) == ("account.added", "root", "command line", "")


def test_a_search_is_told_of_once_others_see_it_and_when_it_goes(any_app: Flask) -> None:
    make_user(any_app, "boss")
    with any_app.app_context():
        boss = people.user_named("boss").id
        searches.save_search(boss, "Mine", "score.ge=5", shared=False, actor=BOSS)
        kept = searches.save_search(boss, "Heavy", "score.ge=5", shared=True, actor=BOSS)
        searches.save_search(boss, "Heavy", "score.ge=9", shared=True, actor=BOSS)
        searches.save_search(boss, "Heavy", "score.ge=9", shared=False, actor=BOSS)
        searches.delete_search(boss, kept.id, actor=BOSS)
        number, five, nine = str(kept.id), '{"name": "Heavy", "query": "score.ge=5"}', '{"name": "Heavy", "query": "score.ge=9"}'
        assert told() == [
            ("search.shared", number, "", five),
            ("search.shared", number, five, nine),
            ("search.unshared", number, nine, nine),
            ("search.deleted", number, '{"name": "Heavy", "query": "score.ge=9", "shared": false}', ""),
        ]
