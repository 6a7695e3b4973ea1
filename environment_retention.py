"""How the rules of how long mails are kept are read from the environment."""

import re
from typing import NamedTuple

from environment import ConfigError, env_str

FOR_EVER = 0
MOST_DAYS = 36_500
_EXAMPLE = "is no list such as action=no action: mail=30; domain=example.com: copy=365, mail=730; virus: copy=0"


class RetentionRule(NamedTuple):
    """For some mails other days than for the rest."""

    what: str
    """action, domain, released or virus."""
    value: str
    copy: int | None = None
    """Days; 0: for ever; none: it says nothing of copies."""
    mail: int | None = None

    @property
    def name(self) -> str:
        return f"{self.what}={self.value}" if self.value else self.what


def env_retention(name: str, default: str) -> tuple[RetentionRule, ...]:
    rules = tuple(_rule(name, word.strip()) for word in env_str(name, default).split(";") if word.strip())
    names = [rule.name for rule in rules]
    for twice in {word for word in names if names.count(word) > 1}:
        raise ConfigError(name, f"has two rules for {twice}")
    return rules


def _rule(name: str, text: str) -> RetentionRule:
    which, colon, days = text.partition(":")
    what, equals, value = (part.strip().lower() for part in which.partition("="))
    is_whole = bool(value) if what in ("action", "domain") else what in ("released", "virus") and not equals
    if not colon or not is_whole:
        raise ConfigError(name, f"{text!r} {_EXAMPLE}")
    found: dict[str, int] = {}
    for word in days.split(","):
        said = re.fullmatch(r"\s*(copy|mail)\s*=\s*(\d{1,5})\s*", word, re.ASCII)
        if said is None or said[1] in found or int(said[2]) > MOST_DAYS:
            raise ConfigError(name, f"{text!r} {_EXAMPLE}")
        found[said[1]] = int(said[2])
    return RetentionRule(what, value.lstrip("@"), **found)
