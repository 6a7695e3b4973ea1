"""What the links of a letter may do: as much as a recipient who is logged in, by the site's settings, and each once, on each database."""

import json
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from app.errors import MailkeepError
from app.extensions import db
from app.models import AuditEvent, MailRequest, MapEntry, Notice, NoticeChoice, NoticeUse, Release, Verb
from app.queries.notice_links import LinkAct
from app.queries.scope import ALL, Scope
from app.queries.timeline import happened_to
from app.services import notice_use
from app.services.notice_links import Standing, acts_offered, headers_of, link_of, link_to, unsubscribe_link
from app.services.notice_use import Can, press, what_it_can
from tests.apps import close
from tests.databases import SqliteCopies
from tests.letter_links import NOTHING, PUBLIC, done, letter, link, of_bob, tell_everybody
from tests.make import list_value, make_user
from tests.releases import BOB, CAROL, releasing_app, stored

IP = "192.0.2.7"
DORA = "dora@example.com"
R, A, B, T, LOOK = LinkAct


@dataclass(frozen=True)
class Addressee:
    owner: str


@dataclass(frozen=True)
class Line:
    mail_id: int
    address: str


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> Iterator[Flask]:
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, "smtp://127.0.0.1:9", PUBLIC_URL=PUBLIC, UNDO_SECONDS=3600)
    make_user(app, "bob", role="Recipient")
    yield app
    close(app)


def of_dora(app: Flask, *mails: int) -> int:
    tell_everybody(app)
    return letter(app, f"address:{DORA}", DORA, *mails)


def pressed(app: Flask, text: str) -> list[str]:
    with app.app_context():
        found = link_of(text)
        assert found is not None
        return press(found, ip=IP)


def can(app: Flask, text: str) -> Can:
    with app.app_context():
        found = link_of(text)
        assert found is not None
        return what_it_can(found) if found.standing is Standing.GOOD else Can.NOTHING


def offered(app: Flask, owner: str, *lines: Line) -> list[frozenset[LinkAct]]:
    with app.app_context():
        found = acts_offered({owner: lines})[owner]
        return [found[line.mail_id] for line in lines]


@pytest.mark.parametrize("whose", ["bob", "dora"])
@pytest.mark.parametrize(
    ("settings", "mail", "acts", "release"),
    [
        ({}, {}, {R, A, B, T}, Can.DO),
        ({}, {"virus": "Eicar"}, {B, T}, Can.ASK),
        ({"RELEASE_VIRUS_ROLES": ("Admin", "Recipient")}, {"virus": "Eicar"}, {R, A, B, T}, Can.DO),
        ({"RELEASE_MAX_SCORE": "15"}, {}, {B, T}, Can.ASK),
        ({"RELEASE_ADMIN_ACTIONS": ("reject",)}, {}, {B, T}, Can.ASK),
        ({"RELEASE_ROLES": ("Admin",)}, {}, {B, T}, Can.ASK),
        ({"RELEASE_ROLES": ("Admin",), "REQUEST_ROLES": ("Domain admin",)}, {}, {B}, Can.NOTHING),
        ({"REQUEST_ROLES": ()}, {}, {R, A, B}, Can.DO),
        ({"SMTP_URL": ""}, {}, {B}, Can.NOTHING),
        ({}, {"mail_from": "", "header_from": ""}, {R, T}, Can.DO),
    ],
)
def test_the_sites_rules_hold_with_an_account_and_without(
    app: Flask, whose: str, settings: dict[str, Any], mail: dict[str, Any], acts: set[LinkAct], release: Can
) -> None:
    app.config.update(settings)
    address = BOB if whose == "bob" else DORA
    mail_id = stored(app, address, **mail)
    notice = of_bob(app, mail_id) if whose == "bob" else of_dora(app, mail_id)
    owner = "user:1" if whose == "bob" else f"address:{DORA}"
    assert offered(app, owner, Line(mail_id, address)) == [acts | ({LOOK} if whose == "bob" else set())]
    assert can(app, link(app, notice, mail_id, R)) is release
    if release is Can.NOTHING:
        with pytest.raises(MailkeepError):
            pressed(app, link(app, notice, mail_id, R))
        assert done(app) == NOTHING
    elif release is Can.ASK:
        pressed(app, link(app, notice, mail_id, R))
        assert done(app) == NOTHING | {"MailRequest": 1, "NoticeUse": 1}
    else:
        pressed(app, link(app, notice, mail_id, R))
        assert done(app) == NOTHING | {"Release": 1, "NoticeUse": 1}


