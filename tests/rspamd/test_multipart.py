"""Bodies of form data: any order, any message, no byte lost."""

import gzip
import json

import pytest

from app.errors import BadRequest
from app.rspamd.metadata import parse
from app.rspamd.multipart import parts_of
from app.rspamd.report import Limits

METADATA = b'Content-Disposition: form-data; name="metadata"\r\nContent-Type: application/json\r\n\r\n{"action":"reject"}'
MESSAGE = b'Content-Disposition: form-data; name="message"; filename="message.eml"\r\nContent-Type: message/rfc822\r\n\r\n'
TYPE = 'multipart/form-data; boundary="xx"'
HOSTILE = (
    b"Subject: x\r\n\r\n--y\r\n--x-not\n--xx\n text --xx\r\n",
    b"Subject: x\r\n\r\n\r\n--xxx\r\n\r\n--xx-\r\n--xx --\r\n",
    b"--xx inside the first line\r\n",
    b"\r\n\r\n",
    b"\r\n",
    bytes(range(256)),
)


def form(*parts: bytes, boundary: bytes = b"xx") -> bytes:
    return b"".join(b"--%s\r\n%s\r\n" % (boundary, part) for part in parts) + b"--%s--\r\n" % boundary


@pytest.mark.parametrize("raw", HOSTILE)
@pytest.mark.parametrize(
    "content_type", [TYPE, "multipart/form-data; boundary=xx", "multipart/form-data", "text/plain", TYPE.replace("xx", "no")]
)
def test_the_message_comes_out_byte_for_byte(content_type: str, raw: bytes) -> None:
    for parts in ((METADATA, MESSAGE + raw), (MESSAGE + raw, METADATA)):
        received = parse({"content-type": content_type}, form(*parts), Limits())
        assert received.raw == raw
        assert received.report.action == "reject"


def test_what_stands_before_and_after_the_parts_is_passed_over() -> None:
    assert set(parts_of(TYPE, b"preamble\r\n" + form(METADATA) + b"epilogue", 100)) == {"metadata"}


def test_a_message_cannot_bring_its_own_metadata() -> None:
    second = METADATA.replace(b"reject", b"accept")
    assert parse({"content-type": TYPE}, form(METADATA, MESSAGE + b"x", second), Limits()).report.action == "reject"


def test_a_compressed_part_is_unpacked() -> None:
    packed = MESSAGE.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n") + gzip.compress(HOSTILE[0])
    assert parse({"content-type": TYPE}, form(METADATA, packed), Limits()).raw == HOSTILE[0]


def test_headers_beside_a_form_change_nothing() -> None:
    body = form(METADATA, MESSAGE + HOSTILE[0])
    assert parse({"content-type": TYPE, "x-rspamd-action": "accept"}, body, Limits()) == parse({"content-type": TYPE}, body, Limits())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--xx",
        b"--xx\r\n",
        b"--xx--\r\n",
        b"--xx\r\n\r\n--xx--\r\n",
        form(METADATA)[:-6],
        form(MESSAGE),
        form(METADATA.replace(b"\r\n\r\n", b"\r\n")),
        form(*[b'Content-Disposition: form-data; name="%d"\r\n\r\nx' % number for number in range(30)]),
        form(METADATA.replace(b"{", b"[")),
        form(METADATA.replace(b'"reject"}', b"")),
        json.dumps({"action": "reject"}).encode(),
    ],
)
def test_a_broken_form_is_refused_in_one_line(body: bytes) -> None:
    with pytest.raises(BadRequest) as raised:
        parse({"content-type": TYPE}, body, Limits())
    assert "\n" not in str(raised.value)
