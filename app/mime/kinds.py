"""What a file is, told from its first bytes and not from what it is called."""

import re

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"MZ", "application/x-dosexec"),
    (b"\x7fELF", "application/x-elf"),
    (b"\xca\xfe\xba\xbe", "application/java-vm"),
    (b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\xce\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\x1f\x8b", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"MSCF", "application/vnd.ms-cab-compressed"),
    (b"\x60\xea", "application/x-arj"),
    (b"%PDF-", "application/pdf"),
    (b"{\\rtf", "application/rtf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "application/ogg"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "application/x-ms-shortcut"),
    (b"ITSF", "application/vnd.ms-htmlhelp"),
    (b"#!", "text/x-script"),
    (b"-----BEGIN PGP", "application/pgp-encrypted"),
    (b"\x78\x9f\x3e\x22", "application/vnd.ms-tnef"),
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "application/onenote"),
)
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|script|table|div|meta|style|iframe|form|a\s)", re.IGNORECASE)
_SVG = re.compile(rb"<svg[\s>]", re.IGNORECASE)
# What may stand before the first element that tells.
_PROLOGUES = ((b"<?xml", b"?>"), (b"<!--", b"-->"), (b"<!doctype svg", b">"))
RASTER = frozenset({"image/png", "image/jpeg", "image/gif", "image/bmp", "image/webp"})


def kind_of(content: bytes) -> str:
    """The media type that the bytes tell, or "text/plain" or "application/octet-stream"."""
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            return kind
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _zip_kind(content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[32769:32774] == b"CD001":
        return "application/x-iso9660-image"
    if content[257:262] == b"ustar":
        return "application/x-tar"
    head = _first_element(content[:2048].removeprefix(b"\xef\xbb\xbf"))
    if _SVG.match(head):
        return "image/svg+xml"
    if _HTML.match(head):
        return "text/html"
    return "application/octet-stream" if b"\0" in content[:4096] else "text/plain"


def _first_element(head: bytes) -> bytes:
    """Without blanks, comments and declarations before it; step by step, since an expression for it would go back and forth for hours."""
    head = head.lstrip()
    while end := next((end for start, end in _PROLOGUES if head[:20].lower().startswith(start)), b""):
        _, found, rest = head.partition(end)
        if not found:
            break
        head = rest.lstrip()
    return head


def _zip_kind(content: bytes) -> str:
    """Office documents are ZIP archives with known names near their beginning or in their directory."""
    for name, kind in (
        (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        (b"META-INF/MANIFEST.MF", "application/java-archive"),
        (b"mimetypeapplication/vnd.oasis.opendocument", "application/vnd.oasis.opendocument"),
        (b"AndroidManifest.xml", "application/vnd.android.package-archive"),
    ):
        if content.find(name, 0, 8192) >= 0 or content.find(name, max(0, len(content) - 65536)) >= 0:
            return kind
    return "application/zip"