def test_an_admin_has_no_more_by_a_letter_than_recipients_have(app: Flask) -> None:
    make_user(app, "root", role="Admin")
    mail_id = stored(app, "root@example.com", virus="Eicar")
    notice = letter(app, "user:2", "root@example.com", mail_id)
    assert can(app, link(app, notice, mail_id, R)) is Can.ASK


def test_who_watches_over_domains_only_opens(app: Flask) -> None:
    mail_id = stored(app)
    notice = letter(app, "watch:chief@example.com", "chief@example.com", mail_id)
    assert offered(app, "watch:chief@example.com", Line(mail_id, BOB)) == [{LOOK}]
    for act in (R, A, B, T):
        with pytest.raises(MailkeepError):
            pressed(app, link(app, notice, mail_id, act))
    with app.app_context():
        found = link_of(link(app, notice, mail_id, LOOK))
        assert found is not None
        assert found.standing is Standing.GOOD
    assert done(app) == NOTHING


def test_a_link_releases_to_the_one_address_and_lists_for_it_alone(app: Flask) -> None:
    mail_id = stored(app, BOB, CAROL, "dora+shop@example.com")
    tell_everybody(app)
    notice = letter(app, f"address:{DORA}", DORA, mail_id, address="dora+shop@example.com")
    words = pressed(app, link(app, notice, mail_id, A))
    assert words == [
        "The mail is on its way to dora+shop@example.com.",
        f"From now on mail from sender@example.net to {DORA} is allowed.",
    ]
    with app.app_context():
        assert [row.address for row in db.session.scalars(select(Release))] == ["dora+shop@example.com"]
        entry = db.session.scalars(select(MapEntry)).one()
        assert (entry.value, entry.owner_id) == (f"sender@example.net|{DORA}", None)


def test_each_act_stands_in_the_trail_and_in_the_mails_timeline(app: Flask) -> None:
    mail_id = stored(app, BOB, CAROL)
    notice = of_bob(app, mail_id)
    for act in (R, B, T):
        pressed(app, link(app, notice, mail_id, act))
    with app.app_context():
        rows = db.session.scalars(select(AuditEvent).where(AuditEvent.verb == Verb.LINK_USED)).all()
        assert {(row.actor, row.user_id, row.ip) for row in rows} == {(f"link of notice {notice}: {BOB}", 1, IP)}
        assert [json.loads(row.after) for row in rows] == [{"notice": notice, "step": act, "to": [BOB]} for act in (R, B, T)]
        seen = [each.told["step"] for each in happened_to(mail_id, ALL, 0) if each.verb == Verb.LINK_USED]
        assert seen == [T, B, R]
        assert len([each for each in happened_to(mail_id, Scope((BOB,)), 1) if each.verb == Verb.LINK_USED]) == 3
        assert not happened_to(mail_id, Scope((CAROL,)), 99)
        told = [json.loads(row.after) for row in db.session.scalars(select(AuditEvent).where(AuditEvent.verb == Verb.MAIL_RELEASED))]
        assert [each["notice"] for each in told] == [notice]


def test_what_went_already_does_not_go_again_but_its_sender_is_allowed(app: Flask) -> None:
    mail_id = stored(app)
    notice = of_bob(app, mail_id)
    pressed(app, link(app, notice, mail_id, R))
    assert "already" in pressed(app, link(app, notice, mail_id, A))[0]
    assert done(app) == NOTHING | {"Release": 1, "MapEntry": 1, "NoticeUse": 2}
    other = letter(app, "user:1", BOB, stored(app))
    with app.app_context():
        assert db.session.get(Notice, other) is not None


def test_what_is_blocked_already_is_said_so(app: Flask) -> None:
    mail_id = stored(app)
    notice = of_bob(app, mail_id)
    list_value(app, "mime_from_rcpt_to_blacklist", f"sender@example.net|{BOB}")
    assert pressed(app, link(app, notice, mail_id, B)) == [f"Mail from sender@example.net to {BOB} was blocked already."]
    assert done(app) == NOTHING | {"MapEntry": 1, "NoticeUse": 1}


