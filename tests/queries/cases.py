"""Three hundred mails of few values, and searches with a plain rule of what each has to find: by hand, and one for every field and operator."""

import dataclasses
import ipaddress
import itertools
import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import update

from app.clock import utcnow
from app.extensions import db
from app.ids import id_at, id_time
from app.models import Mail, MailRecipient, NoticeState, ReleaseState
from app.queries.fields import FIELDS, Field, Kind, Op
from app.services.entry import Entry
from app.services.insert import insert_entries
from tests.make import make_entry

SENDERS = ("a@example.net", "b@example.net", "a_b@example.org", "a%b@example.org", "")
SUBJECTS = ("Invoice 100%", "invoice_7", "Ρωτώ", "", "Hello World")
RCPTS = ("bob@example.com", "carol@example.com", "dave@example.org")
IPS = ("198.51.100.7", "198.51.100.200", "2001:db8::7", None)
SYMBOLS = ("BAYES_SPAM", "R_SPF_FAIL", "MY_BL", "MY_WL", "MIME_BAD_EXTENSION")
WISHES = ("allow", "deny")
STEP = timedelta(minutes=20)
COUNT = 300


def put_mails(app: Flask) -> list[Entry]:
    """Oldest first, over the last four days. What a mail got later (notified, released) is noted in its report's extra."""
    chance = random.Random(7)
    first = utcnow() - STEP * COUNT
    entries = [_entry(chance, number, first + STEP * number) for number in range(COUNT)]
    states = (("notified", {"notice_state": NoticeState.SENT}), ("released", {"release_state": ReleaseState.RELEASED}))
    with app.app_context():
        insert_entries(db.engine, entries, "mx1")
        for name, values in states:
            db.session.execute(update(Mail).where(Mail.id.in_([e.id for e in entries if e.report.extra[name]])).values(**values))
        for address, wish in itertools.product(RCPTS, WISHES):
            chosen = MailRecipient.mail_id.in_([e.id for e in entries if e.report.extra["personal"][address] == wish])
            db.session.execute(update(MailRecipient).where(chosen, MailRecipient.address == address).values(personal=wish))
        db.session.commit()
    return entries


def _entry(chance: random.Random, number: int, moment: datetime) -> Entry:
    sender = chance.choice(SENDERS)
    made = make_entry(
        queue_id=chance.choice(("4F1A2B3C4D", "4F1A00000", "Q_7")),
        message_id=chance.choice(("one@example.net", "one@example.org", "two%@example.net")),
        mail_from=chance.choice(SENDERS),
        header_from=f"X <{sender}>" if sender else "",
        header_to=chance.choice(("Team <team@example.com>", "")),
        subject=chance.choice(SUBJECTS),
        recipients=tuple(chance.sample(RCPTS, chance.randint(1, 3))),
        ip=chance.choice(IPS),
        action=chance.choice(("reject", "no action", "add header")),
        score=chance.choice((-2.0, 0.0, 5.5, 20.0)),
        size=chance.choice((500, 40_000, 2_000_000)),
        user=chance.choice(("", "bob", "carla")),
        headers=chance.choice(("X-One: 1", "X-Two: 2")),
        keep=chance.random() < 0.4,
        symbols=tuple({"name": name, "score": chance.choice((0.5, 4.5))} for name in chance.sample(SYMBOLS, 2)),
        extra={
            "notified": chance.random() < 0.2,
            "released": chance.random() < 0.2,
            "personal": {rcpt: chance.choice((*WISHES, "")) for rcpt in RCPTS},
        },
    )
    virus = "Eicar" if chance.random() < 0.1 else None
    return dataclasses.replace(made, id=id_at(moment, 7, number), node=chance.choice(("mx1", "mx2")), virus=virus)


def moment_of(entry: Entry) -> datetime:
    return id_time(entry.id)


def network_has(network: str, ip: str | None) -> bool:
    return ip is not None and ipaddress.ip_address(ip) in ipaddress.ip_network(network)


