"""Fills a panel with believable mails, so that a newcomer sees it alive. The same seed gives the same mails."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import func, select, update

from app.actor import SYSTEM
from app.clock import utcnow
from app.errors import Conflict, NotFound
from app.extensions import db
from app.ids import id_at, id_time
from app.models import Mail, Mode, NoticeState, Release, ReleaseState, Step
from app.rspamd.report import Report
from app.services.demo_acts import fill_acts
from app.services.demo_letters import fill_letters
from app.services.demo_maps import fill_maps
from app.services.demo_messages import Envelope, author_of, domain_of_sender, message_of
from app.services.demo_texts import DOMAINS, KINDS, PEOPLE, Kind
from app.services.entry import Entry, identity_of
from app.services.insert import insert_entries
from app.services.nodes import add, find
from app.services.policy import StorePolicy
from app.storage import store_for
from app.storage.local import digest_of, pack

_NODES = ("mx-a", "mx-b")
_NODE_NUMBER = 255
_SEED = 7
_BATCH = 200


def fill(count: int, days: int, *, beside_real_mail: bool = False) -> int:
    """How many mails are new. A second call adds nothing; Conflict where the panel holds real mail."""
    real = db.session.scalar(select(func.count()).select_from(select(Mail.id).where(Mail.node.not_in(_NODES)).limit(1).subquery()))
    if real and not beside_real_mail:
        raise Conflict("This panel holds real mail; --yes puts the demo's mails beside it.")
    here = db.session.scalar(select(func.count()).select_from(select(Mail.id).where(Mail.node.in_(_NODES)).limit(count).subquery()))
    if here:
        return 0
    for name in _NODES:
        try:
            find(name)
        except NotFound:
            add(name, actor=SYSTEM)
    fill_maps()
    new = sum(_insert(batch) for batch in _batches(_entries(count, days)))
    fill_acts(_NODES)
    fill_letters(_NODES)
    return new


def _insert(batch: list[Entry]) -> int:
    store = store_for(current_app.config["STORE_URL"])
    kept = [entry for entry in batch if entry.keep and entry.digest]
    for entry in kept:
        store.put(entry.digest or "", entry.packed, durable=False)
    store.flush([entry.digest or "" for entry in kept])
    outcome = insert_entries(db.engine, batch, current_app.config["NODE_NAME"])
    harmless = [entry for entry in kept if entry.virus is None]
    _note(harmless[::3], notice_state=NoticeState.SENT)
    _note(harmless[::12], release_state=ReleaseState.RELEASED)
    _keep_releases([entry for entry in harmless[::12] if entry.report.recipients])
    return sum(mail_id == entry_id for entry_id, mail_id in outcome.items())


def _note(entries: list[Entry], **states: Any) -> None:
    """What became of stored mails later."""
    db.session.execute(update(Mail).where(Mail.id.in_([entry.id for entry in entries])).values(**states))
    db.session.commit()


def _keep_releases(entries: list[Entry]) -> None:
    """To the first recipient, an hour later; of a demo that is filled again they are there."""
    there = set(db.session.scalars(select(Release.mail_id).where(Release.mail_id.in_([entry.id for entry in entries]))))
    for entry in entries:
        if entry.id not in there:
            target, at = entry.report.recipients[0], id_time(entry.id).replace(tzinfo=None) + timedelta(hours=1)
            who = {"asked_by": "admin", "on_behalf_of": "", "node": current_app.config["NODE_NAME"]}
            moments = {"due_at": at, "asked_at": at, "sent_at": at}
            row = Release(mail_id=entry.id, address=target.lower(), number=1, target=target, state=Step.SENT, attempts=1, **moments, **who)
            row.mode, row.reply = Mode.AS_IT_WAS, "250 2.0.0 Ok"
            db.session.add(row)
    db.session.commit()


def _batches(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _entries(count: int, days: int) -> Iterator[Entry]:
    chance = random.Random(_SEED)  # noqa: S311 - a demo
    moments = sorted(_moment(chance, days) for _ in range(count))
    policy = StorePolicy.from_config(current_app.config)
    for number, moment in enumerate(moments):
        kind = chance.choices(KINDS, [kind.weight for kind in KINDS])[0]
        yield _entry(chance, kind, number, moment, policy)


def _moment(chance: random.Random, days: int) -> datetime:
    """More by day than by night, more on weekdays, and some within the last hour."""
    now = utcnow()
    if chance.random() < 0.02:
        return now - timedelta(seconds=chance.uniform(5, 3600))
    while True:
        moment = now - timedelta(seconds=chance.uniform(60, days * 86400))
        busy = (1.0 if 7 <= moment.hour <= 17 else 0.3) * (1.0 if moment.weekday() < 5 else 0.35)
        if chance.random() < busy:
            return moment


def _entry(chance: random.Random, kind: Kind, number: int, moment: datetime, policy: StorePolicy) -> Entry:
    envelope = _envelope(chance, kind, number, moment)
    subject = chance.choice(kind.subjects)
    raw = message_of(chance, kind, envelope, subject)
    report = Report(
        queue_id=envelope.queue_id,
        message_id=f"demo-{number}@{domain_of_sender(envelope)}",
        action=kind.action,
        score=round(chance.uniform(*kind.score), 2),
        ip=envelope.ip,
        user=envelope.sender if kind.outgoing else "",
        mail_from=envelope.sender,
        recipients=envelope.recipients,
        subject=subject,
        header_from=author_of(envelope),
        header_to=", ".join(envelope.recipients),
        header_date=moment.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        headers=raw.partition(b"\r\n\r\n")[0].decode(),
        symbols=_symbols(kind, domain_of_sender(envelope)),
        scan_ms=float(chance.randrange(40, 900)),
        rspamd_host="demo",
        size=len(raw),
    )
    keep = policy.keeps(report, bool(kind.virus))
    identity = identity_of(envelope.node, report, "demo", 0)
    return Entry(
        id=id_at(moment, _NODE_NUMBER, number),
        node=envelope.node,
        report=report,
        digest=digest_of(raw),
        keep=keep,
        virus=kind.virus or None,
        identity=identity,
        earlier=identity,
        packed=pack(raw, 1) if keep else b"",
    )


def _envelope(chance: random.Random, kind: Kind, number: int, moment: datetime) -> Envelope:
    recipients = _recipients(chance)
    sender = chance.choice(kind.senders)
    if kind.outgoing:
        sender, recipients = recipients[0], (chance.choice(("orders@supplier.example", "anna@partner.example")),)
    networks = (
        f"203.0.113.{chance.randrange(1, 255)}",
        f"198.51.100.{chance.randrange(1, 255)}",
        f"2001:db8::{chance.randrange(1, 9999):x}",
    )
    return Envelope(
        number=number,
        queue_id=f"4X{number:05X}{chance.randrange(4096):03X}",
        moment=moment,
        node=_NODES[number % 5 == 0],
        ip=chance.choice(networks),
        sender=sender,
        recipients=recipients,
    )


def _symbols(kind: Kind, domain: str) -> tuple[dict[str, Any], ...]:
    return tuple(
        {"name": name, "score": score, "options": [option.format(domain=domain)] if option else []}
        for name, score, option in sorted(kind.symbols)
    )


def _recipients(chance: random.Random) -> tuple[str, ...]:
    """A few people get most of the mail."""
    count = chance.choices((1, 2, 5, 12), (85, 10, 4, 1))[0]
    people = [PEOPLE[min(int(chance.paretovariate(0.9)) - 1, len(PEOPLE) - 1)] for _ in range(count)]
    return tuple(dict.fromkeys(f"{person}@{chance.choices(DOMAINS, (10, 4, 3, 2, 1))[0]}" for person in people))
