"""Every recorded request gives the right report, and one mail gives one row whatever the format."""

import base64
import gzip
import json
from dataclasses import fields, replace
from typing import Any

import msgpack
import pytest

from app.errors import BadRequest, MailkeepError, TooLarge, Unsupported
from app.rspamd.metadata import parse
from app.rspamd.report import Limits, Report
from tests.rspamd.captures import VERSIONS, Capture, envelope, every, message

MAILS = sorted({capture.mail for capture in every()})
WITH_MESSAGE = ("default", "multipart", "json_with_message", "msgpack")
# What a format cannot say. Everything else has to be equal.
LACKS = {
    "json": {"headers"},
    "structured": {"headers", "extra"},
    "default": set[str](),
    "multipart": set[str](),
    "json_with_message": set[str](),
    "msgpack": set[str](),
}
SUBJECTS = {
    "01-ham": "Hello",
    "03-multircpt": "Team",
    "04-utf8subj": "Καλημέρα κόσμε — тест 🎉",
    "05-iso8859-7": "Καλημέρα",
    "08-nullsender": "Undelivered Mail",
    "14-smtputf8": "smtputf8",
}


@pytest.mark.parametrize("capture", every(), ids=str)
def test_a_capture_gives_the_report_of_its_mail(capture: Capture) -> None:
    received = capture.received()
    report, sent = received.report, envelope(capture.mail)
    blind = capture.version == "rspamd-3.4" and capture.mail == "14-smtputf8"  # it drops such addresses
    assert report.recipients == (() if blind else tuple(sent["rcpt"]))
    assert report.mail_from == ("" if blind else sent["from"])
    assert report.ip == sent.get("ip", "198.51.100.7")
    assert report.user == sent.get("user", "")
    assert report.queue_id == sent.get("qid", capture.mail.upper()[:12])
    assert report.action in ("no action", "greylist", "add header", "reject")
    assert report.rspamd_host == "vm"
    assert report.symbols
    assert all(set(symbol) <= {"name", "score", "weight", "group", "groups", "options"} for symbol in report.symbols)
    assert "odd" not in report.extra
    assert received.raw == (message(capture.mail) if capture.formatter in WITH_MESSAGE else None)
    assert report.size == (len(message(capture.mail)) if received.raw or capture.version != "rspamd-3.4" else report.size)
    assert "\n" not in report.subject
    if capture.mail in SUBJECTS:
        assert report.subject == SUBJECTS[capture.mail]


@pytest.mark.parametrize("mail", MAILS)
@pytest.mark.parametrize("version", VERSIONS)
def test_one_mail_gives_one_report_in_every_format(version: str, mail: str) -> None:
    found = {capture.formatter: capture.received().report for capture in every() if (capture.version, capture.mail) == (version, mail)}
    assert len(found) >= 2
    assert {formatter: differences(found["default"], report) - LACKS[formatter] for formatter, report in found.items()} == {
        formatter: permitted(version, formatter) for formatter in found
    }


def permitted(version: str, formatter: str) -> set[str]:
    """3.4 tells no size, so without the message there is none."""
    return {"size"} if (version, formatter) == ("rspamd-3.4", "json") else set()


def differences(one: Report, other: Report) -> set[str]:
    """But for the scan time, which differs from run to run."""
    return {f.name for f in fields(Report) if f.name != "scan_ms" and getattr(one, f.name) != getattr(other, f.name)}


GOOD: dict[str, Any] = {"rcpt": ["a@example.com"], "from": "b@example.net", "action": "reject", "score": 15.5, "qid": "ABC", "symbols": []}


def from_json(values: dict[str, Any], **limits: int) -> Report:
    return parse({"content-type": "text/plain"}, json.dumps(values).encode(), Limits(**limits)).report


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"score": "12.5"}, "score", 12.5),
        ({"score": "much"}, "score", 0.0),
        ({"score": "nan"}, "score", 0.0),
        ({"score": None}, "score", 0.0),
        ({"score": [1]}, "score", 0.0),
        ({"score": 10**400}, "score", 0.0),
        ({"rcpt": "unknown"}, "recipients", ()),
        ({"rcpt": {}}, "recipients", ()),
        ({"rcpt": None}, "recipients", ()),
        ({"rcpt": ["x@y", 7, ""]}, "recipients", ("x@y", "7")),
        ({"symbols": "not json"}, "symbols", ()),
        ({"symbols": [{"score": 1}, "x", {"name": "OK", "score": "bad"}]}, "symbols", ({"name": "OK", "score": 0.0},)),
        ({"ip": "not an ip"}, "ip", None),
        ({"ip": "::ffff:192.0.2.1"}, "ip", "192.0.2.1"),
        ({"ip": "2001:DB8::1"}, "ip", "2001:db8::1"),
        ({"subject": "a\r\nX-Evil: b"}, "subject", "a X-Evil: b"),
        ({"subject": "nul\0"}, "subject", "nul\ufffd"),
        ({"qid": "../../etc/passwd"}, "queue_id", "../../etc/passwd"),
        ({"from": ""}, "mail_from", ""),
        ({"from": "unknown"}, "mail_from", ""),
        ({"action": "Reject"}, "action", "reject"),
        ({"action": None}, "action", ""),
        ({"size": "lots"}, "size", 0),
        ({"scan_time": "0.5"}, "scan_ms", 0.5),
    ],
)
def test_odd_values_never_lose_the_mail(change: dict[str, Any], field: str, value: object) -> None:
    assert getattr(from_json(GOOD | change), field) == value


