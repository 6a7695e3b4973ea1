"""Related mails: by sender, subject, message id and address, of the last days, for whom they are."""

from datetime import timedelta

import pytest
from flask import Flask

from app.extensions import db
from app.ids import first_id_at
from app.models import Mail
from app.queries import related
from app.queries.related import Related, related_mails
from app.queries.scope import ALL, Scope
from app.queries.search import Found
from tests.make import make_mails

Of = dict[str, list[int]]
ALONE = {"ip": "203.0.113.200", "mail_from": "alone@alone.example"}


def found(app: Flask, mail_id: int, addresses: tuple[str, ...] | None = None) -> list[Related]:
    with app.app_context():
        return related_mails(db.session.get_one(Mail, mail_id), ALL if addresses is None else Scope(addresses=addresses))


def ids(kinds: list[Related]) -> Of:
    return {kind.field: [row.id for row in kind.rows] for kind in kinds}


def test_each_kind_finds_its_own_newest_first(any_app: Flask) -> None:
    [mine] = make_mails(any_app, 1, subject="Offer", message_id="1@x", ip="192.0.2.1", mail_from="a@one.example")
    [by_sender] = make_mails(any_app, 1, subject="Else", message_id="2@x", ip="192.0.2.2", mail_from="A@One.example")
    [by_subject] = make_mails(any_app, 1, subject="Offer", message_id="3@x", ip="192.0.2.3", mail_from="b@two.example")
    [by_id] = make_mails(any_app, 1, subject="Third", message_id="1@x", ip="192.0.2.4", mail_from="c@three.example")
    [by_ip, by_ip_too] = make_mails(any_app, 2, message_id="4@x", ip="192.0.2.1", mail_from="d@four.example")
    make_mails(any_app, 1, **ALONE)
    assert ids(found(any_app, mine)) == {"message_id": [by_id], "sender": [by_sender], "subject": [by_subject], "ip": [by_ip_too, by_ip]}


def test_nothing_empty_relates_one_mail_to_another(any_app: Flask) -> None:
    [mine, _] = make_mails(any_app, 2, subject="", message_id="", ip=None, mail_from="")
    assert found(any_app, mine) == []


def test_only_what_the_viewer_may_see_is_related(any_app: Flask) -> None:
    same = {"subject": "Same", "message_id": "1@x"}
    [mine, seen] = make_mails(any_app, 2, recipients=("carol@example.com",), **same)
    [hidden] = make_mails(any_app, 1, recipients=("bob@example.com",), **same)
    assert {tuple(rows) for rows in ids(found(any_app, mine, ("carol@example.com",))).values()} == {(seen,)}
    assert {tuple(rows) for rows in ids(found(any_app, mine)).values()} == {(hidden, seen)}
    assert found(any_app, mine, ()) == []


@pytest.mark.parametrize(("others", "more"), [(10, False), (11, True), (12, True)])
def test_at_most_ten_are_told_and_that_there_are_more(any_app: Flask, others: int, more: bool) -> None:
    first = make_mails(any_app, others + 1, subject="Same", ip=None, mail_from="")[0]
    [kind] = found(any_app, first)
    assert (len(kind.rows), kind.more) == (10, more)


def test_what_is_older_than_thirty_days_is_left_out(app: Flask) -> None:
    [old, barely, mine] = make_mails(app, 3, subject="Same", ip=None, mail_from="")
    with app.app_context():
        received = db.session.get_one(Mail, mine).received_at
        for mail_id, days in ((old, 31), (barely, 29)):
            db.session.get_one(Mail, mail_id).id = first_id_at(received - timedelta(days=days)) + 1
        db.session.commit()
        barely = first_id_at(received - timedelta(days=29)) + 1
    assert ids(found(app, mine)) == {"subject": [barely]}


def test_time_that_ran_out_is_told_instead_of_nothing_found(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    [mine] = make_mails(app, 1, subject="Same", message_id="", ip=None, mail_from="")
    monkeypatch.setattr(related, "find", lambda *_, **__: Found([], searched_to=mine))
    [kind] = found(app, mine)
    assert (kind.field, list(kind.rows), kind.searched_to) == ("subject", [], mine)


def test_a_subject_that_was_cut_or_has_wildcards_is_compared_as_it_is(any_app: Flask) -> None:
    for subject in ("100% off_", "x" * 2000, "Größe ΑΒΓ \N{PILE OF POO}"):
        [mine, other] = make_mails(any_app, 2, subject=subject, ip=None, mail_from="")
        assert ids(found(any_app, mine)) == {"subject": [other]}
