"""Reports that no Rspamd of ours has sent: odd values, broken bodies, limits."""

import base64
import json
from typing import Any

import pytest

from app.errors import BadRequest, MailkeepError, TooLarge, Unsupported
from app.rspamd.metadata import parse
from app.rspamd.report import Limits, Report

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
        ({}, b"{}", Unsupported),
        ({}, b'{"somebody":"else"}', Unsupported),
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


def test_symbols_in_another_order_are_the_same_report() -> None:
    symbols = [{"name": "B", "score": 1}, {"name": "A", "score": 2}]
    assert from_json(GOOD | {"symbols": symbols}) == from_json(GOOD | {"symbols": symbols[::-1]})


RAW = b"From: a@example.net\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\nSubject: second\r\n\r\nbody\r\n"
HEADERS = {"x-rspamd-qid": "ABC", "x-rspamd-action": "reject", "x-rspamd-rcpt": '["a@example.com"]', "x-rspamd-score": "15.5"}


def from_headers(change: dict[str, str], body: bytes = RAW) -> Report:
    return parse(HEADERS | change, body, Limits()).report


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({}, "subject", "café"),
        ({"x-rspamd-subject": "unknown"}, "subject", "café"),
        ({"x-rspamd-subject": "caf\xef\xbf\xbd"}, "subject", "café"),
        ({"x-rspamd-subject": "told"}, "subject", "told"),
        ({"x-rspamd-subject": "=?UTF-8?Q?=C3=A9_?=b =?utf-8?q?c?="}, "subject", "é b =?utf-8?q?c?="),
        ({"x-rspamd-subject": "told", "x-rspamd-action": "rewrite subject"}, "action", "rewrite subject"),
        ({"x-rspamd-action": "add_header"}, "action", "add header"),
        ({"x-rspamd-action": "my_action"}, "action", "my_action"),
        ({"x-rspamd-scan_time": "7"}, "scan_ms", 7.0),
        ({"x-rspamd-scan-time": "7"}, "scan_ms", 7.0),
        ({"x_rspamd_scan_time": "7"}, "scan_ms", 7.0),
        ({"x-rspamd-scan_time": "-7"}, "scan_ms", None),
        ({"x-rspamd-rcpt": "unknown"}, "recipients", ()),
        ({"x-rspamd-rcpt": "a@example.com"}, "recipients", ("a@example.com",)),
        ({"x-rspamd-rcpt": '["\xce\xb1@example.com"]'}, "recipients", ("α@example.com",)),
        ({"x-rspamd-fuzzy": '["abc","def"]'}, "fuzzy", ("abc", "def")),
        ({"x-rspamd-symbols": "[broken"}, "symbols", ()),
        ({"x-rspamd-qid": ""}, "queue_id", ""),
        ({"x-rspamd-from": ""}, "mail_from", ""),
        ({"x-rspamd-size": "-5"}, "size", len(RAW)),
    ],
)
def test_headers_are_read_whatever_they_hold(change: dict[str, str], field: str, value: object) -> None:
    assert getattr(from_headers(change), field) == value


def test_headers_make_any_body_the_message() -> None:
    for raw in (RAW, b"{" + RAW, b'{"qid":"other","symbols":[]}', b"\x81\xa1a\xa1b", b"--x\r\n"):
        assert parse(HEADERS, raw, Limits()).raw == raw
        assert parse(HEADERS | {"x-rspamd-size": str(len(raw))}, raw, Limits()).raw == raw


def test_a_message_that_looks_like_a_huge_report_is_not_read_as_one() -> None:
    raw = b'{"qid":"ABC","symbols":[' + b"[]," * 1_000_000 + b"1]}"
    assert parse(HEADERS, raw, Limits()).raw == raw


def test_an_empty_body_is_no_message() -> None:
    assert parse(HEADERS, b"", Limits()).raw is None


def test_json_beside_headers_is_the_report() -> None:
    body = json.dumps(GOOD | {"message": base64.b64encode(RAW).decode()}).encode()
    for told in ({"x-rspamd-size": str(len(RAW))}, {}):
        assert parse(HEADERS | told, body, Limits()).raw == RAW


def test_a_message_that_is_no_base64_is_said_to_be_lost_and_the_report_is_not() -> None:
    for broken in ("###", "abc", 5, ["x"], "YWJj\u00e9"):
        received = parse({}, json.dumps(GOOD | {"message": broken}).encode(), Limits())
        assert received.raw is None
        assert received.report.recipients == ("a@example.com",)
        assert received.report.extra["odd"] == ["message"]


def test_a_message_in_lines_of_base64_is_whole() -> None:
    body = json.dumps(GOOD | {"message": base64.encodebytes(RAW * 10).decode()}).encode()
    assert parse({}, body, Limits()).raw == RAW * 10


def test_json_nested_too_deep_is_refused_or_read_and_never_an_error() -> None:
    for depth in (100, 900, 5000):
        for name in ("symbols", "rcpt", "subject", "score", "header_from"):
            body = b'{"action":"reject","%s":%s1%s}' % (name.encode(), b"[" * depth, b"]" * depth)
            try:
                assert parse({}, body, Limits()).report.action == "reject"
            except BadRequest:
                assert depth == 5000


def test_json_is_measured_before_it_is_read() -> None:
    with pytest.raises(TooLarge, match="MAX_METADATA_BYTES = 2097152"):
        parse({}, b'{"x":[' + b"[]," * 1_000_000 + b"1]}", Limits())


def test_the_word_in_another_value_does_not_pass_for_the_message() -> None:
    values = GOOD | {"subject": '"message":"' + "x" * 2000}
    with pytest.raises(TooLarge):
        from_json(values, metadata_bytes=1000)


def test_raw_control_characters_in_json_are_taken() -> None:
    report = parse({}, b'{"action":"reject","subject":"a\x00b\nc\x07"}', Limits()).report
    assert report.subject == "a\ufffdb c\x07"


def test_the_address_of_the_sender_is_told_before_its_name_is_decoded() -> None:
    raw = b"From: =?utf-8?q?=3Cbob=40bank=2Eexample=3E=2C?= <Evil@Example.org>\r\n\r\n"
    assert parse(HEADERS, raw, Limits()).report.from_address == "evil@example.org"
