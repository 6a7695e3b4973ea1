"""Which mails keep their raw copy."""

from dataclasses import dataclass
from typing import Any

from flask import Config

from app.rspamd.report import Report
from app.rspamd.symbols import has_any
from app.services.own_letters import is_own


@dataclass(frozen=True, slots=True)
class StorePolicy:
    actions: frozenset[str]
    virus: bool
    symbols: frozenset[str]
    only_symbols: frozenset[str]
    min_score: float | None
    domains: frozenset[str]
    secret: str

    @classmethod
    def from_config(cls, config: Config | dict[str, Any]) -> "StorePolicy":
        return cls(
            actions=frozenset(config["STORE_ACTIONS"]),
            virus=config["STORE_VIRUS"],
            symbols=frozenset(config["STORE_SYMBOLS"]),
            only_symbols=frozenset(config["STORE_ONLY_SYMBOLS"]),
            min_score=float(config["STORE_MIN_SCORE"]) if config["STORE_MIN_SCORE"] else None,
            domains=frozenset(config["STORE_DOMAINS"]),
            secret=str(config["SECRET_KEY"]),
        )

    def keeps(self, report: Report, has_virus: bool) -> bool:
        """Never a letter of ours. The domains limit every other rule; of the rules, one is enough."""
        if is_own(self.secret, report):
            return False
        if self.domains and not any(domain_of(address) in self.domains for address in report.recipients):
            return False
        return (
            (self.virus and has_virus)
            or (self.min_score is not None and report.score >= self.min_score)
            or has_any(report.symbols, self.symbols)
            or (report.action in self.actions and (not self.only_symbols or has_any(report.symbols, self.only_symbols)))
        )


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower() if "@" in address else ""
