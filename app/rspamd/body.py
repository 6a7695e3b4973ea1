"""Request bodies as they come: gzip and zstd taken off, never beyond a limit."""

import re
import zlib

import zstandard

from app.errors import BadRequest, TooLarge, Unsupported
from app.rspamd import zstd_frames

_CHUNK = 256 << 10
_FEED = 64 << 10
_MAX_MEMBERS = 1000
_MAX_WINDOW = 32 << 20
_ZEROS = re.compile(rb"\0*")


def decode_body(body: bytes, encoding: str, limit: int) -> bytes:
    """`encoding` is the Content-Encoding header. TooLarge past `limit` bytes, Unsupported, BadRequest for a broken stream."""
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            return _gunzip(body, limit)
        case "zstd":
            return _unzstd(body, limit)
        case other:
            raise Unsupported(f"Content-Encoding {other[:40]!r} is not read here: gzip, zstd or none")


class _Pieces:
    """What came out so far."""

    def __init__(self, limit: int) -> None:
        self._limit, self._size = limit, 0
        self._pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            raise TooLarge(f"the body unpacks to more than MAX_BODY_BYTES = {self._limit}")
        self._pieces.append(piece)

    def whole(self) -> bytes:
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)


def _gunzip(body: bytes, limit: int) -> bytes:
    pieces, position = _Pieces(limit), 0
    for _ in range(_MAX_MEMBERS):
        position = _gunzip_member(body, position, pieces)
        if position == len(body):
            return pieces.whole()
    raise BadRequest(f"the gzip body has more than {_MAX_MEMBERS} members")


def _gunzip_member(body: bytes, start: int, pieces: _Pieces) -> int:
    """Where the member and the zeros that pad it end. Fed in slices, for zlib copies whatever it has not used yet."""
    member = zlib.decompressobj(16 + zlib.MAX_WBITS)
    position, waiting = start, b""
    while not member.eof:
        if not waiting:
            waiting = body[position : position + _FEED]
            position += len(waiting)
        try:
            piece = member.decompress(waiting, _CHUNK)
        except zlib.error as error:
            raise BadRequest(f"the gzip body is broken: {error}") from None
        if not piece and not waiting:
            raise BadRequest("the gzip body ends too early")
        pieces.add(piece)
        waiting = member.unconsumed_tail
    padding = _ZEROS.match(body, position - len(member.unused_data))
    return padding.end() if padding else position


def _unzstd(body: bytes, limit: int) -> bytes:
    """All frames of a stream. Its end is checked first, for the reader takes a torn end for the end."""
    zstd_frames.check(body)
    pieces = _Pieces(limit)
    try:
        with zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).stream_reader(body, read_across_frames=True) as reader:
            while piece := reader.read(_CHUNK):
                pieces.add(piece)
    except zstandard.ZstdError as error:
        raise BadRequest(f"the zstd body is broken: {error}") from None
    return pieces.whole()
