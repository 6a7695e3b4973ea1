"""Old copies and mails go by the rules of the settings: the oldest first, a few at a time, each looked at once and not each day."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

from flask import current_app
from sqlalchemy import delete, update

from app.actor import SYSTEM
from app.clock import stored_now, utcnow
from app.extensions import PanelSession, db
from app.ids import id_ms, id_time
from app.models import Decision, Deletion, Extent, Fate, MailRequest, RetentionMark, Verb
from app.queries.retention import Kept, Rules, aged, before, copy_bytes_of, domains_of_mails, is_searched_through, left_behind
from app.services.audit import record
from app.services.expiry import Batch, Pace, copies_of, expire, pass_gate, sorted_out
from app.services.partition_drop import begin_of_whole, drop_whole

log = logging.getLogger(__name__)

_READ = 1000
_ALL_AGAIN = timedelta(days=7)
"""So often a run begins with the oldest mail: what was passed over, or has come late, gets its turn then."""
_OUTLIVES_DAYS = 366
"""What is told of mails that are gone, where no mail goes by its age."""
_MOST_DIGESTS = 200_000


class Report(Protocol):
    """What a run says, and asks, while it works."""

    dry: bool

    def say(self, text: str) -> None: ...

    def progress(self, at: int, total: int) -> None: ...

    def is_over(self) -> bool: ...


@dataclass(slots=True)
class Tally:
    """Of one rule."""

    count: int = 0
    bytes: int = 0
    oldest: int = 0
    newest: int = 0


class Tallies:
    """Of one run. A file that several of them share counts once."""

    def __init__(self) -> None:
        self.of: dict[tuple[str, Kept], Tally] = {}
        self.held = self.busy = 0
        self._seen: set[tuple[str, str]] = set()

    def add(self, extent: str, batch: Batch, sizes: dict[int, int]) -> None:
        self.held += batch.held
        self.busy += batch.busy
        for row, kept in batch.gone:
            tally = self.of.setdefault((extent, kept), Tally(oldest=row.id))
            tally.count += 1
            tally.oldest, tally.newest = min(tally.oldest, row.id), max(tally.newest, row.id)
            fresh = set(copies_of([row])) - self._seen
            tally.bytes += sizes.get(row.id, 0) if fresh else 0
            if len(self._seen) < _MOST_DIGESTS:
                self._seen |= fresh

    def told(self) -> dict[str, dict[str, int]]:
        """As the audit trail keeps it."""
        return {f"{extent} {kept.rule}": {"count": tally.count, "bytes": tally.bytes} for (extent, kept), tally in self.of.items()}

    def say(self, report: Report) -> None:
        will = "would go" if report.dry else "gone"
        for (extent, kept), tally in self.of.items():
            what = "copies" if extent == Extent.COPY else "mails"
            days = f", {kept.days} days" if kept.days else ""
            spans = f"{id_time(tally.oldest):%Y-%m-%d %H:%M} to {id_time(tally.newest):%Y-%m-%d %H:%M} UTC"
            report.say(f"{what} ({kept.rule}{days}): {tally.count} {will}, {tally.bytes} bytes, {spans}")
        if not self.of:
            report.say("Nothing is old enough to go.")
        if self.held or self.busy:
            report.say(f"{self.held} are kept by a legal hold, {self.busy} because something is being done with them.")


def run(report: Report) -> Tallies:
    """Mails first, since a mail's copy goes with it. Whoever ends it half-way leaves the rest to the next."""
    tallies = Tallies()
    drop_whole(report, tallies, utcnow())
    for extent in (Extent.MAIL, Extent.COPY):
        rules = Rules(extent, current_app.config)
        for days in rules.days:
            if not report.is_over():
                _Walk(rules, days, report, tallies).go()
    tallies.say(report)
    if not report.dry:
        _forget_the_gone(report)
        if tallies.of:
            with cast(PanelSession, db.session()).begin_writing():
                record(SYSTEM, Verb.RETENTION_ENDED, "store", "retention", after=tallies.told())
                db.session.commit()
    return tallies


