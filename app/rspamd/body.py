"""Request bodies as they come: gzip and zstd taken off, never beyond a limit."""

import zlib

import zstandard

from app.errors import BadRequest, TooLarge, Unsupported

_CHUNK = 256 << 10


def decode_body(body: bytes, encoding: str, limit: int) -> bytes:
    """`encoding` is the Content-Encoding header. TooLarge past `limit` bytes, Unsupported, BadRequest for a broken stream."""
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            return _gunzip(body, limit)
        case "zstd":
            return unzstd(body, limit)
        case other:
            raise Unsupported(f"Content-Encoding {other[:40]!r} is not read here: gzip, zstd or none")


def _gunzip(body: bytes, limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while body:
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        while not member.eof:
            try:
                piece = member.decompress(body, _CHUNK)
            except zlib.error as error:
                raise BadRequest(f"the gzip body is broken: {error}") from None
            body = member.unconsumed_tail
            size += len(piece)
            _check(size, limit)
            pieces.append(piece)
            if not piece and not body and not member.eof:
                raise BadRequest("the gzip body ends too early")
        body = member.unused_data.lstrip(b"\0")
    return b"".join(pieces)


def unzstd(body: bytes, limit: int) -> bytes:
    """All frames of a stream."""
    pieces: list[bytes] = []
    size = 0
    try:
        with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(body, read_across_frames=True) as reader:
            while piece := reader.read(_CHUNK):
                size += len(piece)
                _check(size, limit)
                pieces.append(piece)
    except zstandard.ZstdError as error:
        raise BadRequest(f"the zstd body is broken: {error}") from None
    if not _is_whole(body):
        raise BadRequest("the zstd body ends too early")
    return b"".join(pieces)


def _is_whole(body: bytes) -> bool:
    """The reader takes a torn end for the end; asked of what is known to be no bomb."""
    while body:
        frame = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        frame.decompress(body)
        if not frame.eof:
            return False
        body = frame.unused_data
    return True


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge(f"the body unpacks to more than MAX_BODY_BYTES = {limit}")
