"""Personal lists: what is written for each recipient of a mail as it comes in, on each database."""

from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import event, text, update

from app.actor import SYSTEM
from app.clock import stored_now
from app.extensions import db
from app.ids import MailIds
from app.models import Mail, Map, MapEntry
from app.queries.people import Reach
from app.queries.personal import count_held, to_release, wishes_of
from app.queries.plan import Bounds
from app.queries.scope import Scope
from app.services import addresses, domains, people
from app.services.insert import insert_entries
from app.services.personal import book_of
from app.services.replay import replayer_of
from app.storage.spool import SUFFIX, write_one
from tests.make import list_value, make_entry, make_user

SPF = {"name": "R_SPF_ALLOW", "score": -0.2}
BLOCKED, ALLOWED = "mail_from_rcpt_to_blacklist", "mail_from_rcpt_to_whitelist"
BOB, CAROL = "bob@example.com", "carol@example.com"


def put(app: Flask, name: str, *pairs: str, **fields: Any) -> None:
    list_value(app, name, *pairs, **fields)
    with app.app_context():
        book_of(db.engine).forget()


def wishes(app: Flask, *rcpts: str, **fields: Any) -> list[str | None]:
    """Of each recipient, in their order."""
    entry = make_entry(recipients=rcpts, **fields)
    with app.app_context():
        insert_entries(db.engine, [entry], "mx1")
        return list(wishes_of(entry.id).values())


def test_each_recipient_has_what_their_own_list_says(any_app: Flask) -> None:
    put(any_app, BLOCKED, "sender@example.net|bob@example.com", "EXAMPLE.net|dave@example.org")
    put(any_app, ALLOWED, "sender@example.net|carol@example.com")
    put(any_app, "mime_from_rcpt_to_blacklist", "shop.example|example.com")
    assert wishes(any_app, "Bob@Example.com", CAROL, "dave@example.org", "eve@example.org", symbols=(SPF,)) == [
        "deny",
        "allow",
        "deny",
        None,
    ]
    assert wishes(any_app, BOB, CAROL) == ["deny", None]  # nothing proves the sender
    assert wishes(any_app, BOB, CAROL, mail_from="", header_from="") == [None, None]
    assert wishes(any_app, BOB, "x@example.org", header_from="Shop <news@Shop.example>", mail_from="b@b.example") == ["deny", None]
    assert wishes(any_app, BOB, user="sender@example.net") == ["deny"]  # a colleague, too


def test_lists_hold_for_tags_and_other_domains_but_not_for_what_is_somebody_elses(any_app: Flask) -> None:
    with any_app.app_context():
        domains.add_alias("alias.example", "example.com", actor=SYSTEM)
        make_user(any_app, "bob", "Recipient")
        make_user(any_app, "eve", "Recipient")
        for who, address in (("eve", "bob+team@example.com"), ("bob", "bob+mine@example.com")):
            addresses.add_address(Reach(everybody=True), people.user_named(who), address, actor=SYSTEM)
    put(any_app, BLOCKED, "example.net|bob@example.com")
    theirs = ("bob+x@example.com", "bob@alias.example", "bob+x@alias.example", "bob+mine@example.com")
    others = ("bob+team@example.com", "bob+team@alias.example", "bobby@example.com")
    assert wishes(any_app, *theirs, *others) == ["deny"] * 4 + [None] * 3
    put(any_app, BLOCKED, "other.example|example.com")
    assert wishes(any_app, *others, mail_from="a@other.example") == ["deny"] * 3


def test_only_what_counts_now_counts(any_app: Flask) -> None:
    put(any_app, BLOCKED, "off@example.net|bob@example.com", enabled=False)
    put(any_app, BLOCKED, "soon@example.net|bob@example.com", expires_at=stored_now() + timedelta(hours=1))
    put(any_app, BLOCKED, "gone@example.net|bob@example.com", "past@example.net|bob@example.com")
    senders = {"off@example.net": None, "soon@example.net": "deny", "gone@example.net": None, "past@example.net": None}
    with any_app.app_context():
        db.session.execute(update(MapEntry).where(MapEntry.value.startswith("gone")).values(until=99))
        db.session.execute(update(MapEntry).where(MapEntry.value.startswith("past")).values(expires_at=stored_now()))
        db.session.commit()
    assert {sender: wishes(any_app, BOB, mail_from=sender)[0] for sender in senders} == senders
    for values in ({"enabled": False}, {"enabled": True, "colour": "neutral"}):
        with any_app.app_context():
            db.session.execute(update(Map).where(Map.name == BLOCKED).values(values))
            db.session.commit()
            book_of(db.engine).forget()
        assert wishes(any_app, BOB, mail_from="soon@example.net") == [None]


