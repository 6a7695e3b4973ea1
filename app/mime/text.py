"""Text that every database can keep: the one place where NUL, lone surrogates and line breaks are dealt with."""

import re

_BREAKS = re.compile(r"[\r\n]+[ \t]*")


def clean(text: str) -> str:
    """NUL and lone surrogates become U+FFFD."""
    if text.isprintable():  # neither NUL nor a surrogate is printable: one look settles nearly every text
        return text
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def one_line(text: str) -> str:
    """Clean, line breaks as blanks, nothing around it."""
    if text.isprintable():
        return text.strip()
    return clean(_BREAKS.sub(" ", text)).strip()
