"""A letter that tells of kept mail, taken apart as a mail program does it: whose words are whose, in which language, and how long it gets."""

import pathlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from typing import Any

import pytest
from flask import Flask

from app.actor import SYSTEM
from app.clock import stored_now
from app.extensions import db
from app.models import Notice, NoticeKind, NoticeText
from app.queries.addressees import Addressee
from app.queries.notice_links import LinkAct
from app.queries.notices import Line
from app.rspamd.report import Report
from app.services import notice_letter
from app.services.notice_letter import LONGEST_HTML, write
from app.services.notice_words import Words, default_words, templates, vocabulary
from app.services.notice_words_change import set_words
from app.services.own_letters import is_own
from tests.apps import close, make_app
from tests.databases import SqliteCopies
from tests.mime.test_foreign import LINKED

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
AT = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
SITE = {
    "MAIL_FROM": "keep@example.com",
    "PUBLIC_URL": "https://mail.example.com/keep",
    "APP_NAME": "Example Mail",
    "NOTICE_FOOTER": "IT <desk>",
}


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> Iterator[Flask]:
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, **SITE)
    yield app
    close(app)


@pytest.fixture(autouse=True)
def links(monkeypatch: pytest.MonkeyPatch) -> None:
    """How a link is signed, and who may what, has tests of its own."""
    monkeypatch.setattr(
        notice_letter, "links_of", lambda notice: lambda mail_id, act: f"https://mail.example.com/l/{act}.{notice.id}.{mail_id}.{'s' * 60}"
    )
    monkeypatch.setattr(notice_letter, "unsubscribe_link", lambda _notice: "https://mail.example.com/u/" + "s" * 60)
    monkeypatch.setattr(notice_letter, "headers_of", lambda _notice: {"List-Unsubscribe": f"<https://mail.example.com/u/{'s' * 200}>"})


def line(number: int = 1, **changes: Any) -> Line:
    values: dict[str, Any] = {
        "mail_id": number,
        "received_at": AT,
        "sender": "eve@evil.example",
        "subject": f"Offer {number}",
        "action": "reject",
        "score": 15.54,
        "size": 5234,
        "has_virus": False,
        "address": "bob@example.com",
    }
    return Line(**values | changes)


def written(
    app: Flask, *lines: Line, kind: str = "digest", language: str = "en", zone: str = "Europe/Athens", **changes: Any
) -> EmailMessage:
    to = changes.pop("to", "bob@example.com")
    notice = Notice(id=7, kind=kind, owner="user:1", address=to, mails=changes.pop("mails", len(lines)), secret="0" * 32, made_at=AT)
    with app.app_context():
        raw = write(
            notice,
            Addressee(**{"owner": "user:1", "user_id": 1, "address": to, "language": language, "zone": zone, "times": ""} | changes),
            lines,
            dict.fromkeys([line.mail_id for line in lines], frozenset((LinkAct.RELEASE, LinkAct.BLOCK, LinkAct.OPEN))),
        )
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    return message_from_bytes(raw, policy=SMTPUTF8)  # type: ignore[return-value]


def parts(mail: EmailMessage) -> tuple[str, str]:
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content(), html.get_content()


def test_it_is_a_letter_of_ours_in_both_forms(app: Flask) -> None:
    mail = written(app, line(), line(2, has_virus=True))
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert {part.get_content_charset() for part in mail.iter_parts()} == {"utf-8"}
    assert (mail["From"], mail["To"], mail["Subject"]) == (
        "Example Mail <keep@example.com>",
        "bob@example.com",
        "2 mails held back for you",
    )
    assert (mail["Auto-Submitted"], mail["List-Unsubscribe"]) == ("auto-generated", f"<https://mail.example.com/u/{'s' * 200}>")
    text, html = parts(mail)
    for form in (text, html):
        assert [
            f"https://mail.example.com/l/{act}.7.{number}." in form for number in (1, 2) for act in ("release", "block", "open", "report")
        ] == [True, True, True, False] * 2
        assert "Offer 1" in form
        assert "2026-11-22 01:30 · rejected · " in form.replace("&middot;", "·")
        assert form.count("A virus was found in it") == 1
        assert "https://mail.example.com/keep/quarantine/" in form
        assert "https://mail.example.com/keep/profile/" in form
        assert "{{" not in form
    assert ("IT <desk>" in text, "IT &lt;desk&gt;" in html) == (True, True)
    report = Report(
        recipients=("BOB@example.com",), message_id=mail["Message-ID"], headers="\n".join(f"{key}: {value}" for key, value in mail.items())
    )
    assert is_own(app.config["SECRET_KEY"], report)


@pytest.mark.parametrize("kind", list(NoticeKind))
@pytest.mark.parametrize("language", ["en", "de", "el"])
def test_it_speaks_the_language_of_who_gets_it(app: Flask, kind: NoticeKind, language: str) -> None:
    text, html = parts(written(app, line(size=1_500_000), kind=kind.value, language=language))
    said = {"en": "spam score 15.5 · 1.5 MB", "de": "Spamwert 15,5 · 1,5 MB", "el": "βαθμολογία 15,5 · 1,5 MB"}[language]
    assert said in text
    assert f'<html lang="{language}">' in html
    with app.app_context():
        assert templates(default_words(kind, language))
        assert set(vocabulary(language).reasons) == set(vocabulary("en").reasons)
    assert "[[" not in text + html


