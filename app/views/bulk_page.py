"""What the pages of acts on many mails say: which acts there are, how many mails are meant, and how it goes with a run."""

import json
import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import current_app, g, request
from flask_babel import gettext as _

from app.clock import stored_now
from app.errors import BadRequest, NotFound
from app.forms.bulk import ACT_WORDS, OPTION_WORDS, RESULT_WORDS, STATE_WORDS, pinned
from app.forms.labels import term_label
from app.forms.search import Term, as_pairs, read_filters, read_terms
from app.ids import MAX_ID, id_time
from app.models import BulkRun
from app.queries.bulk import count_of, results_of, rows_of, undoable_until
from app.queries.fields import Filter, Op
from app.queries.search import Search, find
from app.queries.statistics import statistics_of
from app.queries.visibility import roles_here, scope_of
from app.security.acting import acting
from app.services.acts import ACTS, Act
from app.services.bulk import MOST_TICKED, Order
from app.views.language import viewer_language
from app.views.mail_search import hidden_fields
from app.views.zone import viewer_zone

_SAMPLE = 10
_MOST_RESULTS = 200
_AGAIN_SECONDS = 2
LONGEST_TOKEN = 32


@dataclass(frozen=True, slots=True)
class Meant:
    """The mails that were ticked, or all that a search finds."""

    terms: Sequence[Term]
    ids: Sequence[int]
    """None: all that the search finds."""
    before: int
    total: int
    is_exact: bool
    more: bool
    """There are more than one act is done to."""
    rows: Sequence[Any]
    """The first of them."""


def acts_offered(user: Any, sm: Any) -> list[Act]:
    """None for who does nothing to many."""
    if not sm.has_access("can_act", "BulkView"):
        return []
    granted = [act for act in ACTS.values() if sm.has_access(*act.grant)]
    offered = {check: check(user) for check in {act.is_offered for act in granted}}  # several acts have one: it is asked once
    return [act for act in granted if offered[act.is_offered]]


def bar_of(user: Any, sm: Any, query: Sequence[tuple[str, str]]) -> dict[str, Any] | None:
    """Of the mail list."""
    acts = acts_offered(user, sm)
    return {"acts": acts, "words": ACT_WORDS, "search": urlencode(query)} if acts else None


def terms_of_form() -> list[Term]:
    return read_terms(parse_qsl(request.form.get("search", ""), keep_blank_values=True), hidden_fields())


def meant_of_form(terms: Sequence[Term]) -> Meant:
    """What the list's form says, or the page on which it is confirmed, which says from which id on."""
    return meant_by_search(terms, _before()) if request.form.get("all") == "1" else meant_by_ids(terms, _ids())


def meant_by_ids(terms: Sequence[Term], ids: Sequence[int]) -> Meant:
    scope = scope_of(g.user)
    return Meant(terms, ids, max(ids, default=0) + 1, count_of(scope, ids), True, False, rows_of(scope, ids, _SAMPLE))


def meant_by_search(terms: Sequence[Term], before: int | None) -> Meant:
    scope, seconds, most = scope_of(g.user), current_app.config["SEARCH_SECONDS"], current_app.config["BULK_MAX"]
    terms = pinned(terms, viewer_zone())
    search = Search(scope, (*read_filters(terms, viewer_zone()), *_not_later(before)))
    found = find(search, _SAMPLE, before=before, seconds=seconds, cap=most)
    if before is None:
        before = found.rows[0].id + 1 if found.rows else 1
    count, is_exact = found.count, True
    if count is None:
        counted = statistics_of(search, seconds, most)
        count, is_exact = max(counted.count, len(found.rows)), counted.searched_to is None
    return Meant(terms, (), before, min(count, most), is_exact or count >= most, count > most, found.rows)


def _not_later(before: int | None) -> tuple[Filter, ...]:
    """So that what came in meanwhile is not counted, either."""
    return () if before is None else (Filter("time", Op.LE, (None, id_time(before - 1) + timedelta(milliseconds=1))),)


