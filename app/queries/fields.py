"""What can be searched for, and what each filter asks of the database. Values are typed already: forms/search.py sees to that."""

import ipaddress
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, and_, exists, func, not_, or_

from app.ids import first_id_at
from app.models import Mail, MailDetail, MailRecipient
from app.queries.matching import contains, contains_any_case, prefix_range, starts_with
from app.queries.plan import Bounds, Branch, Part
from app.queries.scope import Scope


@unique
class Op(StrEnum):
    IS = "is"
    NOT = "not"
    CONTAINS = "contains"
    STARTS = "starts"
    LACKS = "lacks"
    GE = "ge"
    LE = "le"
    BETWEEN = "between"
    EMPTY = "empty"
    ON = "on"


@unique
class Kind(StrEnum):
    """Of what form a field's values are."""

    TIME = "time"
    ADDRESS = "address"
    DOMAIN = "domain"
    TEXT = "text"
    CODE = "code"  # an id, compared as it stands
    IP = "ip"
    CHOICE = "choice"
    NUMBER = "number"
    SIZE = "size"
    SYMBOL = "symbol"
    FLAG = "flag"
    QUICK = "quick"


@dataclass(frozen=True, slots=True)
class Filter:
    field: str
    op: Op
    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    name: str
    kind: Kind
    ops: tuple[Op, ...]
    column: Any = None
    index: str = ""
    choices: tuple[str, ...] = ()
    test: Callable[[], ColumnElement[bool]] = sqlalchemy.false
    """Of a flag."""


LOOKED_AT = 65_536
"""So far into the headers of a mail a filter looks: what strangers write may be as long as they like."""
_WORDS = (Op.IS, Op.NOT, Op.CONTAINS, Op.STARTS, Op.LACKS, Op.EMPTY)
_RANGE = (Op.GE, Op.LE, Op.BETWEEN)
_PARTS = (Op.CONTAINS, Op.LACKS)
ACTIONS = ("no action", "greylist", "add header", "rewrite subject", "soft reject", "reject", "discard", "quarantine")

FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("time", Kind.TIME, (Op.ON, *_RANGE)),
        Field("sender", Kind.ADDRESS, _WORDS, Mail.mail_from, "ix_mail_mail_from"),
        Field("from", Kind.ADDRESS, _WORDS, Mail.mime_from, "ix_mail_mime_from"),
        Field("rcpt", Kind.ADDRESS, _WORDS[:-1], MailRecipient.address, "ix_mail_recipient_address"),
        Field("to", Kind.TEXT, _PARTS, MailDetail.header_to),
        Field("sender_domain", Kind.DOMAIN, _WORDS, Mail.mail_from_domain, "ix_mail_mail_from_domain"),
        Field("from_domain", Kind.DOMAIN, _WORDS, Mail.mime_from_domain, "ix_mail_mime_from_domain"),
        Field("rcpt_domain", Kind.DOMAIN, _WORDS[:-1], MailRecipient.domain, "ix_mail_recipient_domain"),
        Field("subject", Kind.TEXT, _WORDS, Mail.subject, "ix_mail_subject"),
        Field("ip", Kind.IP, (Op.IS, Op.NOT, Op.EMPTY), Mail.ip, "ix_mail_ip"),
        Field("action", Kind.CHOICE, (Op.IS, Op.NOT), Mail.action, "ix_mail_action", ACTIONS),
        Field("score", Kind.NUMBER, _RANGE, Mail.score, "ix_mail_score"),
        Field("size", Kind.SIZE, _RANGE, Mail.size),
        Field("symbol", Kind.SYMBOL, (Op.IS, Op.NOT, Op.GE), MailDetail.symbols),
        Field("virus", Kind.FLAG, (Op.IS,), Mail.has_virus, "ix_mail_has_virus", test=lambda: Mail.has_virus == sqlalchemy.true()),
        Field("risk", Kind.FLAG, (Op.IS,), test=lambda: Mail.has_risk == sqlalchemy.true()),
        Field("listed", Kind.CHOICE, (Op.IS, Op.NOT), Mail.listed, choices=("allow", "deny")),
        Field("personal", Kind.CHOICE, (Op.IS, Op.NOT), MailRecipient.personal, "ix_mail_recipient_personal", choices=("allow", "deny")),
        Field("stored", Kind.FLAG, (Op.IS,), Mail.copy_state, "ix_mail_copy_state", test=lambda: Mail.copy_state == "stored"),
        Field("notified", Kind.FLAG, (Op.IS,), test=lambda: Mail.notice_state == "sent"),
        Field("released", Kind.FLAG, (Op.IS,), Mail.release_state, "ix_mail_release_state", test=lambda: Mail.release_state == "released"),
        Field("queue_id", Kind.CODE, (Op.IS, Op.NOT, Op.STARTS), Mail.queue_id, "ix_mail_queue_id"),
        Field("message_id", Kind.CODE, (Op.IS, Op.NOT, Op.CONTAINS, Op.STARTS), Mail.message_id, "ix_mail_message_id"),
        Field("node", Kind.CODE, (Op.IS, Op.NOT), Mail.node),
        Field("user", Kind.CODE, _WORDS, Mail.user, "ix_mail_auth_user"),
        Field("direction", Kind.CHOICE, (Op.IS,), Mail.direction, choices=("in", "out")),
        Field("headers", Kind.TEXT, _PARTS, MailDetail.headers),
        Field("q", Kind.QUICK, (Op.IS,)),
    )
}