class _Walk:
    """From the mark of these days to the mails that are that old just now."""

    def __init__(self, rules: Rules, days: int, report: Report, tallies: Tallies) -> None:
        self.rules, self.days, self.report, self.tallies = rules, days, report, tallies
        self.now: datetime = utcnow()
        self.high, self.upto = before(days, self.now), 0
        if rules.extent == Extent.MAIL and days == rules.days[-1]:
            self.high = begin_of_whole(self.high)
        self.mails = Rules(Extent.MAIL, current_app.config)
        self.pace = Pace()

    def go(self) -> None:
        self.upto = self._begun()
        rows, first = self._next(), None
        while rows and not self.report.is_over() and not self._must_wait():
            first = first if first is not None else id_ms(rows[0].id)
            self._pass(rows)
            self.report.progress(id_ms(self.upto) - first, max(1, id_ms(self.high) - first))
            rows = self._next()
        if not rows:
            self.upto = max(self.upto, self.high)
        if not self.report.dry:
            with cast(PanelSession, db.session()).begin_writing():
                db.session.execute(self._mark(self.upto).execution_options(synchronize_session=False))
                db.session.commit()

    def _next(self) -> Any:
        db.session.rollback()  # what is read is read as it is now
        return db.session.execute(aged(self.rules.extent, self.upto, self.high, _READ)).all()

    def _must_wait(self) -> bool:
        if is_searched_through():
            self.report.say("An act on all mails of a search is under way: the rest waits for the next run.")
            return True
        return False

    def _pass(self, rows: Any) -> None:
        if self.report.dry:
            batch = sorted_out(rows, self._due)
            self.tallies.add(self.rules.extent, batch, copy_bytes_of([row.id for row, _ in batch.gone]))
            self.upto = rows[-1].id + 1
            return
        domains = domains_of_mails([row.id for row in rows]) if self.rules.has_domains else {}
        ids = [row.id for row in rows if self._due(row, domains.get(row.id, set()))]
        while ids and not self.report.is_over():
            coming, ids = ids[: self.pace.size], ids[self.pace.size :]
            sizes = copy_bytes_of(coming)
            db.session.rollback()
            self.upto = coming[-1] + 1
            self.tallies.add(self.rules.extent, expire(self.rules.extent, coming, self._due, self.pace, self._mark(self.upto)), sizes)
        if not ids:
            self.upto = rows[-1].id + 1

    def _due(self, row: Any, domains: Collection[Any]) -> Kept | None:
        """By these days or fewer. In a dry run no mail has gone yet, so their copies are told with them only."""
        kept = self.rules.due(row, domains, self.now)
        if kept is None or kept.days != self.days:
            return None
        if self.report.dry and self.rules.extent == Extent.COPY and self.mails.due(row, domains, self.now):
            return None
        return kept

    # --- how far it has come -----------------------------------------------------------------------------------------------------

    def _begun(self) -> int:
        """With the oldest mail where the rules are others now, or it has been long since."""
        key, now = (self.rules.extent.value, self.days), stored_now()
        with cast(PanelSession, db.session()).begin_writing():
            if not self.report.dry:
                pass_gate()
            row = db.session.get(RetentionMark, key, populate_existing=True)
            is_good = row is not None and row.rules == self.rules.digest and row.began_at > now - _ALL_AGAIN
            upto = row.upto if row is not None and is_good else 0
            if not is_good and not self.report.dry:
                db.session.execute(delete(RetentionMark).where(RetentionMark.extent == key[0], RetentionMark.days == key[1]))
                db.session.expunge_all()
                db.session.add(RetentionMark(extent=key[0], days=key[1], upto=0, rules=self.rules.digest, began_at=now))
            db.session.commit()
        return upto

    def _mark(self, upto: int) -> Any:
        """Never back; and none where somebody has taken the mark away, so that the next run begins anew."""
        ours = (RetentionMark.extent == self.rules.extent.value, RetentionMark.days == self.days, RetentionMark.rules == self.rules.digest)
        return update(RetentionMark).where(*ours, RetentionMark.upto < upto).values(upto=upto)


def begin_anew() -> None:
    """Joins a transaction that has passed the gate: the next run looks at all mails again."""
    db.session.execute(delete(RetentionMark).where(RetentionMark.days > 0).execution_options(synchronize_session=False))


def _forget_the_gone(report: Report) -> None:
    """What outlives a mail, once also a mail that a spool brought back would be old enough to go."""
    rules = Rules(Extent.MAIL, current_app.config)
    high = before(max([*rules.days, _OUTLIVES_DAYS if not rules.default.days else 0]), utcnow())
    for model, done in ((Deletion, Deletion.state != Fate.WAITING.value), (MailRequest, MailRequest.state != Decision.OPEN.value)):
        pace = Pace()
        while not report.is_over():
            with cast(PanelSession, db.session()).begin_writing():
                ids = left_behind(model, done, high, pace.size)
                db.session.execute(delete(model).where(model.id.in_(ids)).execution_options(synchronize_session=False))
                db.session.commit()
            if len(ids) < pace.size:
                break
