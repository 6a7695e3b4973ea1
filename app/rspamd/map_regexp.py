"""Regexps of maps: /re/flags, compiled as Rspamd compiles them, and tried on a sample within a bound."""

from app.rspamd.map_wrong import Caution, Wrong, WrongValue

Found = tuple[str, tuple[Caution, ...]]
FLAGS = "imsxuOrL"


def split_regexp(text: str) -> tuple[str, str]:
    """The regexp with its flags, and what stands behind it: a symbol and a score."""
    if not text.startswith("/"):
        raise WrongValue(Wrong.REGEXP_FORM, text)
    end = text.rfind("/")
    if end == 0:
        raise WrongValue(Wrong.REGEXP_FORM, text)
    flags, _blank, rest = text[end + 1 :].partition(" ")
    return text[: end + 1] + flags, rest.strip()


def read_regexp(text: str) -> Found:
    return text, ()