def bounds_of(filters: tuple[Filter, ...]) -> Bounds:
    """Times are ranges of ids. `on` and `between` come as two moments, the second one past the end."""
    bounds = Bounds()
    for found in filters:
        if found.field == "time":
            first, last = found.value
            bounds = bounds.within(_id_at(first), _id_at(last))
    return bounds


def _id_at(moment: datetime | None) -> int | None:
    return None if moment is None else first_id_at(moment)


def part_of(found: Filter, scope: Scope) -> Part | None:
    """None for what bounds_of has dealt with. Of recipients that are not in `scope` no filter tells anything."""
    field = FIELDS[found.field]
    match field.kind:
        case Kind.TIME:
            return None
        case Kind.FLAG:
            return _flag(field, found.value)
        case Kind.IP:
            return _network(field, found)
        case Kind.NUMBER | Kind.SIZE:
            return _range(field, found.value)
        case Kind.SYMBOL:
            return _symbol(found)
        case Kind.QUICK:
            return _any_of([part for inner in found.value if (part := part_of(inner, scope)) is not None])
    if field.column.class_ is MailRecipient:
        return _recipient(field, found, scope)
    return _words(field, found)


def _any_of(parts: list[Part]) -> Part:
    condition = or_(*(part.condition for part in parts if part.condition is not None))
    served = all(part.branches for part in parts)
    branches = tuple(branch for part in parts for branch in part.branches) if served else ()
    return Part(condition, branches, needs_detail=any(part.needs_detail for part in parts))


def _words(field: Field, found: Filter) -> Part:
    column, text = field.column, found.value
    wide = column.class_ is MailDetail
    if wide:
        column = func.substr(column, 1, LOOKED_AT)
    anywhere = contains_any_case if field.kind is Kind.TEXT else contains
    match found.op:
        case Op.IS | Op.EMPTY:
            condition = column == text
            return Part(condition, (Branch(condition, field.index),) if field.index else ())
        case Op.STARTS:
            if field.kind is Kind.TEXT:
                return Part(starts_with(column, text))
            within = prefix_range(column, text)
            return Part(starts_with(column, text), () if within is None else (Branch(within, field.index, is_ordered=False),))
        case Op.NOT:
            return Part(column != text)
        case Op.LACKS:
            return Part(not_(anywhere(column, text)), needs_detail=wide)
    return Part(anywhere(column, text), needs_detail=wide)


def _recipient(field: Field, found: Filter, scope: Scope) -> Part:
    column, text = field.column, found.value
    match found.op:
        case Op.IS | Op.NOT:
            inner = column == text
        case Op.STARTS:
            inner = starts_with(column, text)
        case _:
            inner = contains(column, text)
    if not scope.everything:
        inner = and_(inner, scope.recipient())
    condition: ColumnElement[bool] = exists().where(MailRecipient.mail_id == Mail.id, inner)
    if found.op in (Op.NOT, Op.LACKS):
        return Part(not_(condition))
    # What lists say of others' mail stands in that index too: for who sees only some mail, theirs is the way in.
    served = found.op is Op.IS and (scope.everything or field.name != "personal")
    return Part(condition, (Branch(inner, field.index),) if served else ())


def _flag(field: Field, wanted: bool) -> Part:
    condition = field.test()
    if not wanted:
        return Part(not_(condition))
    return Part(condition, (Branch(condition, field.index),) if field.index else ())


def _network(field: Field, found: Filter) -> Part:
    if found.op is Op.EMPTY:
        return Part(field.column.is_(None))
    network: ipaddress.IPv4Network | ipaddress.IPv6Network = found.value
    if network.num_addresses == 1:
        condition = field.column == str(network[0])
        branch = Branch(condition, field.index)
    else:
        condition = and_(field.column >= str(network[0]), field.column <= str(network[-1]))
        branch = Branch(condition, field.index, is_ordered=False)
    if found.op is Op.NOT:
        return Part(or_(not_(condition), field.column.is_(None)))
    return Part(condition, (branch,))


def _range(field: Field, limits: tuple[float | None, float | None]) -> Part:
    low, high = limits
    condition = and_(*([field.column >= low] if low is not None else []), *([field.column <= high] if high is not None else []))
    return Part(condition, (Branch(condition, field.index, is_ordered=False),) if field.index else ())


def _symbol(found: Filter) -> Part:
    name, least = found.value
    there = contains(MailDetail.symbols, f'"name":{json.dumps(name, ensure_ascii=False)}')
    if found.op is Op.NOT:
        return Part(not_(there), needs_detail=True)
    return Part(there, needs_detail=True, check=_has_symbol(name, least))


def _has_symbol(name: str, least: float | None) -> Callable[[str], bool]:
    def check(symbols: str) -> bool:
        return any(symbol.get("name") == name and (least is None or symbol.get("score", 0) >= least) for symbol in json.loads(symbols))

    return check