def test_without_a_pair_nothing_is_asked(app: Flask) -> None:
    wishes(app, BOB)
    statements: list[str] = []
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        insert_entries(db.engine, [make_entry() for _ in range(3)], "mx1")
    assert not [statement for statement in statements if "map" in statement or "alias" in statement]


def test_where_the_lists_cannot_be_read_the_mail_is_taken(any_app: Flask) -> None:
    put(any_app, BLOCKED, "sender@example.net|bob@example.com")
    assert wishes(any_app, BOB) == ["deny"]
    with any_app.app_context(), db.engine.begin() as connection:
        connection.execute(text("DROP TABLE map_entry"))
    assert wishes(any_app, BOB) == [None]


def test_a_mail_to_thousands_is_asked_for_in_pieces_and_the_rest_of_the_batch_too(app: Flask) -> None:
    put(app, BLOCKED, "sender@example.net|user4999@example.com", "sender@example.net|bob@example.com")
    many = make_entry(recipients=tuple(f"user{number}@example.com" for number in range(5000)))
    few = make_entry()
    with app.app_context():
        insert_entries(db.engine, [many, few], "mx1")
        assert [address for address, wish in wishes_of(many.id).items() if wish] == ["user4999@example.com"]
        assert wishes_of(few.id) == {BOB: "deny"}


def test_a_replayed_mail_is_looked_up_as_well(app: Flask) -> None:
    put(app, BLOCKED, "sender@example.net|bob@example.com")
    entry = make_entry()
    with app.app_context():
        replayer = replayer_of(app, MailIds(1, 0))
        path = replayer.failed.parent / f"1{SUFFIX}"
        write_one(path, entry.to_record())
        assert replayer.replay(path).committed == 1
        assert wishes_of(entry.id) == {BOB: "deny"}


def test_what_is_to_be_released_is_kept_from_somebody_who_allows_it_and_has_no_virus(any_app: Flask) -> None:
    put(any_app, ALLOWED, "sender@example.net|bob@example.com", "sender@example.net|carol@example.com")
    made = [make_entry(symbols=(SPF,), keep=True, recipients=(BOB, "x@example.org", CAROL)) for _ in range(7)]
    quiet, delivered, released, infected, gone = (entry.id for entry in made[:5])
    with any_app.app_context():
        insert_entries(db.engine, made, "mx1")
        for mail_id, values in (
            (delivered, {"action": "add header"}),
            (released, {"release_state": "released"}),
            (infected, {"has_virus": True}),
            (gone, {"copy_state": "deleted"}),
        ):
            db.session.execute(update(Mail).where(Mail.id == mail_id).values(values))
        db.session.commit()
        found = to_release(0)
        assert [each.mail_id for each in found.mails] == [quiet, made[5].id, made[6].id]
        assert {each.addresses for each in found.mails} == {(BOB, CAROL)}
        assert (found.upto, found.is_last) == (made[6].id, True)
        one = to_release(quiet, most=1)
        assert ([each.mail_id for each in one.mails], one.upto, one.is_last) == ([made[5].id], made[5].id, False)
        piece = to_release(quiet, size=6)
        assert (piece.mails, piece.upto, piece.is_last) == ([], infected, False), "however few there are, no more is read"
        assert to_release(made[6].id).mails == []


def test_what_is_held_for_somebody_is_what_all_of_their_addresses_block(any_app: Flask) -> None:
    put(any_app, BLOCKED, "sender@example.net|bob@example.com", "sender@example.net|info@example.com")
    rcpts = ((BOB,), (BOB, CAROL), (BOB, "info@example.com"), (CAROL,))
    entries = [make_entry(recipients=each, keep=True) for each in rcpts]
    with any_app.app_context():
        insert_entries(db.engine, [*entries, make_entry()], "mx1")  # the last is not stored
        counts = {
            Scope((BOB,)): 3,
            Scope((BOB, CAROL)): 2,
            Scope((BOB, "info@example.com")): 3,
            Scope((CAROL,)): 0,
            Scope(domains=("example.com",)): 2,
        }
        assert {scope: count_held(scope, Bounds(), 10, 5) for scope in counts} == counts
        assert count_held(Scope((BOB,)), Bounds(low=entries[2].id), 10, 5) == 1
        assert count_held(Scope((BOB,)), Bounds(), 1, 5) == 2
