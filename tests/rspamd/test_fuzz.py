"""Any bytes in: a report or one of our refusals, nothing else."""

import os
from typing import Any

import msgpack
import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import MailkeepError
from app.mime.headers import address_in, address_of, block_text, decode_value, header_block, parse_headers
from app.rspamd.body import decode_body
from app.rspamd.metadata import parse
from app.rspamd.report import Limits, Received
from app.rspamd.symbols import virus_of
from tests.rspamd.captures import Capture, every

ours = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "400")),
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=list(HealthCheck),
)
LIMITS = Limits(metadata_bytes=20_000, recipients=50, symbols=50)
FIELDS = ("user", "qid", "ip", "from", "rcpt", "subject", "action", "score", "symbols", "fuzzy", "scan_time", "rspamd_server", "size")
MORE_FIELDS = (
    "header_from",
    "header_to",
    "header_date",
    "header_subject",
    "message_id",
    "message",
    "text",
    "attachments",
    "images",
    "urls",
)

latin = st.text(st.characters(max_codepoint=255), max_size=60)
leaves = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20)
tree_keys = st.sampled_from(["name", "score", "options", "weight", "groups", "filename", "url"]) | st.text(max_size=3)
trees = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(tree_keys, inner, max_size=3), max_leaves=6)
names = st.sampled_from(FIELDS + MORE_FIELDS)


def check(headers: dict[str, str], body: bytes) -> None:
    try:
        received = parse(headers, body, LIMITS)
    except MailkeepError as error:
        assert "\n" not in str(error)
        return
    assert isinstance(received, Received)
    report = received.report
    lines = (report.queue_id, report.message_id, report.action, report.user, report.mail_from, report.subject, report.header_from)
    lines += (report.from_address, report.header_to, report.header_date, report.rspamd_host, *report.recipients, *report.fuzzy)
    assert not any(mark in line for line in lines for mark in "\0\r\n")
    assert "\0" not in report.headers
    "".join((*lines, report.headers)).encode("utf-8")
    assert report.size >= 0
    msgpack.packb([report.score, report.scan_ms, report.size, report.ip])
    assert orjson.loads(orjson.dumps([report.symbols, report.extra])) == [list(report.symbols), report.extra]
    virus_of(report.symbols, ("*_VIRUS",))


@ours
@given(st.dictionaries(st.sampled_from([f"x-rspamd-{name}" for name in FIELDS] + ["content-type"]), latin), st.binary(max_size=200))
def test_any_headers_and_any_body(headers: dict[str, str], body: bytes) -> None:
    check(headers, body)


@ours
@given(st.dictionaries(names, trees, max_size=6))
def test_any_json(values: dict[str, Any]) -> None:
    try:
        body = orjson.dumps(values)
    except TypeError:
        return  # integers JSON cannot hold
    check({}, body)
    check({f"x-rspamd-{name}": orjson.dumps(value).decode("latin-1") for name, value in values.items()}, body)


@ours
@given(st.dictionaries(names | st.binary(max_size=3), trees | st.binary(max_size=50), max_size=6), st.booleans())
def test_any_msgpack(values: dict[Any, Any], bin_type: bool) -> None:
    try:
        body = msgpack.packb(values, use_bin_type=bin_type)
    except (OverflowError, ValueError):
        return
    check({}, body)


@ours
@given(st.sampled_from(every() + every("odd")), st.integers(0, 5000), st.binary(max_size=8), st.integers(0, 40))
def test_any_capture_spoilt_anywhere(capture: Capture, position: int, put: bytes, cut: int) -> None:
    headers, body = capture.request()
    position %= max(1, len(body))
    check(headers, body[:position] + put + body[position + cut :])
    name = sorted(headers)[position % len(headers)]
    check(headers | {name: headers[name][:position] + put.decode("latin-1") + headers[name][position + cut :]}, body)


@ours
@given(
    st.binary(max_size=300),
    st.sampled_from(["", "gzip", "zstd", "br", "x" * 100]),
    st.sampled_from([b"", b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd"]),
)
def test_any_encoding(body: bytes, encoding: str, magic: bytes) -> None:
    try:
        assert len(decode_body(magic + body, encoding, 10_000)) <= 10_000
    except MailkeepError as error:
        assert "\n" not in str(error)


@ours
@given(st.binary(max_size=300), st.sampled_from([b"utf-8", b"utf-7", b"iso-2022-jp", b"hz", b"utf-16", b"utf-32", b"idna", b"big5"]))
def test_any_header_block(raw: bytes, charset: bytes) -> None:
    for _, value in parse_headers(header_block(raw)):
        address_of(decode_value(value))
    block_text(raw).encode("utf-8")
    for value in (raw, b"=?" + charset + b"?q?" + raw + b"?=", b"From: =?" + charset + b"?b?" + raw + b"?= <a@b>"):
        assert not any(mark in decode_value(value) + address_in(value) for mark in "\0\r\n")
