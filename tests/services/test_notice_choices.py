"""Who chooses other letters has what waits moved or let go at once; domains have rules, and what they may not say is refused."""

import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from flask import Flask
from sqlalchemy import select

from app.actor import SYSTEM, Actor
from app.clock import stored_now
from app.errors import BadRequest, Conflict, NotAllowed, NotFound
from app.extensions import db
from app.models import NoticeChoice, NoticeDomain, NoticeLine, NoticeRefusal, NoticeStep, UserSetting, Verb
from app.queries.people import Reach
from app.services import notice_lines, settings
from app.services.domains import add_alias
from app.services.notice_choices import accept_again, choose, refuse, unsubscribe
from app.services.notice_domains import DomainRule, remove_domain, set_domain
from app.services.tries import tried
from tests.letters import due_of, events, id_of, letter, make_letter, states, told, wait_for
from tests.make import make_mails, make_user
from tests.services.test_notice_moving import moved

EVERYWHERE = Reach(everybody=True)
EXAMPLE = Reach(domains=("example.com",))
BOB = Actor("bob", None, "192.0.2.1")


def chosen(app: Flask, name: str, times: str, by: str = "bob") -> None:
    with app.app_context():
        choose(id_of(app, name), times, by=by, actor=BOB)


def ruled(app: Flask, domain: str, reach: Reach = EVERYWHERE, **fields: object) -> None:
    with app.app_context():
        set_domain(reach, DomainRule(domain, **fields), actor=BOB)  # type: ignore[arg-type]


def test_a_choice_moves_what_waits_and_never_lets_it_go(any_app: Flask) -> None:
    app = any_app
    make_user(app, "bob", "Recipient")
    owner = f"user:{id_of(app, 'bob')}"
    mails = wait_for(app, owner, "bob@example.com", 3)
    shared = mails[0]
    with app.app_context():
        db.session.add(notice_lines_of(shared, "address:carol@example.com"))
        db.session.commit()
    with app.app_context():
        settings.choose(id_of(app, "bob"), zone="Asia/Tokyo")
    chosen(app, "bob", " Daily  at 7:30")
    first = due_of(app, owner)
    assert (first.hour, first.minute) == (22, 30), "half past seven in Tokyo"
    with app.app_context():
        settings.choose(id_of(app, "bob"), zone="UTC")
    assert (due_of(app, owner).hour, due_of(app, owner).minute) == (7, 30)
    chosen(app, "bob", "at once")
    assert due_of(app, owner) <= stored_now()
    waiting = make_letter(app, "bob@example.com", make_mails(app, 1), NoticeStep.WAITING, owner=owner)
    sending = make_letter(app, "bob@example.com", (), NoticeStep.SENDING, owner=owner)
    chosen(app, "bob", "never", by="link")
    assert set(told(app, owner)) & set(mails) == set()
    assert states(app, mails) == ["waiting", "skipped", "skipped"], "carol waits for the first still"
    assert (letter(app, waiting).state, letter(app, sending).state) == ("empty", "sending")
    with app.app_context():
        assert db.session.scalars(select(NoticeChoice)).one().by == "link"
    chosen(app, "bob", "never")
    chosen(app, "bob", "")
    with app.app_context():
        assert db.session.scalars(select(NoticeChoice)).all() == []
    found = [(before, after) for _who, before, after in events(app, Verb.NOTICES_CHOSEN)]
    words = ["", "daily at 7:30", "at once", "never", ""]
    assert found == [(f'{{"times": "{a}"}}', f'{{"times": "{b}"}}') for a, b in pairwise(words)]


def notice_lines_of(mail_id: int, owner: str) -> object:
    return NoticeLine(mail_id=mail_id, owner=owner, address=owner.partition(":")[2], notice_id=None)


@pytest.mark.parametrize(
    "times", ["daily", "daily at 25:00", "every minute", "* * * * *", "weekly on someday at 07:00", "never;", "x" * 500]
)
def test_what_says_no_times_changes_nothing(app: Flask, times: str) -> None:
    make_user(app, "bob", "Recipient")
    with pytest.raises(BadRequest):
        chosen(app, "bob", times)
    with app.app_context(), pytest.raises(NotFound):
        choose(4711, "never", by="x", actor=SYSTEM)


