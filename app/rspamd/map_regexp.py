"""Regexps of maps: /re/flags, taken apart and compiled as Rspamd does it, and tried on texts within a bound."""

import json
import pathlib
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from enum import StrEnum, unique
from typing import Any

from app.rspamd import map_regexp_trial as trial
from app.rspamd.map_regexp_form import escape_slashes, hostile_texts, is_nested, newer_syntax
from app.rspamd.map_wrong import Caution, Wrong, WrongValue

Found = tuple[str, tuple[Caution, ...]]
FLAGS = "imsxurOL"
"""Case, lines, dot, extended, UTF-8, raw, not optimized (O), leftmost (L). Rspamd drops all from the first on that it does not know."""
_KEY = re.compile(r"/(?:[^/\\]|\\.)*/[^\s#]*")
_WHOLE = re.compile(r"/(?P<body>(?:[^\\]|\\.)*)/(?P<flags>[^/]*)\Z")
_LONGEST = 600
_STEPS = 20_000
_SHORT_STEPS = 2_000
_ONE_CHARACTER = ("\x01", "a", "Z", "7", " ", "-")
_SECONDS = 1.0
_LONGEST_SAMPLE = 200_000
_AT_ONCE = threading.BoundedSemaphore(4)
"""Tries of one process."""


@unique
class Match(StrEnum):
    YES = "yes"
    NO = "no"
    TOO_SLOW = "too_slow"


def split_regexp(text: str) -> tuple[str, str]:
    """The regexp with its flags, and what stands behind it: a symbol and a score, or a remark.

    Rspamd ends it at the first blank or # after its second slash. Where flags stand before that, and nothing but a result or a remark
    after it, so do we; else the last slash ends it, and those within are kept from ending it when it is published.
    """
    key = _KEY.match(text)
    rest = text[key.end() :] if key else ""
    if key and "/" not in (rest if rest[:1] == "#" else rest.partition("#")[0]) and set(key[0].rpartition("/")[2]) <= set(FLAGS):
        return key[0], rest.strip()
    whole = _WHOLE.match(text)
    if not whole:
        raise WrongValue(Wrong.REGEXP_FORM, text)
    flags, _blank, rest = whole["flags"].partition(" ")
    return f"/{whole['body']}/{flags}", rest.strip()


def read_regexp(text: str) -> Found:
    whole = _WHOLE.match(text)
    if not whole:
        raise WrongValue(Wrong.REGEXP_FORM, text)
    body, flags = whole["body"], _flags(whole["flags"])
    if not body:
        raise WrongValue(Wrong.EMPTY)
    if len(body) > _LONGEST:
        raise WrongValue(Wrong.TOO_LONG, body)
    _compiled(body, flags)
    newer = newer_syntax(body)
    if newer:
        raise WrongValue(Wrong.REGEXP_VERSION, newer)
    normal = escape_slashes(body)
    if normal is None:
        raise WrongValue(Wrong.REGEXP_SLASH, text)
    _compiled(normal, flags)
    return f"/{normal}/{flags}", _cautions(body, flags)


def matches(pattern_text: str, sample: str) -> Match:
    """Raises WrongValue where the pattern is none."""
    return try_all(pattern_text, (sample,))[0]


def try_all(pattern_text: str, samples: Sequence[str], seconds: float = _SECONDS) -> list[Match]:
    """In a process of its own: neither a pattern nor a sample can hold up or break this one. Those not reached in time are TOO_SLOW."""
    text, _rest = split_regexp(pattern_text.strip())
    whole = _WHOLE.match(read_regexp(text)[0])
    assert whole is not None  # noqa: S101 - read_regexp has seen to it
    asked = {"body": whole["body"], "flags": whole["flags"], "seconds": seconds, "samples": [each[:_LONGEST_SAMPLE] for each in samples]}
    return answers_to(asked, len(samples), seconds)


def answers_to(asked: dict[str, Any], samples: int, seconds: float) -> list[Match]:
    """A few processes at once: each may take its memory and its processor."""
    answers: list[str] = []
    if _AT_ONCE.acquire(timeout=seconds + 1):
        try:
            answers = _tried(json.dumps(asked).encode(), seconds)
        finally:
            _AT_ONCE.release()
    found = [Match(answer) for answer in answers if answer in ("yes", "no", "too_slow")]
    return (found + [Match.TOO_SLOW] * samples)[:samples]


def _tried(asked: bytes, seconds: float) -> list[str]:
    command = [sys.executable, "-I", str(pathlib.Path(trial.__file__))]
    try:
        done = subprocess.run(command, input=asked, capture_output=True, timeout=seconds + 4, check=False)  # noqa: S603
        return done.stdout.decode("ascii", "replace").split()
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode("ascii", "replace").split()


def _flags(text: str) -> str:
    for flag in text:
        if flag not in FLAGS:
            raise WrongValue(Wrong.REGEXP_FLAG, flag)
    if "u" in text and "r" in text:
        raise WrongValue(Wrong.REGEXP_FLAG, "u r")
    return "".join(flag for flag in FLAGS if flag in text)


def _compiled(body: str, flags: str) -> object:
    try:
        return trial.compiled(body, flags)
    except trial.LibraryError as error:
        position = getattr(error, "pos", None)
        if position is None:
            raise WrongValue(Wrong.REGEXP, str(error.msg)) from None
        # Bytes to characters, and the slash before them.
        after = len(body.encode("utf-8")[:position].decode("utf-8", "ignore")) + 1
        message = str(error.msg).partition("; ")[2] or str(error.msg)
        raise WrongValue(Wrong.REGEXP, f"{message}, {after}") from None


def _cautions(body: str, flags: str) -> tuple[Caution, ...]:
    bounded = trial.compiled(body, flags, steps=_SHORT_STEPS)
    if all(trial.found(bounded, text) for text in _ONE_CHARACTER):
        return (Caution.MATCHES_ALL,)
    return (Caution.SLOW,) if is_nested(body) or _is_slow(body, flags) else ()


def _is_slow(body: str, flags: str) -> bool:
    """Whether a short text made for it takes more steps than a text of such length may."""
    texts = hostile_texts(body)
    bounded = trial.compiled(body, flags, steps=_STEPS) if texts else None
    return any(trial.found(bounded, text) is None for text in texts)
