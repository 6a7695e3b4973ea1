"""Legal holds: which stand, and which mails they keep."""

import ipaddress
import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.models import Held, LegalHold, Mail, MailDetail, MailRecipient
from app.queries.fields import Filter, Op
from app.queries.plan import Plan
from app.queries.scope import ALL
from app.queries.search import Search
from app.queries.walk import conditions_of, joined, passing


def standing_holds() -> Sequence[LegalHold]:
    return db.session.scalars(select(LegalHold).where(LegalHold.lifted_at.is_(None)).order_by(LegalHold.id)).all()


def lifted_holds(limit: int) -> Sequence[LegalHold]:
    query = select(LegalHold).where(LegalHold.lifted_at.is_not(None))
    return db.session.scalars(query.order_by(LegalHold.lifted_at.desc(), LegalHold.id.desc()).limit(limit)).all()


def held_among(mail_ids: Collection[int]) -> dict[int, list[LegalHold]]:
    """By mail, the holds that keep it; of mails that none keeps, nothing."""
    holds = standing_holds() if mail_ids else ()
    found: dict[int, list[LegalHold]] = {}
    by_value: dict[tuple[str, str], list[LegalHold]] = {}
    for hold in holds:
        if hold.kind == Held.SEARCH:
            for mail_id in _found_by(read_filters(hold.filters), mail_ids):
                found.setdefault(mail_id, []).append(hold)
        elif hold.kind == Held.MAIL and int(hold.value) in mail_ids:
            found.setdefault(int(hold.value), []).append(hold)
        else:
            by_value.setdefault((hold.kind, hold.value), []).append(hold)
    if by_value:
        columns = (MailRecipient.mail_id, MailRecipient.address, MailRecipient.base, MailRecipient.domain)
        for row in db.session.execute(select(*columns).where(MailRecipient.mail_id.in_(mail_ids))):
            for key in ((Held.ADDRESS, row.address), (Held.ADDRESS, row.base), (Held.DOMAIN, row.domain)):
                for hold in by_value.get(key, ()):
                    if hold not in found.setdefault(row.mail_id, []):
                        found[row.mail_id].append(hold)
    return {mail_id: kept for mail_id, kept in found.items() if kept}


def _found_by(filters: tuple[Filter, ...], mail_ids: Collection[int]) -> list[int]:
    search = Search(ALL, filters)
    plan = Plan(search.bounds, None, tuple(search.parts()), None)
    columns = (Mail.id, MailDetail.symbols) if plan.needs_detail else (Mail.id,)
    within = (Mail.id.in_(mail_ids), *plan.bounds.conditions(Mail.id))
    rows = db.session.execute(joined(select(*columns), plan).where(*conditions_of(plan), *within)).all()
    return [row.id for row in passing(plan, rows)]


# --- the filters of a search, as a column keeps them: what "yesterday" or "my time zone" meant is settled when the hold begins -----------


def written_filters(filters: Collection[Filter]) -> str:
    return json.dumps([_written(found) for found in filters])


def read_filters(text: str) -> tuple[Filter, ...]:
    return tuple(_read(found) for found in json.loads(text))


def _written(value: Any) -> Any:
    if isinstance(value, Filter):
        return {"filter": [value.field, value.op.value, _written(value.value)]}
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return {"network": str(value)}
    if isinstance(value, tuple | list):
        return [_written(inner) for inner in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"{type(value).__name__} is no value of a filter")


def _read(value: Any) -> Any:
    match value:
        case {"filter": [field, op, inner]}:
            return Filter(field, Op(op), _read(inner))
        case {"moment": text}:
            return datetime.fromisoformat(text)
        case {"network": text}:
            return ipaddress.ip_network(text)
        case list():
            return tuple(_read(inner) for inner in value)
    return value
