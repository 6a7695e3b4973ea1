"""Compressed bodies: taken off, bounded, or refused."""

import gzip

import pytest
import zstandard

from app.errors import BadRequest, TooLarge, Unsupported
from app.rspamd.body import decode_body

TEXT = b"some text " * 1000
FRAME = zstandard.ZstdCompressor().compress(TEXT)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("GZIP", gzip.compress(TEXT[:500]) + gzip.compress(TEXT[500:])),
        ("zstd", FRAME),
        ("zstd", zstandard.ZstdCompressor().compress(TEXT[:500]) + zstandard.ZstdCompressor().compress(TEXT[500:])),
    ],
)
def test_it_comes_out_as_it_went_in(encoding: str, body: bytes) -> None:
    assert decode_body(body, encoding, len(TEXT)) == TEXT


@pytest.mark.parametrize(
    ("encoding", "body"), [("gzip", gzip.compress(bytes(50 << 20))), ("zstd", zstandard.ZstdCompressor().compress(bytes(50 << 20)))]
)
def test_a_bomb_stops_at_the_limit(encoding: str, body: bytes) -> None:
    with pytest.raises(TooLarge, match="MAX_BODY_BYTES = 1000000"):
        decode_body(body, encoding, 1_000_000)


@pytest.mark.parametrize(
    ("encoding", "body", "error"),
    [
        ("br", b"x", Unsupported),
        ("gzip, gzip", b"x", Unsupported),
        ("gzip", b"not gzip", BadRequest),
        ("gzip", gzip.compress(TEXT)[:-9], BadRequest),
        ("zstd", b"not zstd at all", BadRequest),
        ("zstd", FRAME[:-5], BadRequest),
        ("zstd", FRAME[:5], BadRequest),
    ],
)
def test_what_cannot_be_read_is_refused(encoding: str, body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        decode_body(body, encoding, 1 << 20)
