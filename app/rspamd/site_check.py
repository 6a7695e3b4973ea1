"""Whether an Rspamd runs what was made for it, as far as its controller tells."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from app.rspamd.controller import Controller
from app.rspamd.map_kinds import MapRule
from app.rspamd.site_config.exporter import RULE
from app.rspamd.site_config.multimap import GROUP
from app.rspamd.site_config.rules import choose
from app.rspamd.site_config.site import Site, read_version, version_text

_MAPS_SHOWN_SINCE = (4,)


class State(StrEnum):
    GOOD = "ok"
    MISSING = "missing"
    DIFFERS = "differs"
    EXTRA = "extra"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    state: State
    text: str

    @property
    def is_wrong(self) -> bool:
        return self.state in (State.MISSING, State.DIFFERS, State.EXTRA)


def check_site(site: Site, maps: Sequence[MapRule], controller: Controller) -> list[Finding]:
    """Raises what the controller raises."""
    rules, present, scores = choose(maps).rules, controller.rules(), controller.scores()
    version = controller.version()
    findings = [_version(site, version), _exporter(present)]
    findings += [_rule(rule, present, scores) for rule in rules]
    wanted = {rule.symbol for rule in rules}
    left = sorted(symbol for symbol, (_score, group) in scores.items() if group == GROUP and symbol not in wanted)
    findings += [Finding(State.EXTRA, f"{symbol}: given by no map of today's") for symbol in left]
    findings += _fetched(site, rules, controller.maps(), read_version(version) or ())
    return [
        *findings,
        Finding(
            State.UNKNOWN, "a controller does not tell with what a map is compared, what proof it needs, and where the exporter posts to"
        ),
    ]


def _version(site: Site, version: str) -> Finding:
    runs = read_version(version)
    if runs is None:
        return Finding(State.UNKNOWN, f"Rspamd calls itself {version[:40]!r}")
    same = Site("", "", version=runs).has_multipart == site.has_multipart
    return Finding(State.GOOD if same else State.DIFFERS, f"Rspamd {version_text(runs)}, the files are for {version_text(site.version)}")


def _exporter(present: set[str]) -> Finding:
    there = f"EXPORT_METADATA_{RULE}" in present
    return Finding(State.GOOD if there else State.MISSING, f"exporter: rule {RULE} of metadata_exporter.conf")


def _rule(rule: MapRule, present: set[str], scores: dict[str, tuple[float, str]]) -> Finding:
    said = f"{rule.symbol} of map {rule.name}"
    if rule.symbol not in present:
        return Finding(State.MISSING, f"{said}: no rule of multimap.conf gives it")
    score = scores.get(rule.symbol, (0.0, ""))[0]
    if not math.isclose(score, rule.score, abs_tol=1e-4):
        return Finding(State.DIFFERS, f"{said}: its score is {score:g}, not {rule.score:g}")
    return Finding(State.GOOD, f"{said}: score {score:g}")


def _fetched(site: Site, rules: Sequence[MapRule], shown: list[dict[str, Any]], version: tuple[int, ...]) -> Iterator[Finding]:
    if version < _MAPS_SHOWN_SINCE:
        yield Finding(State.UNKNOWN, "before Rspamd 4 a controller does not show maps that come over HTTP; the page of fetches tells")
        return
    loaded = {_bare(str(row.get("uri"))): row.get("loaded") for row in shown}
    for rule in rules:
        url = _bare(site.map_url(rule.name))
        if url not in loaded:
            yield Finding(State.MISSING, f"map {rule.name}: not fetched from {url}")
        elif loaded[url] is False:
            yield Finding(State.MISSING, f"map {rule.name}: not loaded yet")
        else:
            yield Finding(State.GOOD, f"map {rule.name}: loaded")


def _bare(url: str) -> str:
    """Without user and password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
