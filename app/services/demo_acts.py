"""What people did with the mails of the demo: requests, lessons, a rescan, acts on many at once; and when its nodes had their last."""

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from app.actor import Actor
from app.clock import stored_now
from app.extensions import db
from app.ids import MAX_ID, id_time
from app.models import Asks, BulkResult, BulkRun, Decision, Mail, MailLesson, MailRequest, MailRescan, Node, ResultKind, RunState, Verb
from app.queries.mail import detail_of
from app.rspamd.lessons import Learnt, Lesson
from app.services.audit import record

_ADMIN = Actor("admin", None, "192.0.2.17")
_WISHES = (
    ("The customer says that this is the invoice we wait for.", Decision.OPEN, ""),
    ("Das ist der Scan aus dem dritten Stock.", Decision.OPEN, ""),
    ("It is only the delivery note.", Decision.DENIED, "The attachment is a Trojan. Ask the sender by telephone."),
)
_LESSONS = (
    (Lesson.HAM, Learnt.DONE, ""),
    (Lesson.SPAM, Learnt.DONE, ""),
    (Lesson.SPAM, Learnt.REFUSED, "contains less tokens than required: 7 < 11"),
    (Lesson.FUZZY_ADD, Learnt.DONE, "hashes: 2"),
    (Lesson.SPAM, Learnt.KNOWN, "has been already learned as spam"),
)


def fill_acts(nodes: Collection[str]) -> None:
    """With mails of these nodes. In the trail it stands as done now: that is only ever appended to."""
    held = (Mail.node.in_(nodes), Mail.copy_state == "stored", Mail.first_rcpt != "", Mail.release_state == "none")
    viruses = _newest(*held, Mail.has_virus)
    spam = _newest(*held, ~Mail.has_virus, Mail.action == "reject")
    _requests(viruses, spam)
    _lessons(spam[2:])
    _runs(spam)
    _nodes(nodes)
    db.session.commit()


def _newest(*conditions: Any) -> list[Mail]:
    return list(db.session.scalars(select(Mail).where(*conditions).order_by(Mail.id.desc()).limit(12)))


def _requests(viruses: list[Mail], spam: list[Mail]) -> None:
    for mail, (comment, state, words) in reversed(list(zip(viruses, _WISHES, strict=False))):
        _request(mail, Asks.RELEASE, comment, state, words)
    for mail in spam[:1]:
        _request(mail, Asks.WRONG, "The newsletter of our supplier, every month.", Decision.OPEN, "")


def _request(mail: Mail, asks: Asks, comment: str, state: Decision, words: str) -> None:
    address, at = mail.first_rcpt.lower(), _after(mail, 40)
    name, _at, domain = address.rpartition("@")
    row = MailRequest(mail_id=mail.id, asks=asks, address=address, domain=domain, state=state, user_id=0, asked_by=name, asked_at=at)
    row.comment = comment
    told: dict[str, Any] = {"to": [address], "comment": comment}
    record(Actor(name, None, ""), Verb.MAIL_REPORTED if asks is Asks.WRONG else Verb.RELEASE_WANTED, "mail", mail.id, after=told)
    if state is Decision.DENIED:
        row.decided_by, row.decided_at, row.words = _ADMIN.name, _after(mail, 65), words
        record(_ADMIN, Verb.RELEASE_DENIED, "mail", mail.id, after={"to": [address], "asked_by": name, "words": words})
    db.session.add(row)


def _lessons(mails: list[Mail]) -> None:
    for mail, (lesson, state, reply) in zip(mails, _LESSONS, strict=False):
        who = {"asked_by": _ADMIN.name, "on_behalf_of": "", "node": mail.node, "at": _after(mail, 20)}
        db.session.add(MailLesson(mail_id=mail.id, number=1, lesson=lesson, state=state, reply=reply, **who))
        record(_ADMIN, Verb.MAIL_LEARNED, "mail", mail.id, after={"step": state, "lesson": lesson, "reply": reply})
        if lesson is Lesson.HAM:
            _rescan(mail, who)


def _rescan(mail: Mail, who: dict[str, Any]) -> None:
    """Since then its words are known, and its sender's site is on a list no more."""
    detail = detail_of(mail.id)
    before = json.loads(detail.symbols) if detail else []
    heavy = sorted(before, key=lambda symbol: symbol["score"], reverse=True)[:2]
    after = [symbol for symbol in before if symbol not in heavy] + [{"name": "BAYES_HAM", "score": -3.0, "options": ["99.98%"]}]
    score = round(sum(symbol["score"] for symbol in after), 2)
    verdict = {"action": "no action" if score < 4 else "greylist", "score": score, "symbols": json.dumps(after)}
    db.session.add(MailRescan(mail_id=mail.id, number=1, version="3.4", **verdict, **who))
    told = {"node": mail.node, "action": verdict["action"], "score": score}
    record(_ADMIN, Verb.MAIL_RESCANNED, "mail", mail.id, after=told)


def _runs(spam: list[Mail]) -> None:
    refused = "contains less tokens than required: 7 < 11"
    odd = [(mail, ResultKind.FAILED, refused) for mail in spam[:2]]
    odd += [(mail, ResultKind.SKIPPED, "Rspamd was taught this mail so already.") for mail in spam[3:4]]
    _run("release", RunState.CANCELLED, 30, timedelta(days=1), [["q", "newsletter"]], [])
    _run("learn_spam", RunState.DONE, 41, timedelta(hours=3), [["score.ge", "25"]], odd)


def _run(act: str, state: RunState, total: int, ago: timedelta, search: list[list[str]], odd: list[tuple[Mail, ResultKind, str]]) -> None:
    at = stored_now() - ago
    order = {"act": act, "options": "[]", "ids": "", "search": json.dumps(search), "zone": "UTC", "language": "en", "token": f"demo-{act}"}
    who = {"user_id": 0, "roles": "[]", "asked_by": _ADMIN.name, "actor_id": None, "on_behalf_of": "", "ip": _ADMIN.ip}
    moments = {"asked_at": at, "started_at": at, "ended_at": at + timedelta(seconds=9), "claimed_until": at}
    run = BulkRun(state=state, total=total, is_exact=True, upto=MAX_ID, **order, **who, **moments)
    kinds = [kind for _mail, kind, _words in odd]
    run.skipped, run.failed = kinds.count(ResultKind.SKIPPED), kinds.count(ResultKind.FAILED)
    run.done = (total if state is RunState.DONE else total // 2) - len(odd)
    db.session.add(run)
    db.session.flush()
    db.session.add_all(BulkResult(run_id=run.id, mail_id=mail.id, kind=kind, words=words, undo="") for mail, kind, words in odd)
    record(
        _ADMIN, Verb.BULK_BEGUN, "bulk", run.id, after={"act": act, "mails": total, "search": [f"{name}={text}" for name, text in search]}
    )
    told = {"state": state, "done": run.done, "skipped": run.skipped, "failed": run.failed}
    record(_ADMIN, Verb.BULK_ENDED, "bulk", run.id, after=told)


def _after(mail: Mail, minutes: int) -> datetime:
    return min(mail.received_at.replace(tzinfo=None) + timedelta(minutes=minutes), stored_now())


def _nodes(names: Collection[str]) -> None:
    for name, newest in db.session.execute(select(Mail.node, func.max(Mail.id)).where(Mail.node.in_(names)).group_by(Mail.node)).tuples():
        at = id_time(newest).replace(tzinfo=None)
        db.session.execute(update(Node).where(Node.name == name, Node.last_mail_at.is_(None)).values(last_mail_at=at))