def has(entry: Any, name: str, least: float = -99) -> bool:
    return any(symbol["name"] == name and symbol["score"] >= least for symbol in entry.report.symbols)


def all_of_them(_entry: Any) -> bool:
    return True


def none_of_them(_entry: Any) -> bool:
    return False


Rule = Callable[[Any], bool]
CASES: list[tuple[tuple[str, ...], Rule]] = [
    ((), all_of_them),
    (("sender.is=A@example.net",), lambda e: e.report.mail_from == "a@example.net"),
    (("sender.not=a@example.net",), lambda e: e.report.mail_from != "a@example.net"),
    (("sender.contains=_b",), lambda e: "_b" in e.report.mail_from),
    (("sender.contains=%",), lambda e: "%" in e.report.mail_from),
    (("sender.starts=a",), lambda e: e.report.mail_from.startswith("a")),
    (("sender.starts=a_",), lambda e: e.report.mail_from.startswith("a_")),
    (("sender.lacks=example.net",), lambda e: "example.net" not in e.report.mail_from),
    (("sender.empty=",), lambda e: e.report.mail_from == ""),
    (("from.is=b@example.net",), lambda e: "b@example.net" in e.report.header_from),
    (("sender_domain.is=@example.org",), lambda e: e.report.mail_from.endswith("@example.org")),
    (("from_domain.is=example.net",), lambda e: "example.net" in e.report.header_from),
    (("rcpt.is=Bob@example.com",), lambda e: "bob@example.com" in e.report.recipients),
    (("rcpt.not=bob@example.com",), lambda e: "bob@example.com" not in e.report.recipients),
    (("rcpt.contains=@example.org",), lambda e: "dave@example.org" in e.report.recipients),
    (("rcpt.starts=car",), lambda e: "carol@example.com" in e.report.recipients),
    (("rcpt.lacks=car",), lambda e: "carol@example.com" not in e.report.recipients),
    (("rcpt_domain.is=example.com",), lambda e: any(r.endswith("example.com") for r in e.report.recipients)),
    (("to.contains=team",), lambda e: "team" in e.report.header_to),
    (("to.lacks=team",), lambda e: "team" not in e.report.header_to),
    (("subject.is=Hello World",), lambda e: e.report.subject == "Hello World"),
    (("subject.contains=INVOICE",), lambda e: "invoice" in e.report.subject.lower()),
    (("subject.contains=100%",), lambda e: "100%" in e.report.subject),
    (("subject.starts=Hello",), lambda e: e.report.subject.startswith("Hello")),
    (("subject.lacks=invoice",), lambda e: "invoice" not in e.report.subject.lower()),
    (("subject.empty=1",), lambda e: e.report.subject == ""),
    (("ip.is=198.51.100.7",), lambda e: e.report.ip == "198.51.100.7"),
    (("ip.is=198.51.100.0/25",), lambda e: network_has("198.51.100.0/25", e.report.ip)),
    (("ip.is=2001:db8::/32",), lambda e: e.report.ip == "2001:db8::7"),
    (("ip.is=0.0.0.0/0",), lambda e: e.report.ip is not None and "." in e.report.ip),
    (
        ("ip.not=198.51.100.0/24",),
        lambda e: not network_has("198.51.100.0/24", e.report.ip) if e.report.ip and "." in e.report.ip else True,
    ),
    (("ip.empty=1",), lambda e: e.report.ip is None),
    (("action.is=reject",), lambda e: e.report.action == "reject"),
    (("action.not=reject",), lambda e: e.report.action != "reject"),
    (("score.ge=5.5",), lambda e: e.report.score >= 5.5),
    (("score.le=0",), lambda e: e.report.score <= 0),
    (("score.between=0..6",), lambda e: 0 <= e.report.score <= 6),
    (("size.ge=1M",), lambda e: e.report.size >= 1_000_000),
    (("size.between=1k..50 kB",), lambda e: 1000 <= e.report.size <= 50_000),
    (("symbol.is=BAYES_SPAM",), lambda e: has(e, "BAYES_SPAM")),
    (("symbol.is=BAYES",), none_of_them),
    (("symbol.is=BAYES%SPAM",), none_of_them),
    (("symbol.not=BAYES_SPAM",), lambda e: not has(e, "BAYES_SPAM")),
    (("symbol.ge=BAYES_SPAM 4",), lambda e: has(e, "BAYES_SPAM", 4)),
    (("listed.is=deny",), lambda e: has(e, "MY_BL")),
    (("listed.not=deny",), lambda e: not has(e, "MY_BL")),
    (("node.is=mx3",), none_of_them),
    (("user.is=bob",), lambda e: e.report.user == "bob"),
    (("user.empty=1",), lambda e: e.report.user == ""),
    (("direction.is=out",), lambda e: bool(e.report.user)),
    (("headers.contains=x-one",), lambda e: "X-One" in e.report.headers),
    (("headers.lacks=x-one",), lambda e: "X-One" not in e.report.headers),
    (("time.on=today",), lambda e: moment_of(e).date() == utcnow().date()),
    (("time.ge=2020-01-01",), all_of_them),
    (("time.le=2020-01-01",), none_of_them),
    (("q=bob@example.com",), lambda e: "bob@example.com" in e.report.recipients),
    (("q=a@example.net",), lambda e: e.report.mail_from == "a@example.net" or "<a@example.net>" in e.report.header_from),
    (("q=example.org",), lambda e: "example.org" in map(_domain, (e.report.mail_from, e.report.header_from[:-1], *e.report.recipients))),
    (("q=198.51.100.200",), lambda e: e.report.ip == "198.51.100.200"),
    (("q=hello world",), lambda e: e.report.subject == "Hello World"),
    (
        ("sender.is=a@example.net", "rcpt.is=bob@example.com"),
        lambda e: e.report.mail_from == "a@example.net" and "bob@example.com" in e.report.recipients,
    ),
    (
        ("score.ge=5", "symbol.ge=BAYES_SPAM 4", "headers.contains=x-two"),
        lambda e: e.report.score >= 5 and has(e, "BAYES_SPAM", 4) and "X-Two" in e.report.headers,
    ),
    (("action.is=reject", "action.is=discard"), none_of_them),
]


