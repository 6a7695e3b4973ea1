"""msgpack: bytes of any kind in any place, and nothing built that is not kept."""

import tracemalloc
from typing import Any

import msgpack
import pytest

from app.errors import BadRequest, TooLarge, Unsupported
from app.rspamd.metadata import parse
from app.rspamd.report import Limits, Received

GOOD: dict[Any, Any] = {"rcpt": ["a@example.com"], "action": "reject", "score": 15.5, "symbols": []}


def from_map(values: dict[Any, Any], *, bin_type: bool = True, **limits: int) -> Received:
    return parse({}, msgpack.packb(values, use_bin_type=bin_type), Limits(**limits))


@pytest.mark.parametrize("bin_type", [True, False])
@pytest.mark.parametrize("length", [0, 20, 200, 60_000, 70_000])
def test_every_byte_of_the_message_is_kept(bin_type: bool, length: int) -> None:
    raw = b"Subject: x\r\n\r\n" + bytes(range(256)) + b"x" * length
    received = from_map(GOOD | {"message": raw}, bin_type=bin_type)
    assert received.raw == raw
    assert received.report.recipients == ("a@example.com",)


def test_text_may_be_bytes_and_keys_may_be_bytes() -> None:
    report = from_map({b"rcpt": [b"\xce\xb1@example.com"], b"action": b"reject", b"subject": b"caf\xe9\x00", 5: 6}).report
    assert report.recipients == ("α@example.com",)
    assert report.subject == "caf\ufffd\ufffd"


def test_the_content_of_parts_is_never_kept() -> None:
    part = {"filename": "a.pdf", "content": b"secret" * 100, "size": 600, "unheard_of": b"secret"}
    extra = from_map(GOOD | {"text": "secret", "uuid": "u-1", "attachments": [part, 5], "images": "secret"}).report.extra
    assert extra == {"uuid": "u-1", "attachments": [{"filename": "a.pdf", "size": 600}]}


def test_large_content_does_not_count_as_metadata() -> None:
    part = {"filename": "a.pdf", "content": bytes(100_000)}
    values = GOOD | {"message": bytes(100_000), "text": "x" * 100_000, "attachments": [part]}
    assert from_map(values, metadata_bytes=1000).report.action == "reject"


@pytest.mark.parametrize("values", [{"subject": "x" * 2000}, {"attachments": [{}] * 2000}, {"images": [{"filename": "x" * 2000}]}])
def test_metadata_past_the_limit_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(TooLarge, match="MAX_METADATA_BYTES = 1000"):
        from_map(GOOD | values, metadata_bytes=1000)


@pytest.mark.parametrize(
    "body",
    [
        b"\x81",
        b"\x81\xa1",
        b"\xdf\xff\xff\xff\xff",
        b"\x81\xa4rcpt\xdd\xff\xff\xff\xff",
        b"\x81\xa7message\xc6\xff\xff\xff\xff",
        b"\x81\xabattachments\xdd\xff\xff\xff\xff",
        b"\x81\xa1a\xc1",
        b"\x81\xa1a" + b"\x91" * 100_000,
    ],
)
def test_what_is_no_msgpack_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        parse({}, body, Limits())


@pytest.mark.parametrize("body", [b"\x80", b"\x81\x80\x01", b"\x81\x91\x01\x02", b"\x81\xa1a\xa1b"])
def test_a_map_without_any_field_of_a_report_is_none(body: bytes) -> None:
    with pytest.raises(Unsupported, match="metadata_exporter"):
        parse({}, body, Limits())


def test_lies_about_lengths_cost_no_memory() -> None:
    body = b"\x82\xa6symbol" + b"\xdd\x03\xff\xff\xff" * 500 + b"\xc0" * 1000
    tracemalloc.start()
    with pytest.raises(BadRequest):
        parse({}, body, Limits())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_what_follows_the_map_is_passed_over() -> None:
    assert parse({}, msgpack.packb(GOOD) + b"\xc1rubbish", Limits()).report.action == "reject"
