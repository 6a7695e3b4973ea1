"""Any bytes in: a report or one of our refusals, nothing else."""

import os
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import MailkeepError
from app.mime.headers import address_of, decode_value, header_block, parse_headers
from app.rspamd.body import decode_body
from app.rspamd.metadata import parse
from app.rspamd.report import Limits, Received
from app.rspamd.symbols import virus_of
from tests.rspamd.captures import every

settings.register_profile(
    "ours", max_examples=300, deadline=None, derandomize=bool(os.environ.get("CI")), suppress_health_check=list(HealthCheck)
)
settings.load_profile("ours")

latin = st.text(st.characters(max_codepoint=255), max_size=200)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
FIELDS = ("user", "qid", "ip", "from", "rcpt", "subject", "action", "score", "symbols", "fuzzy", "scan_time", "rspamd_server", "size")
field_names = st.sampled_from((*FIELDS, "header_from", "header_to", "header_date", "message_id", "message"))


def check(headers: dict[str, str], body: bytes) -> None:
    try:
        received = parse(headers, body, Limits())
    except MailkeepError as error:
        assert "\n" not in str(error)
        return
    assert isinstance(received, Received)
    report = received.report
    for text in (report.queue_id, report.subject, report.header_from, report.mail_from, report.headers, *report.recipients):
        assert "\0" not in text
        text.encode("utf-8")
    orjson.dumps([report.symbols, report.fuzzy, report.extra])
    virus_of(report.symbols, ("*_VIRUS",))


@given(st.dictionaries(st.sampled_from([f"x-rspamd-{name}" for name in FIELDS] + ["content-type"]), latin), st.binary(max_size=500))
def test_any_headers_and_any_body(headers: dict[str, str], body: bytes) -> None:
    check(headers, body)


@given(st.dictionaries(field_names, json_values, max_size=15))
def test_any_json(values: dict[str, Any]) -> None:
    try:
        body = orjson.dumps(values)
    except TypeError:
        return  # integers JSON cannot hold
    check({}, body)


@given(st.dictionaries(field_names, json_values | st.binary(max_size=100), max_size=15))
def test_any_msgpack(values: dict[str, Any]) -> None:
    import msgpack

    try:
        body = msgpack.packb(values)
    except (OverflowError, ValueError):
        return
    check({}, body)


@given(st.sampled_from(every()), st.integers(0, 5000), st.binary(max_size=8), st.integers(0, 40))
def test_any_capture_spoilt_anywhere(capture: Any, position: int, put: bytes, cut: int) -> None:
    headers, body = capture.request()
    position %= max(1, len(body))
    check(headers, body[:position] + put + body[position + cut :])
    name = sorted(headers)[position % len(headers)]
    check(headers | {name: headers[name][:position] + put.decode("latin-1") + headers[name][position + cut :]}, body)


@given(st.binary(max_size=300), st.sampled_from(["", "gzip", "zstd", "br", "x" * 100]))
def test_any_encoding(body: bytes, encoding: str) -> None:
    try:
        assert len(decode_body(body, encoding, 10_000)) <= 10_000
    except MailkeepError:
        pass


@given(st.binary(max_size=300))
def test_any_header_block(raw: bytes) -> None:
    for _, value in parse_headers(header_block(raw)):
        address_of(decode_value(value))
    decode_value(b"=?utf-8?q?" + raw + b"?=")