# --- one case for every field and operator -----------------------------------------------------------------------------------

# What a field's values are, and a whole value, a beginning and a piece of one to look for.
WORDS: dict[str, tuple[Callable[[Any], tuple[str, ...]], str, str, str]] = {
    "sender": (lambda e: (e.report.mail_from,), "a_b@example.org", "a_", "_b@"),
    "from": (lambda e: (e.report.header_from[3:-1],), "a%b@example.org", "a%", "b@example.o"),
    "rcpt": (lambda e: e.report.recipients, "bob@example.com", "car", "example.org"),
    "to": (lambda e: (e.report.header_to,), "", "", "team@"),
    "sender_domain": (lambda e: (_domain(e.report.mail_from),), "example.org", "example.o", "ple.net"),
    "from_domain": (lambda e: (_domain(e.report.header_from[:-1]),), "example.org", "example.o", "ple.net"),
    "rcpt_domain": (lambda e: tuple(map(_domain, e.report.recipients)), "example.org", "example.o", "ple.com"),
    "subject": (lambda e: (e.report.subject,), "Hello World", "Hello", "voice_"),
    "ip": (lambda e: (e.report.ip or "",), "198.51.100.7", "", ""),
    "action": (lambda e: (e.report.action,), "add header", "", ""),
    "listed": (lambda e: ("deny" if has(e, "MY_BL") else "allow" if has(e, "MY_WL") else "",), "allow", "", ""),
    "personal": (lambda e: tuple(e.report.extra["personal"][rcpt] for rcpt in e.report.recipients), "deny", "", ""),
    "queue_id": (lambda e: (e.report.queue_id,), "4F1A2B3C4D", "4F1A", ""),
    "message_id": (lambda e: (e.report.message_id,), "one@example.net", "one@", "%@"),
    "node": (lambda e: (e.node,), "mx2", "", ""),
    "user": (lambda e: (e.report.user,), "carla", "c", "o"),
    "direction": (lambda e: ("out" if e.report.user else "in",), "in", "", ""),
    "headers": (lambda e: (e.report.headers,), "", "", "X-One"),
}
FLAGS: dict[str, Rule] = {
    "virus": lambda e: e.virus is not None,
    "risk": lambda e: has(e, "MIME_BAD_EXTENSION"),
    "stored": lambda e: e.keep,
    "notified": lambda e: e.report.extra["notified"],
    "released": lambda e: e.report.extra["released"],
}
# What is measured, and two values as they are typed and as they are meant.
RANGES: dict[str, tuple[Callable[[Any], float], tuple[str, str], tuple[float, float]]] = {
    "score": (lambda e: e.report.score, ("0", "6"), (0, 6)),
    "size": (lambda e: e.report.size, ("1k", "1 MB"), (1000, 1_000_000)),
}


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _words(field: Field, op: Op) -> tuple[str, Rule]:
    values, whole, beginning, piece = WORDS[field.name]
    folded = str.lower if field.kind is Kind.TEXT else str
    match op:
        case Op.IS:
            return whole, lambda e: whole in values(e)
        case Op.NOT:
            return whole, lambda e: whole not in values(e)
        case Op.STARTS:
            return beginning, lambda e: any(value.startswith(beginning) for value in values(e))
        case Op.CONTAINS:
            return piece, lambda e: any(folded(piece) in folded(value) for value in values(e))
        case Op.LACKS:
            return piece, lambda e: not any(folded(piece) in folded(value) for value in values(e))
        case Op.EMPTY:
            return "", lambda e: not any(values(e))
    raise NotImplementedError(f"{field.name}.{op}")


