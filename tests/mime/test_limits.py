"""What a large or deep mail costs its reader: memory in proportion to what is shown, whatever the mail holds."""

import pathlib
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask

from app.extensions import db
from app.mime import headers, hops, message, sanitize
from app.mime.message import attachment_of, read_message, rendered
from app.mime.parts import Limits, Omitted
from app.services.insert import insert_entries
from app.storage import store_for
from app.views.message import _MAX_SOURCE
from tests.hostile import built_mails, html_mail
from tests.make import login, make_entry
from tests.mime.test_message import attached, multipart

MB = 1 << 20
LARGE = 50 * MB
ATTACHED = 36 * MB  # 50 MB in base64
PART = b"Content-Disposition: attachment; filename=x\r\n\r\n" + b"y" * 5000


@contextmanager
def peak() -> Iterator[list[int]]:
    """The most bytes that were held at once inside."""
    found: list[int] = []
    tracemalloc.start()
    try:
        yield found
        found.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def hostile(name: str) -> bytes:
    return dict(built_mails())[name]


MAILS: dict[str, Callable[[], bytes]] = {
    "an attachment": lambda: multipart(attached(b"MZ" + b"\x90\0" * (ATTACHED // 2))),
    "HTML": lambda: html_mail("<p>x</p>" * (LARGE // 8)),
    "text": lambda: b"Subject: x\r\n\r\n" + b"word " * (LARGE // 5),
    "a header": lambda: b"X: y\r\n" * (LARGE // 6) + b"\r\nx",
    "ten thousand files": lambda: multipart(*[PART] * 10_000),
    "ten thousand parts": lambda: hostile("ten thousand parts"),
    "two hundred levels": lambda: hostile("two hundred deep"),
}


@pytest.mark.parametrize("name", MAILS)
def test_memory_is_bounded(name: str) -> None:
    """Twice the mail where an attachment is looked into or saved, a few megabytes elsewhere."""
    raw = MAILS[name]()
    few, twice = 16 * MB, 2 * len(raw) + 4 * MB
    readers: tuple[tuple[str, Callable[[], Any], int], ...] = (
        ("read", lambda: read_message(raw), twice if name == "an attachment" else few),
        ("rendered", lambda: rendered(raw), few),
        ("saved", lambda: attachment_of(raw, 0), twice),
    )
    for reader, read, most in readers:
        with peak() as found:
            assert read() is not None
        assert found[0] <= most, f"{reader}: {found[0]} bytes for a mail of {len(raw)}"


@pytest.mark.parametrize(
    ("name", "omitted", "attachments"),
    [
        ("an attachment", set(), 1),
        ("HTML", {Omitted.TEXT}, 0),
        ("text", {Omitted.TEXT}, 0),
        ("ten thousand files", {Omitted.PARTS, Omitted.CONTENT}, 500),
        ("ten thousand parts", {Omitted.PARTS}, 0),
        ("two hundred levels", {Omitted.DEPTH}, 1),
    ],
)
def test_no_more_is_looked_at_than_is_said(name: str, omitted: set[Omitted], attachments: int) -> None:
    read = read_message(MAILS[name]())
    assert (read.omitted, len(read.attachments)) == (omitted, attachments)


def test_a_mail_of_fifty_megabytes_opens_in_the_panel(app: Flask) -> None:
    """The mail itself, its attachment, and what the answer is made of: never a fourth copy."""
    raw = multipart(b"Content-Type: text/html\r\n\r\n<p>see the file</p>", attached(b"MZ" + b"\x90\0" * (ATTACHED // 2)))
    entry = make_entry(raw, keep=True)
    with app.app_context():
        store_for(app.config["STORE_URL"]).put(entry.digest or "", entry.packed)
        insert_entries(db.engine, [entry], "mx1")
    admin = login(app, "admin")
    admin.get("/mails/list/")
    for door in ("message", "html", "source", "part/1", "download"):
        with peak() as found:
            answer = admin.get(f"/mails/{entry.id}/{door}")
            assert answer.status_code == 200
            answer.close()
        assert found[0] <= 3 * len(raw), f"{door}: {found[0]} bytes for a mail of {len(raw)}"


def test_the_manual_names_the_limits_that_hold() -> None:
    manual = (pathlib.Path(__file__).resolve().parents[2] / "docs/reading.md").read_text(encoding="utf-8")
    limits = {
        "parts": f"{Limits().parts}",
        "levels of parts": f"{Limits().depth}",
        "text, and HTML": f"{message._MAX_TEXT // MB} MB each",
        "a picture of the mail's own": f"{message._MAX_IMAGE // MB} MB",
        "all of them, as they are sent to the browser": f"{message._MAX_IMAGES // MB} MB",
        "attachments looked into": f"{message._MAX_LOOKED_AT}",
        "their size together": f"{message._MAX_CONTENT // MB} MB",
        "processor time to clean the HTML": f"{sanitize._CPU_SECONDS} s",
        "the same by the clock": f"{sanitize._SECONDS} s",
        "source": f"{_MAX_SOURCE >> 10} kB",
    }
    assert [name for name, most in limits.items() if f"| {name} | {most} |" not in manual] == []
    assert message._MAX_TEXT == message._MAX_HTML
    assert (
        f"{headers._MAX_FIELDS:,} fields and {headers._MAX_BLOCK >> 10} kB are shown, and of its way the newest {hops._MAX_HOPS}" in manual
    )
