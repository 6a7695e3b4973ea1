"""Every recorded request gives the right report, and one mail gives one report whatever the format."""

import email
import email.policy
from dataclasses import fields

import pytest

from app.rspamd.metadata import parse
from app.rspamd.report import Limits, Report
from tests.rspamd.captures import VERSIONS, Capture, envelope, every, message

MAILS = sorted({capture.mail for capture in every()})
ODD_MAILS = sorted({capture.mail for capture in every("odd")})
WITH_MESSAGE = ("default", "multipart", "json_with_message", "msgpack")
BLIND = ("rspamd-3.4", "14-smtputf8")  # 3.4 drops such addresses
ACTIONS = {"17-ipv6": ("reject", 1000.0), "19-pair": ("greylist", 5.3)}

# What a format cannot say; everything else has to be equal. The scan time differs from run to run.
NEVER_EQUAL = {"scan_ms"}
WITHOUT_MESSAGE = {"headers"}
ONLY_STRUCTURED = {"extra"}
# 3.4 tells the size of no message, and Rspamd's text of undeclared bytes is lost.
NO_SIZE = {"size"}
ODD_WITHOUT_MESSAGE = {"raw-8bit": {"subject", "header_from"}, "no-headers": set[str](), "begins-with-brace": set[str]()}


def reports(collection: str, version: str, mail: str) -> dict[str, Report]:
    return {c.formatter: c.received().report for c in every(collection) if (c.version, c.mail) == (version, mail)}


def differences(one: Report, other: Report) -> set[str]:
    return {f.name for f in fields(Report) if f.name not in NEVER_EQUAL and getattr(one, f.name) != getattr(other, f.name)}


def may_differ(version: str, formatter: str) -> set[str]:
    name = formatter.partition("+")[0]
    permitted = set() if name in WITH_MESSAGE else set(WITHOUT_MESSAGE)
    permitted |= ONLY_STRUCTURED if name == "structured" else set()
    return permitted | (NO_SIZE if (version, name) == ("rspamd-3.4", "json") else set())


def test_all_recordings_are_here() -> None:
    assert (len(every()), len(MAILS)) == (140, 14)
    assert {capture.version for capture in every()} == {capture.version for capture in every("odd")} == set(VERSIONS)


@pytest.mark.parametrize("capture", every(), ids=str)
def test_a_capture_gives_the_report_of_its_mail(capture: Capture) -> None:
    received = capture.received()
    report, sent, raw = received.report, envelope(capture.mail), message(capture.mail)
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    blind = (capture.version, capture.mail) == BLIND
    assert received.raw == (raw if capture.formatter in WITH_MESSAGE else None)
    assert report.headers == (raw.partition(b"\r\n\r\n")[0].decode() if received.raw else "")
    assert report.queue_id == sent.get("qid", capture.mail.upper()[:12])
    assert report.message_id == mail["Message-ID"].strip("<>")
    if blind:
        assert (report.action, report.score) == ("add header", 8.0)
    else:
        assert (report.action, report.score) == ACTIONS.get(capture.mail, ("no action", report.score))
    assert report.ip == sent.get("ip", "198.51.100.7")
    assert report.user == sent.get("user", "")
    assert (report.mail_from, report.recipients) == (("", ()) if blind else (sent["from"], tuple(sent["rcpt"])))
    assert (report.subject, report.header_to) == (mail["Subject"], mail["To"])
    assert report.header_from == mail["From"]
    assert report.from_address == next((a.addr_spec for a in mail["From"].addresses if a.domain), "")
    assert report.header_date == (mail["Date"] or "")
    assert report.scan_ms is not None
    assert report.rspamd_host == "vm"
    assert report.size == (0 if (capture.version, capture.formatter) == ("rspamd-3.4", "json") else len(raw))
    assert report.fuzzy == ()
    assert "odd" not in report.extra


@pytest.mark.parametrize("capture", every(), ids=str)
def test_the_symbols_of_a_capture_are_in_one_shape(capture: Capture) -> None:
    report = capture.received().report
    names = [symbol["name"] for symbol in report.symbols]
    assert "RCPT_COUNT_ONE" in names or len(report.recipients) != 1
    assert names == sorted(names)
    for symbol in report.symbols:
        assert set(symbol) <= {"name", "score", "weight", "group", "groups", "options"}
        assert type(symbol["score"]) is float
        assert all(type(text) is str for key in ("groups", "options") for text in symbol.get(key, []))
    assert round(sum(symbol["score"] for symbol in report.symbols), 2) == round(report.score, 2)


