"""Tries entries of a map on the log: how many mails of the last days they would have hit, and which, as far back as time allows."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Connection, Row, select, true

from app.clock import stored_now, utcnow
from app.extensions import db
from app.ids import MAX_ID, first_id_at
from app.models import Mail, MailDetail, MailRecipient, Map, MapEntry
from app.models.maps import ALIVE
from app.queries.bounded import Deadline, TooSlow, fetch
from app.queries.map_samples import CountryOf, Sampler, Untold, sampler_of
from app.queries.map_ways import way_to
from app.queries.maps import counts_at
from app.queries.personal import alias_domains
from app.queries.plan import Bounds, Part, Plan, plan_of
from app.queries.scope import Scope
from app.queries.search import Search
from app.queries.walk import Walk, conditions_of, joined
from app.rspamd.map_kinds import MapKind
from app.rspamd.map_regexp import Match, try_any
from app.rspamd.proof import proven_parts

SHOWN = 20
_MOST_VALUES = 1000
"""So many entries are held in memory; of a longer map those that are asked for."""
_MOST_REGEXPS = 500
_ROWS, _WIDE_ROWS = 1000, 200
_AT_ONCE = 400


@dataclass(slots=True)
class Tried:
    count: int = 0
    capped: bool = False
    """There are more than were counted."""
    rows: Sequence[Row[Any]] = ()
    """The newest of them, as a list of mails shows them."""
    searched_to: int | None = None
    """Time ran out at this id; None: all mails of these days were looked at."""
    untold: Untold | None = None
    """The log cannot tell, and this is why."""


def try_values(
    scope: Scope,
    found: Map,
    values: Collection[str] | None = None,
    *,
    days: int = 7,
    seconds: float | None = None,
    country_of: CountryOf | None = None,
    seen: ColumnElement[bool] | None = None,
) -> Tried:
    """Which mails in `scope` entries of these normal forms would have hit; None: all entries of the map that count now, and are seen."""
    config = current_app.config
    deadline = Deadline(config["SEARCH_SECONDS"] if seconds is None else seconds)
    if scope.is_empty:
        return Tried()
    with db.engine.connect() as connection:
        try:
            sampler = sampler_of(scope, found, config["PLUS_ADDRESSING"], alias_domains(connection, max(deadline.left(), 0.1)), country_of)
            known = _Entries(connection, found, deadline, values, true() if seen is None else seen)
        except TooSlow:
            return Tried(searched_to=MAX_ID)
        if isinstance(sampler, Untold):
            return Tried(untold=sampler)
        if sampler.kind is MapKind.REGEXP and (known.values is None or len(known.values) > _MOST_REGEXPS):
            return Tried(untold=Untold.TOO_MANY)
        if known.values is not None and not known.values:
            return Tried()
        if known.values is not None and sampler.kind is MapKind.TEXT:
            known.values = frozenset(map(sampler.compared, known.values))
        trial = _Trial(connection, scope, sampler, known, found.needs_proof, deadline)
        return trial.run(Bounds(low=first_id_at(utcnow() - timedelta(days=days))), int(config["COUNT_CAP"]))


class _Entries:
    """The entries: all at once where they are few, else those that are asked for."""

    def __init__(
        self, connection: Connection, found: Map, deadline: Deadline, values: Collection[str] | None, seen: ColumnElement[bool]
    ) -> None:
        self._connection, self._map, self._deadline = connection, found, deadline
        self._known: dict[str, bool] = {}
        there = (MapEntry.map_id == found.id, MapEntry.until == ALIVE, counts_at(stored_now()), seen)
        self._live = select(MapEntry.value).where(*there)
        self.values = frozenset(values) if values is not None else self._all()

    def _all(self) -> frozenset[str] | None:
        found = fetch(self._connection, self._live.limit(_MOST_VALUES + 1), max(self._deadline.left(), 0.1))
        return frozenset(row.value for row in found) if len(found) <= _MOST_VALUES else None

    def among(self, keys: set[str]) -> Collection[str]:
        if self.values is not None:
            return keys & self.values
        new = [key for key in keys if key not in self._known]
        for start in range(0, len(new), _AT_ONCE):
            if self._deadline.is_over:
                raise TooSlow
            piece = new[start : start + _AT_ONCE]
            there = {row.value for row in fetch(self._connection, self._live.where(MapEntry.value.in_(piece)), self._deadline.left())}
            self._known |= {key: key in there for key in piece}
        return {key for key in keys if self._known[key]}


@dataclass(slots=True)
class _Trial:
    connection: Connection
    scope: Scope
    sampler: Sampler
    entries: _Entries
    needs_proof: bool
    deadline: Deadline
    hits: list[int] = field(default_factory=list)
    count: int = 0

    def run(self, bounds: Bounds, cap: int) -> Tried:
        own = self.scope.part()
        parts = [part for part in (own, way_to(self.sampler, self.entries.values, self.scope)) if part is not None]
        plan = plan_of(self.connection, parts, bounds, cap, self.deadline)
        rest = (*plan.rest, Part(None, needs_detail=self.sampler.needs_detail))
        most = _WIDE_ROWS if self.sampler.needs_detail else _ROWS
        walk = Walk(self.connection, Plan(plan.bounds, plan.way, rest, None), self.deadline, wanted=most)
        base = joined(select(*self.sampler.columns), walk.plan).where(*conditions_of(walk.plan)).order_by(Mail.id.desc())
        for window in walk.windows():
            try:
                rows = fetch(self.connection, base.where(*window.conditions()).limit(most), walk.seconds())
                found = self._hit(rows)
            except TooSlow:
                if not walk.shrink():
                    break
                continue
            self.count += len(found)
            self.hits += found[: SHOWN - len(self.hits)] if len(self.hits) < SHOWN else []
            if len(rows) < most:
                walk.passed(window)
            else:
                walk.cursor = rows[-1].id
            if self.count > cap:
                return Tried(cap, True, self._rows())
        edge = None if walk.is_complete else MAX_ID if walk.cursor is None else walk.cursor
        return Tried(self.count, False, self._rows(), edge)

    def _hit(self, rows: Sequence[Row[Any]]) -> list[int]:
        recipients = self._recipients([row.id for row in rows]) if self.sampler.needs_recipients else {}
        if self.sampler.kind is MapKind.REGEXP:
            hit = self._matching({row.id: list(self.sampler.texts(row, recipients)) for row in rows})
        else:
            keys = {row.id: self.sampler.keys(row, recipients) for row in rows}
            live = self.entries.among(set().union(*keys.values()))
            hit = {mail_id for mail_id, theirs in keys.items() if not theirs.isdisjoint(live)}
        if self.needs_proof and hit:
            hit = self._proven(hit)
        return [row.id for row in rows if row.id in hit]

    def _matching(self, texts: dict[int, list[str]]) -> set[int]:
        """Each text once, in a process that ends with the time."""
        samples = list(dict.fromkeys(text for each in texts.values() for text in each))
        answers = try_any(self.entries.values or (), samples, max(self.deadline.left(), 0.1))
        if Match.TOO_SLOW in answers and self.deadline.is_over:
            raise TooSlow
        matched = {text for text, answer in zip(samples, answers, strict=True) if answer is Match.YES}
        return {mail_id for mail_id, each in texts.items() if not matched.isdisjoint(each)}

    def _recipients(self, ids: Sequence[int]) -> dict[int, list[str]]:
        """Those that may be known."""
        found: dict[int, list[str]] = {}
        query = select(MailRecipient.mail_id, MailRecipient.address).where(self.scope.recipient())
        for start in range(0, len(ids), _AT_ONCE):
            piece = query.where(MailRecipient.mail_id.in_(ids[start : start + _AT_ONCE]))
            for mail_id, address in fetch(self.connection, piece, max(self.deadline.left(), 0.05)):
                found.setdefault(mail_id, []).append(address)
        return found

    def _proven(self, ids: Collection[int]) -> set[int]:
        query = select(Mail.id, Mail.mail_from_domain, Mail.mime_from_domain, MailDetail.symbols).join(
            MailDetail, MailDetail.mail_id == Mail.id
        )
        asked, found = list(ids), set()
        for start in range(0, len(asked), _WIDE_ROWS):
            piece = query.where(Mail.id.in_(asked[start : start + _WIDE_ROWS]))
            for row in fetch(self.connection, piece, max(self.deadline.left(), 0.05)):
                if self.sampler.part in proven_parts(json.loads(row.symbols), row.mail_from_domain, row.mime_from_domain):
                    found.add(row.id)
        return found

    def _rows(self) -> Sequence[Row[Any]]:
        if not self.hits:
            return ()
        query = select(*Search(self.scope).columns).where(Mail.id.in_(self.hits)).order_by(Mail.id.desc())
        return self.connection.execute(query).all()
