"""Many regexps tried on many texts at once, in one process that ends with its time."""

from collections.abc import Iterable, Sequence

from app.rspamd.map_regexp import Match, answers_to, split_regexp

_LONGEST_SAMPLE = 200_000


def try_any(patterns: Iterable[str], samples: Sequence[str], seconds: float) -> list[Match]:
    """Of each text whether one of these, in their normal form, matches. Those not reached in time are TOO_SLOW."""
    wholes = [split_regexp(text)[0] for text in patterns]
    pairs = [(whole[1 : whole.rindex("/")], whole[whole.rindex("/") + 1 :]) for whole in wholes]
    asked = {"patterns": pairs, "seconds": seconds, "samples": [each[:_LONGEST_SAMPLE] for each in samples]}
    return answers_to(asked, len(samples), seconds)