def test_two_windows_and_the_job_at_once(any_app: Flask) -> None:
    """Whoever comes last counts, nothing stays without its time, and nobody fails."""
    app, failed = any_app, []
    make_user(app, "bob", "Recipient")
    number = id_of(app, "bob")
    owner, fresh = f"user:{number}", make_mails(app, 12, recipients=("bob@example.com",))
    start = threading.Barrier(3)

    def window(times: str) -> None:
        with app.app_context():
            start.wait()
            for _again in range(6):
                try:
                    choose(number, times, by="bob", actor=BOB)
                except Exception as error:  # whatever it is, it is told below
                    failed.append(error)

    def job() -> None:
        def put(mail_id: int) -> None:
            with db.session().begin_writing():  # type: ignore[attr-defined]
                notice_lines.put({(mail_id, owner): "bob@example.com"}, {owner: stored_now() + timedelta(days=1)})
                db.session.commit()

        with app.app_context():
            start.wait()
            for mail_id in fresh:
                try:
                    tried(lambda mail_id=mail_id: put(mail_id))  # type: ignore[misc]
                except Exception as error:
                    failed.append(error)

    threads = [
        threading.Thread(target=window, args=("never",)),
        threading.Thread(target=window, args=("hourly",)),
        threading.Thread(target=job),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert not told(app, owner) or due_of(app, owner) is not None
    chosen(app, "bob", "never")
    assert told(app, owner) == []


def test_an_address_refuses_with_all_its_forms_and_takes_it_back(any_app: Flask) -> None:
    app = any_app
    with app.app_context():
        add_alias("example.net", "example.com", actor=SYSTEM)
    mails = wait_for(app, "address:eve@example.com", "eve@example.com", 2)
    other = wait_for(app, "address:xeve@example.com", "xeve@example.com")
    with app.app_context():
        assert refuse(" Eve+shop@Example.net ", by="bob", actor=BOB) == "eve@example.com"
        unsubscribe("address:eve@example.com", actor=SYSTEM)
        assert db.session.scalars(select(NoticeRefusal.address)).all() == ["eve@example.com"]
    assert (states(app, mails), states(app, other)) == (["skipped"] * 2, ["waiting"])
    assert len(events(app, Verb.NOTICES_REFUSED)) == 1
    make_user(app, "bob", "Recipient")
    with app.app_context():
        with pytest.raises(Conflict, match="bob"):
            refuse("BOB@example.com", by="x", actor=BOB)
        for wrong in ("eve", "eve@", "a@b@c", "eve@example.com\nx@y.example", "<eve@example.com>"):
            with pytest.raises(BadRequest):
                refuse(wrong, by="x", actor=BOB)
        with pytest.raises(NotAllowed):
            accept_again("eve@example.com", actor=BOB, reach=Reach(domains=("example.org",)))
        accept_again("eve@example.com", actor=BOB)
        with pytest.raises(NotFound):
            accept_again("eve@example.com", actor=BOB)


def test_unsubscribing_works_for_whoever_got_the_letter_again_and_again(app: Flask) -> None:
    make_user(app, "bob", "Recipient")
    owner = f"user:{id_of(app, 'bob')}"
    mails = wait_for(app, owner, "bob@example.com")
    ruled(app, "example.com", watchers=("boss@example.org", "eve@example.org"))
    ruled(app, "example.net", watchers=("xboss@example.org", "boss@example.org"))
    watched = wait_for(app, "watch:boss@example.org", "carol@example.com")
    with app.app_context():
        for each in (owner, "watch:boss@example.org", "user:4711", "address:who@nowhere.example"):
            unsubscribe(each, actor=SYSTEM)
            unsubscribe(each, actor=SYSTEM)
        for odd in ("", "user:", "user:1;2", "root:1", "address:", "watch:", "user:٣"):
            with pytest.raises(NotFound):
                unsubscribe(odd, actor=SYSTEM)
        found = {row.domain: row.watchers for row in db.session.scalars(select(NoticeDomain))}
        assert found == {"example.com": "eve@example.org", "example.net": "xboss@example.org"}
        assert db.session.scalars(select(NoticeChoice.times)).all() == ["never"]
    assert states(app, mails + watched) == ["skipped", "skipped"]


def test_a_domains_rule_moves_those_that_chose_nothing(any_app: Flask) -> None:
    app = any_app
    for name in ("bob", "carol"):
        make_user(app, name, "Recipient")
    bob, carol = (f"user:{id_of(app, name)}" for name in ("bob", "carol"))
    chosen(app, "carol", "daily at 23:59")
    for owner, address in ((bob, "bob@example.com"), (carol, "carol@example.com"), ("address:eve@example.com", "eve@example.com")):
        wait_for(app, owner, address, due_in=timedelta(days=9))
    near = wait_for(app, "address:x@xexample.com", "x@xexample.com", due_in=timedelta(days=9))
    late = due_of(app, "address:x@xexample.com")
    ruled(app, "example.com", times="hourly", everybody=True)
    assert moved(app) == 3
    soon = stored_now() + timedelta(hours=1)
    assert due_of(app, bob) <= soon
    assert due_of(app, "address:eve@example.com") <= soon
    assert due_of(app, carol).minute == 59
    ruled(app, "example.com", times="hourly")
    moved(app)
    assert due_of(app, "address:eve@example.com") <= stored_now(), "the job lets go what waits for an address that is told no more"
    assert (due_of(app, "address:x@xexample.com"), states(app, near)) == (late, ["waiting"])


def test_who_waits_with_mail_to_two_domains_is_told_at_the_earlier_of_their_times(app: Flask) -> None:
    make_user(app, "bob", "Recipient")
    owner = f"user:{id_of(app, 'bob')}"
    for address in ("bob@example.com", "bob@example.org"):
        wait_for(app, owner, address, due_in=timedelta(days=9))
    ruled(app, "example.org", times="hourly")
    moved(app)
    ruled(app, "example.com", times="weekly on monday at 00:00")
    moved(app)
    assert due_of(app, owner) <= stored_now() + timedelta(hours=1)


def test_a_watcher_who_is_one_no_longer_is_told_of_nothing_there(app: Flask) -> None:
    ruled(app, "example.com", watchers=("Postmaster", "boss@example.org"), watch_times="hourly")
    ruled(app, "example.org", watchers=("boss@example.org",))
    here, there = (wait_for(app, "watch:boss@example.org", address) for address in ("a@example.com", "a@example.org"))
    with app.app_context():
        assert db.session.get(NoticeDomain, "example.com").watchers == "postmaster@example.com\nboss@example.org"
        remove_domain(EVERYWHERE, "Example.com", actor=BOB)
        with pytest.raises(NotFound):
            remove_domain(EVERYWHERE, "example.com", actor=BOB)
    assert (states(app, here), states(app, there)) == (["skipped"], ["waiting"])


def test_a_domain_admin_names_watchers_in_their_own_domains_only(app: Flask) -> None:
    """All mail kept for the domain goes to them."""
    ruled(app, "example.com", watchers=("audit@example.org",))
    for fields in (
        {"watchers": ("audit@example.org", "me@gmail.example")},
        {"watchers": ()},
        {"watchers": ("audit@example.org", "me@example.com.evil.example")},
    ):
        with pytest.raises(NotAllowed):
            ruled(app, "example.com", EXAMPLE, **fields)
    with pytest.raises(NotAllowed):
        ruled(app, "example.org", EXAMPLE)
    with app.app_context(), pytest.raises(NotAllowed):
        remove_domain(EXAMPLE, "example.com", actor=BOB)
    ruled(app, "example.com", EXAMPLE, watchers=("audit@example.org", "postmaster"), times="hourly")
    with app.app_context():
        assert db.session.get(NoticeDomain, "example.com").watchers == "audit@example.org\npostmaster@example.com"
    assert len(events(app, Verb.NOTICES_OF_DOMAIN)) == 2


def test_what_no_rule_may_say(app: Flask) -> None:
    with app.app_context():
        add_alias("example.net", "example.com", actor=SYSTEM)
    for domain, fields in (
        ("", {}),
        ("*.example.com", {}),
        ("example.com\nexample.org", {}),
        ("example.com", {"times": "soon"}),
        ("example.com", {"watch_times": "daily"}),
        ("example.com", {"language": "tlh"}),
        ("example.com", {"watchers": ("boss",)}),
        ("example.com", {"watchers": ("a@example.com, b@example.com",)}),
        ("example.com", {"watchers": tuple(f"{n}@example.com" for n in range(51))}),
    ):
        with pytest.raises(BadRequest):
            ruled(app, domain, **fields)
    with pytest.raises(Conflict, match="another name of"):
        ruled(app, "example.net")
    with app.app_context():
        assert db.session.scalars(select(NoticeDomain)).all() == []
        assert db.session.scalars(select(UserSetting)).all() == []
