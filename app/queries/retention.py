"""How long a mail and its copy are kept, by the rules of the settings; which are old enough to go, and which something still needs."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, exists, select

from app.extensions import db
from app.ids import first_id_at
from app.models import (
    BulkRun,
    CopyState,
    Decision,
    Deletion,
    Extent,
    Fate,
    Mail,
    MailDetail,
    MailRecipient,
    MailRequest,
    Release,
    ReleaseState,
)
from app.models.bulk import UNDER_WAY
from app.queries.releases import under_way

DEFAULT = "default"
_COLUMNS = (Mail.id, Mail.action, Mail.has_virus, Mail.release_state, Mail.copy_state, Mail.copy_digest, Mail.copy_node)


@dataclass(frozen=True, slots=True)
class Kept:
    """By which rule, and for how long."""

    rule: str
    days: int
    """0: for ever."""

    @property
    def length(self) -> float:
        return self.days or float("inf")


class Rules:
    """Of copies, or of whole mails. Rules say other days than the default; of several for one mail the longest counts."""

    def __init__(self, extent: Extent, config: Mapping[str, Any]) -> None:
        field = "copy" if extent == Extent.COPY else "mail"
        self.extent, self.default = extent, Kept(DEFAULT, config[f"RETENTION_{field.upper()}_DAYS"])
        self._of = {
            (rule.what, rule.value): Kept(rule.name, getattr(rule, field))
            for rule in config["RETENTION_RULES"]
            if getattr(rule, field) is not None
        }
        self.has_domains = any(what == "domain" for what, _ in self._of)

    @property
    def days(self) -> list[int]:
        """After which something may go: the fewest first."""
        return sorted({kept.days for kept in (self.default, *self._of.values()) if kept.days})

    @property
    def digest(self) -> str:
        told = sorted([what, value, kept.days] for (what, value), kept in self._of.items())
        return hashlib.sha256(json.dumps([self.default.days, told]).encode()).hexdigest()[:32]

    def kept(self, mail: Any, domains: Collection[str]) -> Kept:
        """A recipient whose domain has no rule counts as the default does, unless a rule for the mail itself says otherwise."""
        own = [("action", mail.action)]
        own += [("virus", "")] if mail.has_virus else []
        own += [("released", "")] if mail.release_state == ReleaseState.RELEASED else []
        found = [self._of[key] for key in own if key in self._of]
        by_domain = [self._of.get(("domain", domain)) for domain in domains]
        if not found and (None in by_domain or not by_domain):
            found.append(self.default)
        return max((*found, *(kept for kept in by_domain if kept is not None)), key=lambda kept: kept.length)

    def due(self, mail: Any, domains: Collection[str], now: datetime) -> Kept | None:
        """None: it stays."""
        kept = self.kept(mail, domains)
        return kept if kept.days and mail.id < before(kept.days, now) else None


def before(days: int, now: datetime) -> int:
    """Ids below it are older than that."""
    return first_id_at(now - timedelta(days=days))


def aged(extent: Extent, low: int, high: int, limit: int, node: str | None = None) -> Select[Any]:
    """The oldest from `low` on, in the order of ids. `node`: only copies that it holds."""
    query = select(*_COLUMNS).where(Mail.id >= low, Mail.id < high).order_by(Mail.id).limit(limit)
    index = "PRIMARY"
    if extent == Extent.COPY:
        query, index = query.where(Mail.copy_state == CopyState.STORED.value), "ix_mail_copy_state"
    if node is not None:
        query = query.where(Mail.copy_node == node)
    for dialect in ("mysql", "mariadb"):
        query = query.with_hint(Mail, f"FORCE INDEX ({index})", dialect)
    return query


def again(ids: Collection[int]) -> Sequence[Row[Any]]:
    """As they are now, with a lock on each: in the order of ids, as everybody takes more than one."""
    return db.session.execute(select(*_COLUMNS).where(Mail.id.in_(ids)).order_by(Mail.id).with_for_update()).all()


def domains_of_mails(ids: Collection[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for mail_id, domain in db.session.execute(select(MailRecipient.mail_id, MailRecipient.domain).where(MailRecipient.mail_id.in_(ids))):
        found.setdefault(mail_id, set()).add(domain)
    return found


def busy_among(ids: Collection[int]) -> set[int]:
    """Something is being done with them, or somebody waits for an answer."""
    found: set[int] = set()
    waiting: Iterable[Any] = (
        select(Deletion.mail_id).where(Deletion.mail_id.in_(ids), Deletion.state == Fate.WAITING.value),
        select(Release.mail_id).where(Release.mail_id.in_(ids), under_way()),
        select(MailRequest.mail_id).where(MailRequest.mail_id.in_(ids), MailRequest.state == Decision.OPEN.value),
    )
    for query in waiting:
        found |= set(db.session.scalars(query))
    for run in db.session.execute(select(BulkRun.ids, BulkRun.upto).where(BulkRun.state.in_(UNDER_WAY), BulkRun.ids != "")):
        found |= {mail_id for mail_id in set(json.loads(run.ids)) & set(ids) if mail_id < run.upto}
    return found


def is_searched_through() -> bool:
    """An act on all mails that a search finds has not ended: any mail may be one of them."""
    return db.session.scalar(select(BulkRun.id).where(BulkRun.state.in_(UNDER_WAY), BulkRun.ids == "").limit(1)) is not None


def copy_bytes_of(ids: Collection[int]) -> dict[int, int]:
    query = select(MailDetail.mail_id, MailDetail.copy_bytes).where(MailDetail.mail_id.in_(ids))
    return {mail_id: size or 0 for mail_id, size in db.session.execute(query)}


def left_behind(model: Any, done: Any, high: int, limit: int) -> Sequence[int]:
    """What is told of mails that are gone, and so old that nothing can bring them back to stay."""
    gone = ~exists().where(Mail.id == model.mail_id)
    return db.session.scalars(select(model.id).where(model.mail_id < high, done, gone).order_by(model.mail_id).limit(limit)).all()
