"""The sums of the statistics: each mail once, whenever it comes, and in each domain; they outlive the mails."""

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from app.extensions import db
from app.ids import MAX_ID, id_hour
from app.models import Counted, CountState, HourlyCount, Mail, MailDetail, MailRecipient, UserDomain
from app.queries import counts
from app.services import rollups
from tests.make import make_user
from tests.rollups import HOUR, NOW, begin, came, count, is_even, late, minutes, stand_at_noon, sums


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    return stand_at_noon(monkeypatch)


def test_each_mail_counts_once_in_the_whole_and_once_in_each_domain(any_app: Flask) -> None:
    begin(any_app)
    bob, two = "bob@example.com", ("bob@example.com", "carol@example.com", "dan@example.org", "nobody")
    came(any_app, minutes(5), bob, size=100, scan_ms=40.0)
    came(any_app, minutes(4), *two, size=1000, action="no action", user="bob", scan_ms=60.0, keep=True)
    came(any_app, minutes(3), bob, virus="Eicar", node="mx2", mail_from="")
    came(any_app, minutes(50), bob)
    assert count(any_app) == "Counted: 2 hours of now."
    assert sums(any_app) == {0: 3, -1: 1}
    assert sums(any_app, Counted.TO) == {(0, "example.com"): 3, (0, "example.org"): 1, (0, ""): 1, (-1, "example.com"): 1}
    assert sums(any_app, Counted.FROM) == {(0, "example.net"): 2, (0, ""): 1, (-1, "example.net"): 1}
    assert sums(any_app, Counted.VIRUS) == {(0, "Eicar"): 1}
    is_even(any_app)
    with any_app.app_context():
        row = db.session.scalars(select(HourlyCount).where(HourlyCount.kind == Counted.ALL, HourlyCount.direction == "out")).one()
        assert (row.node, row.action, row.mails, row.bytes, row.stored, row.viruses) == ("mx1", "no action", 1, 1000, 1, 0)
        assert (row.scanned, row.scan_ms) == (1, 60.0)
        virus = db.session.scalars(select(HourlyCount).where(HourlyCount.kind == Counted.ALL, HourlyCount.node == "mx2")).one()
        assert (virus.viruses, virus.direction, virus.scanned) == (1, "in", 0)
    came(any_app, minutes(2), bob)
    count(any_app)
    count(any_app)
    assert sums(any_app) == {0: 4, -1: 1}
    is_even(any_app)