def _ids() -> list[int]:
    texts = [*request.form.getlist("id"), *request.form.get("ids", "").split()]
    if len(texts) > MOST_TICKED:
        raise BadRequest(_("Choose %(most)s mails at most.", most=MOST_TICKED))
    found = {int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 20}
    return sorted((each for each in found if 0 < each < MAX_ID), reverse=True)


def _before() -> int | None:
    text = request.form.get("before", "")
    return min(int(text), MAX_ID) if text.isascii() and text.isdigit() and len(text) < 20 and int(text) > 0 else None


def needs_reason() -> bool:
    """Where whoever opens somebody else's mail has to say why; who acts as somebody has said it."""
    scope = scope_of(g.user)
    return bool(current_app.config["AUDIT_REASON"] and (scope.everything or scope.domains) and acting() is None)


def confirm_values(act: Act, meant: Meant, problem: str = "") -> dict[str, Any]:
    icon, label, question = ACT_WORDS[act.name]
    return {
        "title": question,
        "act": act,
        "icon": icon,
        "label": label,
        "meant": meant,
        "chips": [] if meant.ids else [term_label(term) for term in meant.terms],
        "search": urlencode(as_pairs(meant.terms)),
        "token": secrets.token_hex(16),
        "options": {name: OPTION_WORDS[name] for name in act.options},
        "chosen": request.form.getlist("option"),
        "needs_reason": needs_reason(),
        "reason": request.form.get("reason", ""),
        "problem": problem,
    }


def token_of_form() -> str:
    token = request.form.get("token", "")
    if not (token.isascii() and token.isalnum() and len(token) <= LONGEST_TOKEN):
        raise BadRequest(_("This has to be confirmed first."))
    return token


def problem_of(act: Act, meant: Meant, token: str) -> str:
    """Why it is not begun yet; empty where all was said."""
    if not token:
        return str(_("This has to be confirmed first."))
    typed = "".join(letter for letter in request.form.get("typed", "") if letter.isdigit())
    if act.is_destructive and typed != str(meant.total):
        return str(_("Type the number of mails, %(number)s, to say that you mean all of them.", number=meant.total))
    if needs_reason() and not request.form.get("reason", "").strip():
        return str(_("Write a reason."))
    return ""


def order_of(act: Act, token: str, options: Sequence[str], meant: Meant, reason: str) -> Order:
    """As whoever asks stands here: with the roles that count on this face, and in their zone and language."""
    return Order(
        act=act.name,
        token=token,
        user_id=g.user.id,
        roles=roles_here(g.user),
        before=meant.before,
        total=meant.total,
        is_exact=meant.is_exact,
        ids=meant.ids,
        search=as_pairs(meant.terms),
        options=options,
        zone=viewer_zone().key,
        language=viewer_language(),
        reason=reason,
    )


def run_values(run: BulkRun) -> dict[str, Any]:
    now, act = stored_now(), ACTS.get(run.act)
    until = undoable_until(run.id, now) if act is not None and act.undo is not None else None
    results = results_of(run.id, _MOST_RESULTS, _after())
    mails = {row.id: row for row in rows_of(scope_of(g.user), [each.mail_id for each in results], _MOST_RESULTS)}
    waits = max(1, math.ceil((until - now).total_seconds())) if until is not None else None
    pairs = [(name, text) for name, text in json.loads(run.search)]
    icon, label, _question = ACT_WORDS.get(run.act, ("fa-cog", run.act, run.act))
    return {
        "run": run,
        "state": STATE_WORDS[run.state],
        "icon": icon,
        "label": label,
        "chips": [] if run.ids else _labels(pairs),
        "options": [OPTION_WORDS.get(name, name) for name in json.loads(run.options)],
        "results": results,
        "kinds": RESULT_WORDS,
        "mails": mails,
        "next": results[-1].mail_id if len(results) == _MOST_RESULTS else None,
        "whole": max(run.total, run.counted, 1),
        "waits": waits,
        "again": _AGAIN_SECONDS if run.is_under_way else waits,
    }


def _labels(pairs: Sequence[tuple[str, str]]) -> list[str]:
    try:
        return [term_label(term) for term in read_terms(pairs)]
    except (BadRequest, NotFound):  # of a field that is no more
        return [f"{name}={text}" for name, text in pairs]


def _after() -> int:
    text = request.args.get("after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
