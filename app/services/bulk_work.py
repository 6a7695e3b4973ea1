"""Does what was ordered for many mails, one after the other: claimed for a while, so that whoever comes next goes on from there."""

import json
import logging
import secrets
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import func, select, update

from app.actor import Actor
from app.clock import monotonic, stored_now
from app.errors import MailkeepError, NotFound
from app.extensions import PanelSession, db
from app.models import BulkResult, BulkRun, ResultKind, RunState, Verb
from app.models.bulk import BULK_WORDS, UNDER_WAY
from app.queries.bulk import due_runs, who_asked
from app.queries.search import Search, find, further
from app.queries.visibility import get_mail
from app.services.acts import ACTS, SAID_NO, Act, Outcome
from app.services.audit import record
from app.services.bulk import tally
from app.services.moves import changed

log = logging.getLogger(__name__)

_LEASE = timedelta(seconds=60)
_SLICE_SECONDS = 5.0
"""Then the next run has its turn."""
_BATCH = 50
_LONGEST_PAUSE = 0.05
_MOST_TRIES = 3
_MOST_TOLD = 1000
"""Of what was passed over or failed; all of it is counted."""
_PATIENCE = (4, 16)
"""So many times SEARCH_SECONDS, where a search gets nowhere in less."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run, as it is while we work on it."""

    id: int
    claim: str
    act: Act
    actor: Actor
    options: Collection[str]
    ids: Sequence[int]
    search: tuple[tuple[str, str], ...]
    zone: str
    language: str
    upto: int
    left: int
    """Of BULK_MAX."""
    tries: int


@dataclass(frozen=True, slots=True)
class _Next:
    ids: Sequence[int]
    beyond: int | None
    """Where to go on after them; None: these are the last."""


Searched = Callable[[Claimed, Any], Search]
"""What a run looks for, in the mails that its user may see now."""


class _Lost(Exception):
    """It was cancelled, or is somebody else's by now."""


class _Ended(Exception):
    """With a sentence where that is before its time."""


def work(searched: Searched, is_over: Callable[[], bool]) -> bool:
    """A slice of the run that has waited longest; whether there was one."""
    claimed = _claim_one()
    if claimed is None:
        return False
    end = monotonic() + _SLICE_SECONDS
    with force_locale(claimed.language):
        try:
            _go_on(claimed, searched, lambda: is_over() or monotonic() >= end)
        except _Lost:
            db.session.rollback()
        except _Ended as ended:
            db.session.rollback()
            _end(claimed, str(ended))
        else:
            _let_go(claimed)
    return True


def _claim_one() -> Claimed | None:
    now = stored_now()
    found = due_runs(now)
    db.session.rollback()
    for run_id in found:
        claim = secrets.token_hex(16)
        values: dict[str, Any] = {"state": RunState.RUNNING.value, "claim": claim, "claimed_until": now + _LEASE}
        free = (BulkRun.id == run_id, BulkRun.state.in_(UNDER_WAY), BulkRun.claimed_until <= now)
        first = func.coalesce(BulkRun.started_at, now)
        with cast(PanelSession, db.session()).begin_writing():
            is_ours = changed(update(BulkRun).where(*free).values(tries=BulkRun.tries + 1, started_at=first, **values))
            run = db.session.get(BulkRun, run_id, populate_existing=True) if is_ours else None
            claimed = _claimed(run, claim) if run is not None else None
            db.session.commit()
        if claimed is not None:
            return claimed
    return None


def _claimed(run: BulkRun, claim: str) -> Claimed:
    return Claimed(
        id=run.id,
        claim=claim,
        act=ACTS[run.act],
        actor=Actor(run.asked_by, run.actor_id, run.ip, run.on_behalf_of),
        options=frozenset(json.loads(run.options)),
        ids=json.loads(run.ids) if run.ids else (),
        search=tuple((name, text) for name, text in json.loads(run.search)),
        zone=run.zone,
        language=run.language,
        upto=run.upto,
        left=current_app.config["BULK_MAX"] - run.counted,
        tries=run.tries,
    )


def _go_on(claimed: Claimed, searched: Searched, is_over: Callable[[], bool]) -> None:
    """At least one mail, however long the search for it took: else a slow one would be begun again and again."""
    upto, left, is_fatal = claimed.upto, claimed.left, claimed.tries > _MOST_TRIES
    while True:
        user = _asker(claimed)
        coming = _next_ids(claimed, user, searched, upto, min(_BATCH, left))
        for mail_id in coming.ids:
            began = monotonic()
            if is_fatal:
                outcome = Outcome(ResultKind.FAILED, _("The process ended each time that it was this mail's turn."))
            else:
                outcome = _done(claimed, user, mail_id)
            _note(claimed, mail_id, outcome)
            upto, left, is_fatal = mail_id, left - 1, False
            if is_over():
                return
            _give_way(monotonic() - began)
        if coming.beyond is None or left <= 0:
            raise _Ended
        if coming.beyond < upto:
            upto = coming.beyond
            _move(claimed, upto)
        if is_over():
            return