def test_who_chose_no_language_or_a_zone_that_is_none_gets_the_sites(app: Flask) -> None:
    text, _html = parts(written(app, line(), language="xx", zone="Mars/Base"))
    assert "2026-11-21 23:30" in text


def test_the_words_of_strangers_are_words(app: Flask) -> None:
    evil = line(
        subject="http://evil.example/\r\nBcc: x <script>\u202e{{site}}</script>" + "A" * 5000, sender='"Example Mail" <eve@evil.example>'
    )
    mail = written(app, evil, line(2, subject="", sender=""))
    text, html = parts(mail)
    for form in (text, html):
        foreign = [each for each in re.split(r"[\n<>]", form) if "evil" in each or "Bcc" in each]
        assert len(foreign) == 2
        assert not [each for each in foreign if LINKED.search(each) or len(each) > 300 or "\u202e" in each]
        assert "{{site}}" in form
        assert ("(no subject)" in form, "(no sender)" in form) == (True, True)
    assert "<script" not in html
    assert "Example Mail" not in text.rpartition("\nExample Mail\n")[0]
    assert mail["Bcc"] is None


def test_which_of_their_addresses_is_told_where_it_is_not_the_main_one(app: Flask) -> None:
    text, html = parts(written(app, line(), line(2, address="sales@example.com")))
    assert (text.count("To: "), text.count("To: sales@example.com"), html.count("To: sales@example.com")) == (1, 1, 1)


def test_a_watcher_has_no_list_and_no_choice_here(app: Flask) -> None:
    text, html = parts(written(app, line(address="info@example.com"), kind="watch", owner="watch:p@example.com", user_id=None))
    assert "To: info@example.com" in text
    assert "/quarantine/" not in text + html
    assert "/profile/" not in text + html


def test_a_long_letter_names_as_many_as_are_wanted_and_counts_the_rest(app: Flask) -> None:
    app.config["NOTICE_MOST_LINES"] = 3
    mail = written(app, *(line(number) for number in range(5)), mails=12)
    text, _html = parts(mail)
    assert (mail["Subject"], text.count("eve"), "And 9 more." in text) == ("12 mails held back for you", 3, True)
    text, _html = parts(written(app, line(1), line(2), mails=12))  # the other ten are gone
    assert (text.count("eve"), "more." in text) == (2, False)


def test_a_hundred_mails_are_not_cut_by_mail_programs(app: Flask) -> None:
    mails = [line(number, subject=f"{number} " + "Ω<" * 40, sender=f"{'x' * 60}@evil.example") for number in range(100)]
    text, html = parts(written(app, *mails))
    assert 50_000 < len(html.encode()) <= LONGEST_HTML
    shown = html.count("release.7.")
    assert text.count("release.7.") == shown < 100
    assert f"And {100 - shown} more." in html
    assert len(parts(written(app, *(line(number) for number in range(100))))[1].encode()) <= LONGEST_HTML


@pytest.mark.parametrize("to", ["bob@exämple.com", "böb@example.com", "a..b@example.com"])
def test_odd_addresses_get_it_too(app: Flask, to: str) -> None:
    mail = written(app, line(address=to), to=to)
    assert [address.domain for address in mail["To"].addresses] == [to.rpartition("@")[2].encode("idna").decode()]


@pytest.mark.parametrize(
    "to", ["", "bob", "bob@example.com\r\nBcc: eve@example.net", "bob@example.com, eve@example.net", "<bob@example.com>"]
)
def test_what_is_no_address_gets_none(app: Flask, to: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        written(app, line(), to=to)


def test_the_logo_travels_with_it_or_is_a_link(app: Flask, tmp_path: pathlib.Path) -> None:
    (tmp_path / "logo.png").write_bytes(PNG)
    app.config["NOTICE_LOGO"] = str(tmp_path / "logo.png")
    mail = written(app, line())
    assert [part.get_content_type() for part in mail.walk()] == [
        *("multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"),
    ]
    *_others, picture = mail.walk()
    assert picture.get_content() == PNG
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in parts(mail)[1]
    app.config["NOTICE_LOGO"] = "https://example.com/logo.png"
    assert 'src="https://example.com/logo.png"' in parts(written(app, line()))[1]


def test_it_says_what_an_admin_wants_and_what_it_comes_with_where_that_is_wrong(app: Flask) -> None:
    with app.app_context():
        set_words(NoticeKind.DIGEST, "en", Words("{{count}} for {{address}}\r\nBcc: x", "Mine\n", "<p>Mine</p>\n"), actor=SYSTEM)
    mail = written(app, line())
    assert (mail["Subject"], parts(mail)[0].strip(), mail["Bcc"]) == ("1 for bob@example.com Bcc: x", "Mine", None)
    assert "Mine" not in parts(written(app, line(), language="de"))[0]
    with app.app_context():
        db.session.merge(
            NoticeText(
                kind="at once",
                language="en",
                subject="x",
                text="{{of an older version}}",
                html="x",
                changed_at=stored_now(),
                changed_by="x",
            )
        )
        db.session.commit()
    assert "was held back" in parts(written(app, line(), kind="at once"))[0]
