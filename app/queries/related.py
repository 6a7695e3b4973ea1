"""Mails that belong to one: the same sender, subject, message id or address, of the last days, as far as the viewer sees them."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row

from app.models import Mail
from app.queries.fields import Filter, Op
from app.queries.scope import Scope
from app.queries.search import Search, find

_DAYS = 30
_MOST = 10
_SECONDS = 0.4


@dataclass(frozen=True, slots=True)
class Related:
    field: str
    """Of the search that finds more of them."""
    value: str
    rows: Sequence[Row[Any]]
    more: bool
    searched_to: int | None = None
    """Time ran out at this id, so older ones may be missing."""


def related_mails(mail: Mail, scope: Scope) -> list[Related]:
    """At most ten of each kind, newest first, without the mail itself; kinds of which there surely is none are left out."""
    since = Filter("time", Op.GE, (mail.received_at - timedelta(days=_DAYS), None))
    kinds = (("message_id", mail.message_id), ("sender", mail.mail_from), ("subject", mail.subject), ("ip", mail.ip or ""))
    found = []
    for field, value in kinds:
        if value:
            search = Search(scope, (since, Filter(field, Op.IS, _typed(field, value))))
            page = find(search, _MOST + 1, seconds=_SECONDS, cap=1000)
            rows = [row for row in page.rows if row.id != mail.id]
            if rows or page.searched_to is not None:
                found.append(Related(field, value, rows[:_MOST], page.older is not None or len(rows) > _MOST, page.searched_to))
    return found


def _typed(field: str, value: str) -> Any:
    return ipaddress.ip_network(value) if field == "ip" else value
