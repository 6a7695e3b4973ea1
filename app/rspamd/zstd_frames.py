"""Whether a zstd stream is whole, told from its frame and block headers alone (RFC 8878, section 3.1): nothing is unpacked."""

from app.errors import BadRequest

_MAGIC = b"\x28\xb5\x2f\xfd"
_DICTIONARY_BYTES = (0, 1, 2, 4)
_CONTENT_SIZE_BYTES = (0, 2, 4, 8)
_RLE = 1
_MAX_HEADERS = 1_000_000


def check(body: bytes) -> None:
    """BadRequest where a frame is no frame or lacks its end."""
    position = headers = 0
    while position < len(body):
        position, blocks = _skippable_end(body, position) or _frame_end(body, position)
        headers += blocks
        if position > len(body):
            raise BadRequest("the zstd body ends too early")
        if headers > _MAX_HEADERS:
            raise BadRequest("the zstd body is cut into too many blocks")


def _skippable_end(body: bytes, start: int) -> tuple[int, int] | None:
    if body[start + 1 : start + 4] != b"\x2a\x4d\x18" or body[start] & 0xF0 != 0x50:
        return None
    return start + 8 + int.from_bytes(body[start + 4 : start + 8], "little"), 1


def _frame_end(body: bytes, start: int) -> tuple[int, int]:
    if body[start : start + 4] != _MAGIC:
        raise BadRequest("the zstd body is broken: a frame does not begin as one")
    descriptor = body[start + 4] if len(body) > start + 4 else 0
    single_segment = descriptor >> 5 & 1
    position = start + 5 + _DICTIONARY_BYTES[descriptor & 3] + (1 - single_segment)
    position += _CONTENT_SIZE_BYTES[descriptor >> 6] or single_segment
    blocks, last = 0, False
    while not last:
        if position + 3 > len(body):
            raise BadRequest("the zstd body ends too early")
        header = int.from_bytes(body[position : position + 3], "little")
        position += 3 + (1 if header >> 1 & 3 == _RLE else header >> 3)
        blocks, last = blocks + 1, bool(header & 1)
    return position + (4 if descriptor & 4 else 0), blocks
