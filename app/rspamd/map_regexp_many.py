"""Many regexps tried on many texts at once, in one process that ends with its time."""

import json
import pathlib
import subprocess
import sys
from collections.abc import Iterable, Sequence

from app.rspamd import map_regexp_trial as trial
from app.rspamd.map_regexp import Match, split_regexp

_LONGEST_SAMPLE = 200_000


def try_any(patterns: Iterable[str], samples: Sequence[str], seconds: float) -> list[Match]:
    """Of each text whether one of these, in their normal form, matches. Those not reached in time are TOO_SLOW."""
    wholes = [split_regexp(text)[0] for text in patterns]
    pairs = [(whole[1 : whole.rindex("/")], whole[whole.rindex("/") + 1 :]) for whole in wholes]
    asked = {"patterns": pairs, "seconds": seconds, "samples": [each[:_LONGEST_SAMPLE] for each in samples]}
    command = [sys.executable, "-I", str(pathlib.Path(trial.__file__))]
    try:
        done = subprocess.run(command, input=json.dumps(asked).encode(), capture_output=True, timeout=seconds + 4, check=False)  # noqa: S603
        answers = done.stdout.decode("ascii", "replace").split()
    except subprocess.TimeoutExpired as late:
        answers = (late.stdout or b"").decode("ascii", "replace").split()
    found = [Match(answer) for answer in answers if answer in ("yes", "no", "too_slow")]
    return (found + [Match.TOO_SLOW] * len(samples))[: len(samples)]
