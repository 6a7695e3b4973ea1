"""The words of strangers, shown as words: one line, nothing hidden in it, and nothing that a mail program would make a link of."""

import re

from app.mime.text import one_line

# Before a dot, an at sign or the :// behind a word: nobody sees it, and no program sees an address any more.
_JOINER = "\u2060"
_LINKED = re.compile(r"(?<=\w)(?=[.。．｡]\w|@|://)|(?<=:)(?=//)|(?<=\w)(?=:\w)")
# More marks on one letter than any language has, which would reach over the lines around it.
_MARK = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_PILED = re.compile(rf"({_MARK}{{3}}){_MARK}+")
# Printable by Unicode's rules, and seen by nobody.
_BLANK = str.maketrans("", "", "\u115f\u1160\u2800\u3164\uffa0\u034f")


def shown(text: str, most: int) -> str:
    """Of so many characters at most, without what hides, turns or piles up letters."""
    text = one_line(text[: most * 8])
    if not text.isascii() or not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " if letter.isspace() else "" for letter in text)
        text = _PILED.sub(r"\1", text.translate(_BLANK))
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def unlinked(text: str) -> str:
    return _LINKED.sub(_JOINER, text)


def sender_shown(text: str, most: int) -> str:
    """The address alone: the name beside it is whatever its writer wanted it to be, ours too."""
    address = text.rpartition("<")[2].partition(">")[0] if "<" in text and "@" in text.rpartition("<")[2] else text
    return shown(address, most)