def test_the_past_is_counted_from_its_newest_hour_on_and_all_of_it_by_command(any_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(any_app)
    for hours in (2, 3, 30, 5000, 40_000):
        came(any_app, timedelta(hours=hours))
    clock = iter(range(0, 100_000, 20))
    monkeypatch.setattr(rollups, "monotonic", lambda: next(clock))
    assert "2 of the past" in count(any_app)
    assert sums(any_app) == {-2: 1, -3: 1}
    assert count(any_app, dry=True).startswith("0 hours of now would be counted, and 0 mails that came late be added. What came before")
    assert count(any_app, whole=True) == "Counted: 2 of the past."
    assert sums(any_app) == {-2: 1, -3: 1, -30: 1, -5000: 1}
    assert count(any_app) == "Counted: nothing."
    assert late(any_app) == 0
    is_even(any_app)


def test_what_comes_late_is_added_whatever_has_gone_by_then(any_app: Flask, at_noon: list[datetime]) -> None:
    begin(any_app)
    first = [came(any_app, timedelta(hours=5), "bob@example.com") for _ in range(3)]
    count(any_app)
    assert (sums(any_app), late(any_app)) == ({-5: 3}, 0)
    with any_app.app_context():
        for model, column in ((Mail, Mail.id), (MailDetail, MailDetail.mail_id), (MailRecipient, MailRecipient.mail_id)):
            db.session.execute(delete(model).where(column.in_(first)))
        db.session.commit()
    came(any_app, timedelta(hours=5), "carol@example.org", action="no action")
    came(any_app, timedelta(hours=5), "bob@example.com", scan_ms=70.0)
    came(any_app, timedelta(days=400), "bob@example.com")
    assert late(any_app) == 3
    assert count(any_app) == "Counted: 3 mails that came late."
    assert sums(any_app) == {-5: 5, -9600: 1}
    assert sums(any_app, Counted.TO) == {(-5, "example.com"): 4, (-5, "example.org"): 1, (-9600, "example.com"): 1}
    is_even(any_app)
    count(any_app)
    assert (sums(any_app)[-5], late(any_app)) == (5, 0)


def test_a_million_made_up_domains_are_one_sum_and_those_of_domain_admins_their_own(app: Flask, at_noon: list[datetime]) -> None:
    app.config["STATISTICS_NAMES"] = 3
    begin(app)
    make_user(app, "chief", role="Domain admin")
    with app.app_context():
        db.session.add(UserDomain(user_id=1, domain="small.example", created_at=NOW.replace(tzinfo=None)))
        db.session.commit()
    for number in range(8):
        came(app, minutes(number), f"a@made-up{number}.example", f"b@made-up{number + 1}.example")
    came(app, minutes(3), "bob@small.example")
    count(app)
    names = {name: mails for (_hour, name), mails in sums(app, Counted.TO).items()}
    assert len(names) == 5
    assert names["small.example"] == 1
    assert sum(names.values()) == 17
    assert sums(app) == {0: 9}
    app.config["STATISTICS_NAMES"] = 4
    at_noon[0] = NOW + timedelta(hours=1)
    begin(app, HOUR + 1)
    came(app, minutes(1), "x@one-more.example", "x@small.example", "x@another.example", "x@third.example", "x@made-up1.example")
    with app.app_context():
        db.session.execute(update(CountState).values(counted_from=0))
        db.session.commit()
    assert count(app) == "Counted: 1 mails that came late."
    names = {name: mails for (_hour, name), mails in sums(app, Counted.TO).items()}
    assert names["small.example"] == 2
    assert (len(names), sum(names.values())) == (6, 22)


def test_of_many_mails_some_tell_how_long_they_took(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "_LOOKED_AT", 5)
    begin(app)
    for number in range(40):
        came(app, timedelta(seconds=60 + number * 0.37), scan_ms=50.0)
    count(app)
    with app.app_context():
        row = db.session.scalars(select(HourlyCount).where(HourlyCount.kind == Counted.ALL)).one()
    assert 0 < row.scanned < 20
    assert row.scan_ms == row.scanned * 50.0
    assert row.mails == 40


def test_what_is_summed_at_once_is_bounded_by_recipients_also_of_one_instant(any_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "_AT_ONCE", 6)
    monkeypatch.setattr(counts, "_LATE_RECIPIENTS", 6)
    many = tuple(f"r{number}@d{number % 3}.example" for number in range(8))
    for number in range(17):
        came(any_app, timedelta(hours=3), *many[: 1 + number % 4])
    for _ in range(2):
        came(any_app, timedelta(hours=3), *many)
    heavy: list[int] = []
    real = counts._sums

    def seen(within: counts.Within) -> counts.Sums:
        each = db.session.scalars(select(Mail.rcpt_count).where(*within(Mail.id))).all()
        assert sum(each) <= 6 or len(each) == 1
        heavy.append(sum(each))
        return real(within)

    monkeypatch.setattr(counts, "_sums", seen)
    begin(any_app)
    count(any_app)
    assert (sums(any_app), sum(heavy)) == ({-3: 19}, 57)
    assert sums(any_app, Counted.TO) == {(-3, "d0.example"): 19, (-3, "d1.example"): 14, (-3, "d2.example"): 10}
    heavy.clear()
    for number in range(6):
        came(any_app, timedelta(hours=3), *many[: 2 + 6 * (number % 2)])
    assert late(any_app) == 6
    count(any_app)
    assert (sums(any_app), late(any_app), sum(heavy)) == ({-3: 25}, 0, 30)


def test_sums_go_when_they_are_old(app: Flask, at_noon: list[datetime]) -> None:
    app.config["STATISTICS_DAYS"] = 40
    begin(app)
    for days in (1, 39, 40):
        came(app, timedelta(days=days))
    count(app, whole=True)
    assert sums(app) == {-24: 1, -39 * 24: 1, -40 * 24: 1}
    at_noon[0] = NOW + timedelta(days=2)
    came(app, timedelta(days=-2))
    count(app)
    assert "sums were old enough to go" in count(app)
    assert sums(app) == {-24: 1, 48: 1}
    is_even(app)


def test_no_clock_alone_makes_sums_old(app: Flask, at_noon: list[datetime]) -> None:
    app.config["STATISTICS_DAYS"] = 40
    begin(app)
    for days in (1, 39):
        came(app, timedelta(days=days))
    count(app, whole=True)
    at_noon[0] = NOW + timedelta(days=3000)  # a clock that is ahead, and mails that come by another
    for _ in range(2):
        assert "old enough" not in count(app, whole=True)
    with app.app_context():
        db.session.execute(update(CountState).values(counted_at=NOW.replace(tzinfo=None)))
        db.session.commit()
    came(app, timedelta(days=-3000))  # mails that come by this one, too
    assert "old enough" not in count(app)
    assert sums(app) == {-24: 1, -39 * 24: 1, 3000 * 24: 1}


def test_words_that_a_database_takes_for_one_are_one(any_app: Flask) -> None:
    """Blanks at the end of a domain or an action count for nothing on MariaDB, which would refuse the second of them."""
    begin(any_app)
    for number, blanks in enumerate(("", " ", "  ")):
        came(any_app, minutes(number * 6), f"bob@example.com{blanks}", action=f"reject{blanks}", mail_from=f"eve@example.net{blanks}")
    count(any_app)
    assert sums(any_app) == {0: 3}
    assert sums(any_app, Counted.TO) == {(0, "example.com"): 3}


def test_no_id_is_beyond_what_is_counted() -> None:
    assert id_hour(MAX_ID) < 1 << 31
