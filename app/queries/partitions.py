"""The partitions of the tables of mails, which MariaDB can have: a day or a month each, by the id, which is the time."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, column, func, select, table, text

from app.extensions import db
from app.ids import MAX_ID
from app.models import BulkRun, Decision, Deletion, Fate, LegalHold, Mail, MailDetail, MailRecipient, MailRequest, Release, ReleaseState
from app.models.bulk import UNDER_WAY
from app.queries.releases import under_way

REST = "p_rest"
"""The last one: of mails whose time has no partition yet."""
KEYS: dict[Any, str] = {Mail: "id", MailDetail: "mail_id", MailRecipient: "mail_id"}
IDENTITIES = table("mail_identity", column("identity"), column("mail_id"))
ASKED: tuple[Any, ...] = (Deletion, Release, MailRequest, BulkRun, LegalHold)
"""What says whether a mail has to stay."""


@dataclass(frozen=True, slots=True)
class Partition:
    name: str
    low: int
    high: int


def can_be() -> bool:
    return db.engine.dialect.name in ("mysql", "mariadb")


def is_cluster() -> bool:
    """Galera: a lock on a table holds on one of its nodes only."""
    return can_be() and db.session.execute(text("SHOW GLOBAL VARIABLES LIKE 'wsrep_on'")).tuples().all() == [("wsrep_on", "ON")]


def partitions(model: Any = Mail) -> list[Partition]:
    """The oldest first; none where the table has none."""
    if not can_be():
        return []
    found = "SELECT partition_name, partition_description FROM information_schema.partitions"
    ours = "table_schema = DATABASE() AND table_name = :name AND partition_name IS NOT NULL ORDER BY partition_ordinal_position"
    rows = db.session.execute(text(f"{found} WHERE {ours}"), {"name": model.__tablename__}).all()
    low, all_of_them = 0, []
    for name, below in rows:
        high = MAX_ID if below == "MAXVALUE" else int(below)
        all_of_them.append(Partition(name, low, high))
        low = high
    return all_of_them


def sizes() -> dict[str, tuple[int, int]]:
    """Rows and bytes of each table, as the database guesses them."""
    ours = "table_schema = DATABASE() AND table_name = :name"
    query = f"SELECT table_rows, data_length + index_length FROM information_schema.tables WHERE {ours}"  # noqa: S608 - our words
    names = [model.__tablename__ for model in KEYS]
    return {name: tuple(map(int, db.session.execute(text(query), {"name": name}).one())) for name in names}  # type: ignore[misc]


def bounds() -> tuple[int, int]:
    """The oldest mail and the newest."""
    oldest, newest = db.session.execute(select(func.min(Mail.id), func.max(Mail.id))).one()
    return oldest or 0, newest or 0


def look_of(connection: Connection, low: int, high: int) -> tuple[Any, ...]:
    """Two looks that are alike: no mail has come, gone or been released in between, and no hold has begun."""
    within = (Mail.id >= low, Mail.id < high)
    count = connection.scalar(select(func.count()).select_from(Mail).where(*within))
    released = connection.scalar(select(func.count()).select_from(Mail).where(*within, Mail.release_state == ReleaseState.RELEASED.value))
    holds = connection.scalars(select(LegalHold.id).where(LegalHold.lifted_at.is_(None)).order_by(LegalHold.id)).all()
    return count, released, tuple(holds)


def is_any_at_work(connection: Connection, low: int, high: int) -> bool:
    """Something is being done with one of these mails. An act on many mails may be about any."""
    waiting: Sequence[Select[Any]] = (
        select(Deletion.id).where(Deletion.mail_id >= low, Deletion.mail_id < high, Deletion.state == Fate.WAITING.value),
        select(Release.id).where(Release.mail_id >= low, Release.mail_id < high, under_way()),
        select(MailRequest.id).where(MailRequest.mail_id >= low, MailRequest.mail_id < high, MailRequest.state == Decision.OPEN.value),
        select(BulkRun.id).where(BulkRun.state.in_(UNDER_WAY)),
    )
    return any(connection.scalar(query.limit(1)) is not None for query in waiting)


def mails_between(low: int, high: int, limit: int) -> Sequence[int]:
    return db.session.scalars(select(Mail.id).where(Mail.id >= low, Mail.id < high).limit(limit)).all()


def still_told(mail_id: Any, low: int, high: int, there: Collection[int], limit: int) -> Sequence[int]:
    """Mails between these ids that the column speaks of, but those that are `there`."""
    query = select(mail_id).distinct().where(mail_id >= low, mail_id < high, mail_id.not_in(there))
    return db.session.scalars(query.order_by(mail_id).limit(limit)).all()