def _ranges(op: Op, typed: tuple[str, str], low: Rule, high: Rule) -> tuple[str, Rule]:
    """`low`: at or above the first value, `high`: at or below the second."""
    match op:
        case Op.GE:
            return typed[0], low
        case Op.LE:
            return typed[1], high
        case Op.BETWEEN:
            return f"{typed[0]}..{typed[1]}", lambda e: low(e) and high(e)
    raise NotImplementedError(op)


def _days(op: Op) -> tuple[str, Rule]:
    earlier, later = (utcnow().date() - timedelta(days=back) for back in (3, 2))
    if op is Op.ON:
        return later.isoformat(), lambda e: moment_of(e).date() == later
    return _ranges(op, (str(earlier), str(later)), lambda e: moment_of(e).date() >= earlier, lambda e: moment_of(e).date() <= later)


def _symbols(op: Op) -> tuple[str, Rule]:
    rules: dict[Op, tuple[str, Rule]] = {
        Op.IS: ("MY_WL", lambda e: has(e, "MY_WL")),
        Op.NOT: ("MY_WL", lambda e: not has(e, "MY_WL")),
        Op.GE: ("MY_WL 4", lambda e: has(e, "MY_WL", 4)),
    }
    return rules[op]


def _derived(field: Field, op: Op) -> tuple[str, Rule]:
    match field.kind:
        case Kind.TIME:
            return _days(op)
        case Kind.NUMBER | Kind.SIZE:
            read, typed, (low, high) = RANGES[field.name]
            return _ranges(op, typed, lambda e: read(e) >= low, lambda e: read(e) <= high)
        case Kind.SYMBOL:
            return _symbols(op)
    return _words(field, op)


def _all_derived() -> Iterator[tuple[tuple[str, ...], Rule]]:
    for field in FIELDS.values():
        for op in field.ops if field.kind is not Kind.QUICK else ():
            if field.kind is Kind.FLAG:
                flag = FLAGS[field.name]
                yield (f"{field.name}.{op}=yes",), flag
                yield (f"{field.name}.{op}=no",), lambda e, flag=flag: not flag(e)
            else:
                text, rule = _derived(field, op)
                yield (f"{field.name}.{op}={text}",), rule


DERIVED = list(_all_derived())