def test_addresses_without_an_account_flood_nobody_but_themselves(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.requests.MOST_OPEN", 1)
    mails = [stored(app, DORA, "emil@example.com") for _ in range(2)]
    dora = of_dora(app, *mails)
    emil = letter(app, "address:emil@example.com", "emil@example.com", mails[0], address="emil@example.com")
    pressed(app, link(app, dora, mails[0], T))
    with pytest.raises(MailkeepError, match="open requests"):
        pressed(app, link(app, dora, mails[1], T))
    pressed(app, link(app, emil, mails[0], T))
    assert done(app) == NOTHING | {"MailRequest": 2, "NoticeUse": 2}


@pytest.mark.parametrize("change", ["not told", "switched off"])
def test_an_address_without_an_account_counts_as_long_as_its_domain_is_told(app: Flask, change: str) -> None:
    mail_id = stored(app, DORA)
    text = link(app, of_dora(app, mail_id), mail_id, R)
    assert can(app, text) is Can.DO
    if change == "not told":
        tell_everybody(app, everybody=False)
    else:
        make_user(app, "dora", role="Recipient")
        assert can(app, text) is Can.DO
        with app.app_context():
            app.extensions["appbuilder"].sm.find_user("dora").active = False
            db.session.commit()
    assert can(app, text) is Can.NOTHING


def test_what_fails_leaves_a_link_that_can_be_pressed_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    mail_id = stored(app)
    notice = of_bob(app, mail_id)
    with monkeypatch.context() as patched:
        patched.setattr(notice_use, "_record", lambda _pressed: 1 / 0)
        for act in (R, B, T):
            with pytest.raises(ZeroDivisionError):
                pressed(app, link(app, notice, mail_id, act))
        assert done(app)["Release"] == done(app)["NoticeUse"] == 0
    for act in (R, B, T):
        pressed(app, link(app, notice, mail_id, act))
    assert done(app) == {"Release": 1, "MapEntry": 1, "MailRequest": 1, "NoticeUse": 3}


def test_the_questions_are_few_however_many_letters_and_lines_there_are(app: Flask) -> None:
    mails = [stored(app, BOB, f"bob+{number}@example.com", CAROL) for number in range(12)]
    asked: list[str] = []
    with app.app_context():
        acts_offered({"user:1": [Line(mails[0], BOB)]})
        event.listen(db.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
        acts_offered({"user:1": [Line(mails[0], BOB)]})
        one = len(asked)
        asked.clear()
        acts_offered({"user:1": [Line(mail, BOB) for mail in mails], "user:2": [Line(mail, CAROL) for mail in mails]})
        assert len(asked) == one <= 9, asked


def test_links_lead_where_people_go_and_say_how_letters_end(app: Flask) -> None:
    mail_id = stored(app)
    notices = [of_bob(app, mail_id), letter(app, "watch:chief@example.com", "chief@example.com", mail_id)]
    with app.app_context():
        bobs, chiefs = (db.session.get(Notice, each) for each in notices)
        assert bobs is not None
        assert chiefs is not None
        app.config["PORTAL_URL"] = "https://mine.example.com/keep"
        assert link_to(bobs, mail_id, "release").startswith("https://mine.example.com/keep/notice?link=")
        assert link_to(chiefs, mail_id, "open").startswith(f"{PUBLIC}/notice?link=")
        assert len(link_to(chiefs, mail_id, "open")) < 100
        headers = headers_of(bobs)
        assert headers == {"List-Unsubscribe": f"<{unsubscribe_link(bobs)}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
        app.config["PORTAL_URL"] = "http://mine.example.com"
        assert list(headers_of(bobs)) == ["List-Unsubscribe"]


def test_links_are_signed_with_both_secrets(app: Flask) -> None:
    mail_id = stored(app)
    notice = of_bob(app, mail_id)
    text = link(app, notice, mail_id, R)
    with app.app_context():
        db.session.get(Notice, notice).secret = "cd" * 16  # type: ignore[union-attr]
        db.session.commit()
        assert link_of(text) is None
        db.session.get(Notice, notice).secret = "ab" * 16  # type: ignore[union-attr]
        db.session.commit()
        assert link_of(text) is not None
        app.secret_key = app.config["SECRET_KEY"] = "another-secret-0123456789abcdef-0123"
        assert link_of(text) is None
        assert db.session.scalars(select(NoticeChoice)).all() == []
        assert db.session.scalars(select(MailRequest)).all() == []
        assert db.session.scalars(select(NoticeUse)).all() == []
