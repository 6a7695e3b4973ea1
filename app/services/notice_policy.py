"""Which mails people are told of by letter, as far as the mail itself says it: decided once, as it comes in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import Engine

from app.models import Listing
from app.rspamd.marks import listing_of
from app.rspamd.symbols import has_like
from app.services.entry import Entry
from app.services.letters import carries_links
from app.services.own_letters import is_passed_on
from app.services.released import ORIGIN
from environment import ConfigError

_POLICY = "notice_policy"
"""What an engine knows beside its database: threads that write mails have no app to ask."""


@dataclass(frozen=True, slots=True)
class NoticePolicy:
    """Of nothing, unless letters can be sent that have links."""

    actions: frozenset[str] = frozenset()
    max_score: float | None = None
    not_symbols: tuple[str, ...] = ()
    viruses: bool = False
    secret: str = ""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "NoticePolicy":
        if not carries_links(config):
            return cls()
        score = config["NOTICE_MAX_SCORE"]
        rules = (float(score) if score else None, config["NOTICE_NOT_SYMBOLS"], config["NOTICE_VIRUSES"])
        return cls(frozenset(config["NOTICE_ACTIONS"]), *rules, str(config["SECRET_KEY"]))

    def tells(self, entry: Entry) -> bool:
        """Of letters of our own no copy is kept, so nobody is told of them, nor where they were sent on; and what we released once has
        been told of."""
        report = entry.report
        if report.action not in self.actions or not entry.keep or report.user or (entry.virus is not None and not self.viruses):
            return False
        if (self.max_score is not None and report.score > self.max_score) or ORIGIN in report.extra:
            return False
        if is_passed_on(self.secret, report):
            return False
        return listing_of(report.symbols) != Listing.DENY and not has_like(report.symbols, self.not_symbols)


_NOTHING = NoticePolicy()


def prepare(app: Flask, engine: Engine) -> None:
    """ConfigError where somebody is to get letters that cannot be."""
    if app.config["NOTICE_TIMES"] and not carries_links(app.config):
        raise ConfigError("NOTICE_TIMES", "needs SMTP_URL and PUBLIC_URL")
    engine.update_execution_options(**{_POLICY: NoticePolicy.from_config(app.config)})


def policy_of(engine: Engine) -> NoticePolicy:
    found: NoticePolicy = engine.get_execution_options().get(_POLICY, _NOTHING)
    return found