@pytest.mark.parametrize("mail", MAILS)
@pytest.mark.parametrize("version", VERSIONS)
def test_one_mail_gives_one_report_in_every_format(version: str, mail: str) -> None:
    found = reports("captures", version, mail)
    assert len(found) == (6 if version == "rspamd-4.1.5" else 2)
    for formatter, report in found.items():
        assert differences(found["default"], report) == may_differ(version, formatter)


@pytest.mark.parametrize("mail", ODD_MAILS)
@pytest.mark.parametrize("version", VERSIONS)
def test_one_odd_mail_gives_one_report_in_every_format(version: str, mail: str) -> None:
    found = reports("odd", version, mail)
    assert len(found) >= 2
    for formatter, report in found.items():
        without = not report.headers and formatter.partition("+")[0] not in WITH_MESSAGE
        permitted = may_differ(version, formatter) | (ODD_WITHOUT_MESSAGE.get(mail, set()) if without else set())
        assert differences(found["default"], report) <= permitted
        assert "odd" not in report.extra


@pytest.mark.parametrize(
    ("mail", "field", "value"),
    [
        ("raw-8bit", "subject", "café latin"),
        ("subject-unknown", "subject", "unknown"),
        ("no-headers", "subject", ""),
        ("no-headers", "message_id", ""),
        ("headers-twice", "header_from", "a@example.net, b@example.net"),
        ("headers-twice", "from_address", "a@example.net"),
        ("headers-twice", "header_date", "Fri, 20 Nov 2026 10:00:00 +0000"),
        ("spoofed-display-name", "from_address", "evil@example.org"),
        ("quoted-names", "header_from", '"Müller, Hans" <h@example.net>'),
        ("nested-encoded-word", "subject", "=?utf-8?Q?hi?="),
        ("lf-only", "subject", "lf folded"),
        ("cr-only", "subject", "cr"),
        ("cr-only", "headers", "From: Alice <alice@example.net>\rTo: bob@example.com\rSubject: cr\r"),
        ("envelope-like-encoded-word", "mail_from", "=?utf-8?q?x?=@example.net"),
        ("mixed-encoded-header", "subject", "hello καλά world = ? _ ok"),
        ("mixed-encoded-header", "user", "χρήστης one"),
    ],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_an_odd_mail_is_read_as_it_is_meant(version: str, mail: str, field: str, value: str) -> None:
    found = getattr(Capture(version, "default", mail, "odd").received().report, field)
    assert found.startswith(value) if field == "headers" else found == value


def test_an_encoded_subject_cut_inside_a_character_is_whole() -> None:
    capture = Capture("rspamd-3.12.1", "default", "04-utf8subj")
    assert "=CF?==?UTF-8?Q?=83" in capture.request()[0]["x-rspamd-subject"]
    assert capture.received().report.subject == "Καλημέρα κόσμε — тест 🎉"


@pytest.mark.parametrize("formatter", ["json_with_message+meta_headers", "default"])
def test_what_begins_with_a_brace_is_told_apart_by_the_size_of_the_message(formatter: str) -> None:
    received = Capture("rspamd-4.1.5", formatter, "begins-with-brace", "odd").received()
    assert received.raw == b'{"action":"reject","symbols":[]}\r\n'
    assert received.report.score == 22.0


@pytest.mark.parametrize("formatter", ["structured", "structured+zstd_compress"])
def test_a_structured_report_keeps_what_the_parts_are_and_not_what_they_hold(formatter: str) -> None:
    extra = dict(Capture("rspamd-4.1.5", formatter, "attachments", "odd").received().report.extra)
    assert len(extra.pop("uuid")) == 36
    assert extra == {
        "is_reply": True,
        "attachments": [{"filename": "café.pdf", "content_type": "application/pdf", "size": 4200, "digest": "f4cbccf29ea83601"}],
        "images": [{"filename": "a.png", "content_type": "PNG", "size": 67, "width": 1, "height": 1}],
    }


def test_a_structured_report_keeps_the_links() -> None:
    assert Capture("rspamd-4.1.5", "structured", "11-html").received().report.extra["urls"] == [
        {"url": "http://evil.example", "host": "evil.example"}
    ]


def test_what_a_rspamd_posts_is_read_at_once_unless_it_is_packed() -> None:
    hurried, packed = Limits(is_hurried=True), {"msgpack", "structured"}
    for capture in every():
        headers, body = capture.request()
        if capture.formatter.partition("+")[0] in packed or "content-encoding" in headers:
            continue
        assert parse(headers, body, hurried) == capture.received(), capture