def test_what_was_odd_is_said() -> None:
    report = from_json(GOOD | {"score": "much", "ip": "x", "symbols": "y"})
    assert report.extra["odd"] == ["ip", "score", "symbols"]


def test_a_lone_surrogate_and_bytes_that_are_no_utf8_are_taken() -> None:
    body = b'{"rcpt":["a@example.com"],"action":"reject","subject":"\\ud800 caf\xe9"}'
    report = parse({}, body, Limits()).report
    assert report.recipients == ("a@example.com",)
    report.subject.encode("utf-8")


@pytest.mark.parametrize(
    ("headers", "body", "error"),
    [
        ({}, b"", Unsupported),
        ({}, b"\xff\xfe\x00", Unsupported),
        ({}, b"[1,2]", Unsupported),
        ({}, b"{broken", BadRequest),
        ({}, b"Subject: mail without report\r\n\r\nx", BadRequest),
        ({}, b"\x81\xa1", BadRequest),
        ({"content-type": "multipart/form-data; boundary=x"}, b"", BadRequest),
        ({"content-type": "multipart/form-data; boundary=x"}, b"--x\r\n\r\nno end", BadRequest),
        ({"content-type": "multipart/form-data; boundary=x"}, b"--x--\r\n", BadRequest),
        (
            {"content-type": 'multipart/form-data; boundary="x"'},
            b'--x\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n[]\r\n--x--',
            BadRequest,
        ),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(headers: dict[str, str], body: bytes, error: type[MailkeepError]) -> None:
    with pytest.raises(error) as raised:
        parse(headers, body, Limits())
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("limits", "values", "setting"),
    [
        ({"recipients": 2}, {"rcpt": ["a@b", "c@d", "e@f"]}, "MAX_RECIPIENTS = 2"),
        ({"symbols": 1}, {"symbols": [{"name": "A"}, {"name": "B"}]}, "MAX_SYMBOLS = 1"),
        ({"metadata_bytes": 500}, {"subject": "x" * 600}, "MAX_METADATA_BYTES = 500"),
    ],
)
def test_a_limit_is_named_with_its_value(limits: dict[str, int], values: dict[str, Any], setting: str) -> None:
    with pytest.raises(TooLarge, match=setting):
        from_json(GOOD | values, **limits)


def test_the_metadata_limit_does_not_count_the_message() -> None:
    raw = b"Subject: x\r\n\r\n" + b"y" * 10_000
    body = json.dumps(GOOD | {"message": base64.b64encode(raw).decode()}).encode()
    assert parse({}, body, Limits(metadata_bytes=1000)).raw == raw


def test_a_message_with_lines_like_the_boundary_stays_whole() -> None:
    raw = b"Subject: x\r\n\r\n--y\r\n--x-not\n--x\n text --x\r\n"
    head = b'--xx\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n' + json.dumps(GOOD).encode()
    body = head + b'\r\n--xx\r\nContent-Disposition: form-data; name="message"; filename="message.eml"\r\n\r\n' + raw + b"\r\n--xx--\r\n"
    for content_type in ('multipart/form-data; boundary="xx"', "multipart/form-data; boundary=xx", "text/plain"):
        assert parse({"content-type": content_type}, body, Limits()).raw == raw


def test_msgpack_keeps_every_byte_of_the_message() -> None:
    raw = b"Subject: x\r\n\r\n" + bytes(range(256))
    for use_bin_type in (True, False):
        body = msgpack.packb(GOOD | {"message": raw}, use_bin_type=use_bin_type)
        received = parse({}, body, Limits())
        assert received.raw == raw
        assert received.report.recipients == ("a@example.com",)


def test_structured_keeps_names_of_parts_and_never_their_content() -> None:
    body = msgpack.packb(
        GOOD
        | {"uuid": "u-1", "text": "secret", "attachments": [{"filename": "a.pdf", "content": b"secret"}], "urls": [{"url": "http://x"}]}
    )
    extra = parse({}, body, Limits()).report.extra
    assert extra == {"uuid": "u-1", "attachments": [{"filename": "a.pdf"}], "urls": ["http://x"]}


def test_symbols_in_another_order_are_the_same_report() -> None:
    symbols = [{"name": "B", "score": 1}, {"name": "A", "score": 2}]
    assert from_json(GOOD | {"symbols": symbols}) == from_json(GOOD | {"symbols": symbols[::-1]})


def test_an_encoded_subject_cut_inside_a_character_is_whole() -> None:
    capture = Capture("rspamd-3.12.1", "default", "04-utf8subj")
    assert "?==?" in capture.request()[0]["x-rspamd-subject"]
    assert capture.received().report.subject == SUBJECTS["04-utf8subj"]


def test_a_compressed_body_is_the_same_report() -> None:
    from app.rspamd.body import decode_body

    headers, body = Capture("rspamd-4.1.5", "multipart", "11-html").request()
    plain = parse(headers, body, Limits())
    assert parse(headers, decode_body(gzip.compress(body), "gzip", 1 << 20), Limits()) == plain


def test_the_first_subject_of_the_message_counts_when_rspamd_told_none() -> None:
    raw = b"Subject: =?utf-8?q?caf=C3=A9?=\r\nSubject: second\r\n\r\n"
    body = json.dumps(GOOD | {"message": base64.b64encode(raw).decode()}).encode()
    assert replace(parse({}, body, Limits()).report).subject == "café"
