"""What came is counted by the hour: the last hours again and again, then for good; what comes late is added; the past bit by bit.

An hour goes through three states. As long as it is open, each run counts it anew. Before it is closed, whoever brings in mails is told
to mark those of it as late (services/late); a run that is begun well after that counts it for the last time. From then on only marked
mails are added to it, so that its sums stay when its mails go. Whatever a clock does, a mail is either there when its hour is counted,
or marked.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import cast

from flask import current_app
from sqlalchemy import func, select

from app.clock import monotonic, stored_now, utcnow
from app.extensions import PanelSession, db
from app.ids import HOUR_MS, id_hour
from app.models import LateMail
from app.queries.counts import late_between, newest_hour, next_hour, oldest_id, state, told_domains
from app.services.counting import DAY, add_late, count_hour, forget_before, forget_marks, set_state
from app.services.job import Report
from app.services.tries import tried

_STAYS_OPEN = timedelta(minutes=10)
"""After its end: mails are seldom on their way for longer."""
_HEARD = timedelta(minutes=2)
"""By then every process marks what it has been told to mark (services/late looks each half minute)."""
_SECONDS = 60.0
"""So long a run goes on with the past, and with what came late."""
_DAYS_AT_ONCE = 7


def run(report: Report) -> None:
    _Run(report).go()


class _Run:
    def __init__(self, report: Report) -> None:
        self.report = report
        self.now: datetime = utcnow()
        self.hour = _hour_of(self.now)
        self.settled = _hour_of(self.now - _STAYS_OPEN)
        self.oldest = self._first_kept()
        self.told = told_domains()
        self.began = monotonic()
        self.hours = self.late = self.past = self.gone = 0

    def go(self) -> None:
        if self.report.dry:
            self._foretell()
            return
        closing = tried(self._announce)
        self._count_open(closing)
        self._add_late()
        self._count_past()
        self._forget()
        done = (
            (f"{self.hours} hours of now", self.hours),
            (f"{self.past} of the past", self.past),
            (f"{self.late} mails that came late", self.late),
        )
        told = ", ".join(words for words, count in done if count) or "nothing"
        gone = f" {self.gone} sums were old enough to go." if self.gone else ""
        self.report.say(f"Counted: {told}.{gone}{self._left()}")

    def _first_kept(self) -> int:
        """No clock alone may make sums old: one that is years ahead would wipe them out."""
        counted_at, newest = state().counted_at, newest_hour()
        hours = [self.hour] if newest is None else [self.hour, newest]
        if counted_at is not None:
            hours.append(_hour_of(counted_at.replace(tzinfo=UTC)) + DAY)
        hour: int = min(hours) - current_app.config["STATISTICS_DAYS"] * DAY
        return hour - hour % DAY

    # --- hours of now -----------------------------------------------------------------------------------------------------------

    def _announce(self) -> int:
        """Says which hours are to be closed soon. Gives those that may be now: all before."""
        with cast(PanelSession, db.session()).begin_writing():
            self.report.must_hold()
            there, now = state(), stored_now()
            heard = there.marked_since <= now - _HEARD
            closing = there.marked_before if heard else there.closed_before
            ceiling = max(self.settled, newest_hour() or 0)
            if there.marked_before > ceiling:  # a clock was ahead; in these hours there is not one mail
                set_state(marked_before=ceiling, closed_before=min(there.closed_before, ceiling), marked_since=now)
                closing = min(closing, ceiling)
            elif there.marked_before < self.settled and heard:
                set_state(marked_before=self.settled, marked_since=now)
            elif there.marked_since > now:
                set_state(marked_since=now)
            db.session.commit()
        return closing

    def _count_open(self, closing: int) -> None:
        """The newest first, as somebody may be looking; those that are closed by it in their order."""
        there = state()
        first = max(closing, there.closed_before)
        hour = newest_hour(self.hour + 2)
        while hour is not None and hour >= first:
            if self.report.is_over() or (hour < self.settled and self._must_end()):
                break
            self.hours += count_hour(hour, self.report, self.told)
            hour = newest_hour(hour)
        self._say_until_when()
        hour = next_hour(there.closed_before, closing)
        while hour is not None:
            if self.report.is_over() or not count_hour(hour, self.report, self.told, closed_before=hour + 1):
                return
            self.hours += 1
            self.report.progress(self.hours)
            hour = next_hour(hour + 1, closing)
        if closing > there.closed_before:
            self._set(closed_before=closing)

    def _say_until_when(self) -> None:
        self._set(counted_at=self.now.replace(tzinfo=None))

    # --- what came late, and the past -------------------------------------------------------------------------------------------

    def _add_late(self) -> None:
        there = state()
        while not self._must_end():
            count = add_late(max(there.counted_from, self.oldest), there.closed_before, self.report, self.told)
            if not count:
                return
            self.late += count
            self.report.progress(self.late)

    def _count_past(self) -> None:
        """From the newest hour backwards; of each hour what is there of it still."""
        there = state()
        first, total = there.counted_from, 0
        while first > 0 and not self._must_end():
            db.session.rollback()
            hour = newest_hour(first)
            if hour is None or hour < self.oldest:
                self._set(counted_from=0)
                return
            total = total or max(1, hour - id_hour(oldest_id() or 0) + 1)
            if not count_hour(hour, self.report, self.told, counted_from=hour):
                return
            first = hour
            self.past += 1
            self.report.progress(min(total, total - (hour - id_hour(oldest_id() or 0))), total)

    def _must_end(self) -> bool:
        return self.report.is_over() or (not self.report.whole and monotonic() - self.began > _SECONDS)

    def _forget(self) -> None:
        while not self._must_end() and forget_marks(self.oldest):
            pass
        self.gone = forget_before(self.oldest, _DAYS_AT_ONCE if not self.report.whole else 1 << 20)

    # --- words ------------------------------------------------------------------------------------------------------------------

    def _left(self) -> str:
        there = state()
        late = db.session.scalar(select(func.count()).select_from(select(LateMail.mail_id).limit(1).subquery()))
        past = f" What came before {_day(there.counted_from)} is not counted yet." if there.counted_from else ""
        return past + (" More mails that came late are to be added." if late else "")

    def _foretell(self) -> None:
        there = state()
        late = late_between(there.counted_from, there.closed_before)
        hours, hour = 0, newest_hour(self.hour + 2)
        while hour is not None and hour >= there.closed_before:
            hours, hour = hours + 1, newest_hour(hour)
        self.report.say(f"{hours} hours of now would be counted, and {late} mails that came late be added.{self._left()}")

    def _set(self, **values: object) -> None:
        tried(partial(self._set_once, values))

    def _set_once(self, values: Mapping[str, object]) -> None:
        with cast(PanelSession, db.session()).begin_writing():
            self.report.must_hold()
            set_state(**values)
            db.session.commit()


def _hour_of(moment: datetime) -> int:
    return int(moment.timestamp() * 1000) // HOUR_MS


def _day(hour: int) -> str:
    return f"{datetime.fromtimestamp(hour * HOUR_MS / 1000, tz=utcnow().tzinfo):%Y-%m-%d %H:00} UTC"
