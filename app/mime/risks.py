"""What makes an attachment dangerous, told from its name, what it claims to be, and its bytes. Nothing is unpacked."""

from enum import StrEnum, unique

from app.mime.filenames import endings_of, hides_something
from app.mime.zips import zip_entries


@unique
class Risk(StrEnum):
    EXECUTABLE = "executable"
    DOUBLE_ENDING = "double ending"
    MACROS = "macros"
    ENCRYPTED = "encrypted"
    SCRIPTED = "scripted"
    DISGUISED = "disguised"
    ARCHIVED_EXECUTABLE = "archived executable"
    NESTED = "nested"


_EXECUTABLE = frozenset(
    (
        "exe com scr pif bat cmd vbs vbe js jse wsf wsh ps1 psm1 msi msp mst jar hta cpl dll lnk reg scf inf url iso "
        "img vhd vhdx apk app dmg pkg chm hlp gadget application appx msix xll sct ws sh run elf bin cab ace one onepkg "
        "library-ms search-ms settingcontent-ms"
    ).split()
)
_EXECUTABLE_KINDS = frozenset(
    {
        "application/x-dosexec",
        "application/x-elf",
        "application/x-mach-binary",
        "application/java-vm",
        "application/java-archive",
        "application/x-ms-shortcut",
        "application/vnd.ms-htmlhelp",
        "application/vnd.android.package-archive",
        "application/x-iso9660-image",
        "application/onenote",
        "text/x-script",
    }
)
_SCRIPTED_KINDS = frozenset({"text/html", "image/svg+xml"})
_MACRO_ENDINGS = frozenset("docm dotm xlsm xltm xlam xlsb pptm potm ppsm ppam sldm".split())
_ARCHIVES = frozenset("zip rar 7z gz tgz bz2 xz tar arj cab ace z lzh lha iso img".split())
# What people take for harmless, so that it stands before the true ending.
_HARMLESS = frozenset(
    ("pdf doc docx xls xlsx ppt pptx odt ods txt rtf jpg jpeg png gif bmp tif tiff csv mp3 mp4 avi wav htm html xml zip eml").split()
)
_FAMILIES = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "txt": "text/plain",
    "csv": "text/plain",
}


def risks_of(name: str, kind: str, content: bytes) -> frozenset[Risk]:
    """`kind` is what the bytes tell (mime/kinds.py)."""
    found: set[Risk] = set()
    endings = endings_of(name)
    last = endings[-1] if endings else ""
    if last in _EXECUTABLE or kind in _EXECUTABLE_KINDS:
        found.add(Risk.EXECUTABLE)
        if len(endings) > 1 and endings[-2] in _HARMLESS:
            found.add(Risk.DOUBLE_ENDING)
    if hides_something(name) or _is_disguised(last, kind):
        found.add(Risk.DISGUISED)
    if kind in _SCRIPTED_KINDS or last in ("htm", "html", "shtml", "xhtml", "svg", "mht", "mhtml"):
        found.add(Risk.SCRIPTED)
    if last in _MACRO_ENDINGS:
        found.add(Risk.MACROS)
    return frozenset(found | _inside(kind, content))


def _is_disguised(ending: str, kind: str) -> bool:
    family = _FAMILIES.get(ending)
    return family is not None and kind != family and not (family == "text/plain" and kind == "application/octet-stream")


def _inside(kind: str, content: bytes) -> set[Risk]:
    if kind.startswith(("application/zip", "application/vnd.openxml", "application/vnd.oasis", "application/java-archive")):
        return _inside_zip(content)
    match kind:
        case "application/x-ole-storage":
            encrypted = {Risk.ENCRYPTED} if "EncryptedPackage".encode("utf-16-le") in content else set()
            return encrypted | ({Risk.MACROS} if "_VBA_PROJECT".encode("utf-16-le") in content else set())
        case "application/pdf":
            scripted = any(mark in content for mark in (b"/JavaScript", b"/JS", b"/Launch", b"/OpenAction", b"/EmbeddedFile"))
            return ({Risk.ENCRYPTED} if b"/Encrypt" in content else set()) | ({Risk.SCRIPTED} if scripted else set())
        case "application/vnd.rar":
            return {Risk.ENCRYPTED} if _rar_is_encrypted(content) else set()
        case "application/x-7z-compressed":  # the id of the AES coder, in the header at the end
            return {Risk.ENCRYPTED} if b"\x06\xf1\x07\x01" in content[-65536:] else set()
        case "application/rtf":
            return {Risk.SCRIPTED} if b"\\objdata" in content or b"\\objupdate" in content else set()
    return set()


def _inside_zip(content: bytes) -> set[Risk]:
    found: set[Risk] = set()
    for name, is_encrypted in zip_entries(content):
        endings = endings_of(name.rpartition("/")[2])
        last = endings[-1] if endings else ""
        if is_encrypted:
            found.add(Risk.ENCRYPTED)
        if name.endswith(("vbaproject.bin", "vbadata.xml")) or last in _MACRO_ENDINGS:
            found.add(Risk.MACROS)
        if last in _EXECUTABLE and not name.endswith(("vbaproject.bin", ".bin")):
            found.add(Risk.ARCHIVED_EXECUTABLE)
        if last in _ARCHIVES:
            found.add(Risk.NESTED)
    return found


def _rar_is_encrypted(content: bytes) -> bool:
    """RAR 5: a block of type 4 right behind the signature. RAR 4: bit 7 of the archive's flags, or bit 2 of the first file's."""
    if content.startswith(b"Rar!\x1a\x07\x01\x00"):
        return content[12:16].find(b"\x04") == 1 or b"\x01\x03\x30" in content[:4096]
    flags = int.from_bytes(content[10:12], "little")
    file_flags = int.from_bytes(content[23:25], "little") if content[22:23] == b"\x74" else 0
    return bool(flags & 0x80 or file_flags & 0x04)