def _give_way(seconds: float) -> None:
    """SQLite has one place to write, and who waits for it only looks now and then: half of the time it is free for what comes in."""
    if db.engine.dialect.name == "sqlite":
        time.sleep(min(seconds, _LONGEST_PAUSE))


def _asker(claimed: Claimed) -> Any:
    """Looked at anew for each batch."""
    db.session.rollback()
    run = db.session.get(BulkRun, claimed.id, populate_existing=True)
    if run is None or run.claim != claimed.claim or run.state != RunState.RUNNING:
        raise _Lost
    user = who_asked(run, claimed.act.grant)
    if user is None or not claimed.act.is_offered(user):
        raise _Ended(_("Who asked for it may not do this any more: the rest is not done."))
    return user


def _next_ids(claimed: Claimed, user: Any, searched: Searched, upto: int, size: int) -> _Next:
    if size <= 0:
        return _Next((), None)
    if claimed.ids:
        coming = [mail_id for mail_id in claimed.ids if mail_id < upto]
        return _Next(coming[:size], coming[size - 1] if len(coming) > size else None)
    try:
        search = searched(claimed, user)
    except MailkeepError as error:
        raise _Ended(str(error)) from None
    db.session.rollback()  # what is found is read by another connection
    for patience in _PATIENCE:
        page = find(search, size, before=upto, seconds=current_app.config["SEARCH_SECONDS"] * patience, cap=size)
        beyond = further(page, upto)
        if page.rows or page.searched_to is None or beyond is not None:
            return _Next([row.id for row in page.rows], beyond)
    raise _Ended(_("The search takes too long: the rest is not done. A narrower one may do."))


def _done(claimed: Claimed, user: Any, mail_id: int) -> Outcome:
    """Whatever goes wrong with a mail is told of that mail, and the next one has its turn."""
    try:
        mail = get_mail(user, mail_id)
    except NotFound as error:
        return Outcome(ResultKind.SKIPPED, str(error))
    try:
        return claimed.act.run(user, mail, claimed.options, claimed.actor)
    except SAID_NO as error:
        return Outcome(ResultKind.SKIPPED, str(error))
    except MailkeepError as error:
        return Outcome(ResultKind.FAILED, str(error))
    except Exception:
        log.exception("%s of mail %d, run %d", claimed.act.name, mail_id, claimed.id)
        return Outcome(ResultKind.FAILED, _("Something went wrong; the server's log says what."))
    finally:
        db.session.rollback()


def _note(claimed: Claimed, mail_id: int, outcome: Outcome) -> None:
    """Also of the last mail of a run that was cancelled meanwhile."""
    kind = ResultKind.DONE if outcome.kind is ResultKind.WAITING else outcome.kind
    counter = getattr(BulkRun, kind.value)
    counted = {"upto": mail_id, "claimed_until": stored_now() + _LEASE, "tries": 0, kind.value: counter + 1}
    with cast(PanelSession, db.session()).begin_writing():
        if not changed(update(BulkRun).where(BulkRun.id == claimed.id, BulkRun.claim == claimed.claim).values(**counted)):
            raise _Lost
        state, told = db.session.execute(select(BulkRun.state, BulkRun.skipped + BulkRun.failed).where(BulkRun.id == claimed.id)).one()
        if outcome.undo or (kind is not ResultKind.DONE and told <= _MOST_TOLD):
            words, undo = outcome.words[:BULK_WORDS], json.dumps(outcome.undo) if outcome.undo else ""
            row = BulkResult(run_id=claimed.id, mail_id=mail_id, kind=outcome.kind, words=words, undo=undo, until=outcome.until)
            db.session.add(row)
        db.session.commit()
    if state != RunState.RUNNING:
        raise _Lost


def _move(claimed: Claimed, upto: int) -> None:
    """Past what the search does not find."""
    with cast(PanelSession, db.session()).begin_writing():
        ours = (BulkRun.id == claimed.id, BulkRun.claim == claimed.claim, BulkRun.state == RunState.RUNNING)
        if not changed(update(BulkRun).where(*ours).values(upto=upto, claimed_until=stored_now() + _LEASE, tries=0)):
            raise _Lost
        db.session.commit()


def _end(claimed: Claimed, words: str) -> None:
    with cast(PanelSession, db.session()).begin_writing():
        ours = (BulkRun.id == claimed.id, BulkRun.claim == claimed.claim, BulkRun.state == RunState.RUNNING)
        state = RunState.FAILED if words else RunState.DONE
        values = {"state": state.value, "words": words[:BULK_WORDS], "ended_at": stored_now(), "claim": None}
        if changed(update(BulkRun).where(*ours).values(**values)):
            record(claimed.actor, Verb.BULK_ENDED, "bulk", claimed.id, after=tally(claimed.id))
        db.session.commit()


def _let_go(claimed: Claimed) -> None:
    """The next slice is anybody's."""
    with cast(PanelSession, db.session()).begin_writing():
        ours = (BulkRun.id == claimed.id, BulkRun.claim == claimed.claim, BulkRun.state == RunState.RUNNING)
        changed(update(BulkRun).where(*ours).values(claim=None, claimed_until=stored_now(), tries=0))
        db.session.commit()
