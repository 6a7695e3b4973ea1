"""Compressed bodies: taken off, bounded, or refused."""

import gzip
import random
import time
import tracemalloc

import pytest
import zstandard

from app.errors import BadRequest, TooLarge, Unsupported
from app.rspamd.body import decode_body


def named(value: object) -> str:
    """Test ids without what gzip writes of the time."""
    return f"{len(value)} bytes" if isinstance(value, bytes) else str(value)


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
        ("gzip", gzip.compress(TEXT) + bytes(100)),
        ("gzip", gzip.compress(b"") + gzip.compress(TEXT)),
        ("zstd", FRAME),
        ("zstd", zstandard.ZstdCompressor(write_checksum=True, write_content_size=False).compress(TEXT)),
        ("zstd", zstandard.ZstdCompressor().compress(b"") + FRAME),
        ("zstd", b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc" + FRAME),
        ("zstd", zstandard.ZstdCompressor().compress(TEXT[:500]) + zstandard.ZstdCompressor().compress(TEXT[500:])),
    ],
    ids=named,
)
def test_it_comes_out_as_it_went_in(encoding: str, body: bytes) -> None:
    assert decode_body(body, encoding, len(TEXT)) == TEXT


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", gzip.compress(bytes(50 << 20))), ("zstd", zstandard.ZstdCompressor().compress(bytes(50 << 20)))],
    ids=named,
)
def test_a_bomb_stops_at_the_limit(encoding: str, body: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(TooLarge, match="MAX_BODY_BYTES = 1000000"):
        decode_body(body, encoding, 1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000


@pytest.mark.parametrize(
    ("encoding", "piece"), [("gzip", gzip.compress(b"")), ("zstd", zstandard.ZstdCompressor().compress(b""))], ids=named
)
def test_a_million_empty_pieces_take_no_time(encoding: str, piece: bytes) -> None:
    started = time.process_time()
    try:
        assert decode_body(piece * 300_000, encoding, 1000) == b""
    except BadRequest as error:
        assert "more than 1000 members" in str(error)
    assert time.process_time() - started < 3


def test_random_bytes_survive_both_ways() -> None:
    text = random.Random(5).randbytes(2_000_000)
    assert decode_body(gzip.compress(text), "gzip", len(text)) == text
    assert decode_body(zstandard.ZstdCompressor(write_checksum=True).compress(text), "zstd", len(text)) == text


@pytest.mark.parametrize(
    ("encoding", "body", "error"),
    [
        ("br", b"x", Unsupported),
        ("gzip, gzip", b"x", Unsupported),
        ("gzip", b"not gzip", BadRequest),
        ("gzip", b"", BadRequest),
        ("gzip", gzip.compress(TEXT) + b"rubbish", BadRequest),
        ("gzip", gzip.compress(TEXT)[:-9], BadRequest),
        ("zstd", FRAME + b"rubbish", BadRequest),
        ("zstd", FRAME + FRAME[:-5], BadRequest),
        ("zstd", b"not zstd at all", BadRequest),
        ("zstd", FRAME[:-5], BadRequest),
        ("zstd", FRAME[:5], BadRequest),
    ],
    ids=named,
)
def test_what_cannot_be_read_is_refused(encoding: str, body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        decode_body(body, encoding, 1 << 20)
