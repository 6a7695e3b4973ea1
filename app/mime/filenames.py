"""Names of attachments: an attacker chose them. Shown with what they hide, and made safe to save under."""

import re
import unicodedata

_MAX_SHOWN = 200
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*%;]+')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
# Characters that turn the direction of what follows, or are not seen at all.
_HIDDEN = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")
_MANY_BLANKS = re.compile(r"\s{5,}")


def shown_name(name: str) -> str:
    """Hidden and control characters as visible marks, so that what is seen is what there is."""
    visible = _HIDDEN.sub(lambda match: f"[U+{ord(match[0]):04X}]", name)
    visible = "".join(character if character.isprintable() else f"[U+{ord(character):04X}]" for character in visible)
    return visible if len(visible) <= _MAX_SHOWN else f"{visible[:120]}…{visible[-60:]}"


def hides_something(name: str) -> bool:
    """A name that is made to look like another: turned characters, or an ending pushed out of sight."""
    return bool(_HIDDEN.search(name) or _MANY_BLANKS.search(name))


def saved_name(name: str, default: str) -> str:
    """Without folders, controls and turned characters; ASCII letters where a file system may know no others."""
    last = re.split(r"[/\\]", name)[-1]
    plain = unicodedata.normalize("NFKC", _HIDDEN.sub("", last))
    plain = _UNSAFE.sub("_", plain).strip(". ")
    stem, dot, ending = plain.rpartition(".")
    if len(plain) > 120:
        plain = f"{stem[:100]}{dot}{ending[:15]}"
    return default if not plain or _RESERVED.fullmatch(plain) else plain


def endings_of(name: str) -> list[str]:
    """ "invoice.pdf.exe" → ["pdf", "exe"], lower case, as a desktop would see them."""
    plain = _HIDDEN.sub("", name).strip(". \t").lower()
    return [ending.strip() for ending in plain.split(".")[1:]][-3:]
