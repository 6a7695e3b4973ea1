"""PCRE2 as Rspamd compiles with it; as a program of its own it tries regexps on texts, bounded in time and memory."""

import contextlib
import json
import resource
import signal
import sys
from typing import Any

from pcre2 import _cy

LibraryError = _cy.LibraryError
_FLAGS = {"i": 0x00000008, "m": 0x00000400, "s": 0x00000020, "x": 0x00000080, "u": 0x00080000}
# What the binding would add of its own accord: no \C, \u of JavaScript, and properties for \w. Rspamd adds none of them.
_NOT_RSPAMD = 0x00100000 | 0x00000002 | 0x00020000
_CONTEXT = _cy.create_match_context()
_MEMORY = 512 * 1024 * 1024


def compiled(body: str, flags: str, steps: int | None = None) -> Any:
    """Bytes, and any line break as one, as Rspamd has it; with `steps` a search gives up after so many from each character. Raises
    LibraryError, with the position in `pos`."""
    options = 0
    for flag in flags:
        options |= _FLAGS.get(flag, 0)
    start = f"(*ANY)(*LIMIT_MATCH={steps})" if steps is not None else ""
    return _cy.compile((start + body).encode("utf-8", "replace"), options, _NOT_RSPAMD)


def found(code: Any, sample: str) -> bool | None:
    """None where it gave up."""
    text = sample.encode("utf-8", "replace")
    try:
        return _cy.match(code, text, len(text), 0, _CONTEXT)[0] is not None
    except (LibraryError, MemoryError):
        return None


def found_by_any(codes: list[Any], sample: str) -> bool | None:
    """None where none found it, and one gave up."""
    gave_up = False
    for code in codes:
        answer = found(code, sample)
        if answer:
            return True
        gave_up = gave_up or answer is None
    return None if gave_up else False


def main() -> None:
    """What was found for each sample, a line each, as soon as it is known."""
    asked = json.load(sys.stdin)
    with contextlib.suppress(ValueError, OSError):  # a tighter limit may stand
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.setitimer(signal.ITIMER_REAL, asked["seconds"])
    codes = [compiled(body, flags, steps=10_000_000) for body, flags in asked["patterns"]]
    for sample in asked["samples"]:
        answer = found_by_any(codes, sample)
        sys.stdout.write({True: "yes\n", False: "no\n", None: "too_slow\n"}[answer])
        sys.stdout.flush()


if __name__ == "__main__":
    main()
