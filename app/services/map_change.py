"""One change of a map: under its lock, with a number, told in its history and in the audit trail; or nothing at all."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, insert, literal, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from app.actor import Actor
from app.clock import stored_now
from app.errors import BadRequest, Conflict, NotFound, Unavailable
from app.extensions import PanelSession, db
from app.mime.text import one_line
from app.models import Map, MapEntry, MapRevision, RevisionVerb, Verb
from app.models.maps import ALIVE
from app.rspamd.map_kinds import COMMENT_LENGTH
from app.rspamd.map_values import Value
from app.services.audit import record
from app.services.personal import book_of
from app.services.statements import insert_many
from app.services.tries import is_busy

_TABLE = MapEntry.__table__
_COPIED = ("value", "data", "symbol", "score", "sender", "rcpt", "rcpt_domain", "comment", "enabled", "expires_at")
_MADE = ("owner_id", "made_by", "made_at")
TOLD = 20
"""So many values stand in the audit event of one change."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an entry is to be."""

    value: Value
    comment: str = ""
    enabled: bool = True
    expires_at: datetime | None = None

    def row(self) -> Row:
        value = self.value
        if len(self.comment) > COMMENT_LENGTH:
            raise BadRequest(_("A comment has at most %(count)s characters.", count=COMMENT_LENGTH))
        return {
            "value": value.text,
            "data": value.data,
            "symbol": value.symbol,
            "score": value.score,
            "sender": value.sender,
            "rcpt": value.rcpt,
            "rcpt_domain": value.rcpt.rpartition("@")[2],
            "comment": one_line(" ".join(self.comment.split())),
            "enabled": self.enabled,
            "expires_at": self.expires_at,
        }


@dataclass(slots=True)
class Change:
    """What is done in one transaction. `map` is locked, `number` is the revision that comes of it."""

    map: Map
    number: int
    actor: Actor
    verb: RevisionVerb
    added: int = 0
    removed: int = 0
    note: dict[str, Any] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    now: datetime = field(default_factory=stored_now)

    def tell(self, *values: str) -> None:
        self.told += values[: TOLD - len(self.told)] if len(self.told) < TOLD else ()

    def end(self, *conditions: ColumnElement[bool]) -> int:
        """Entries that are there: no more from this revision on."""
        here = (_TABLE.c.map_id == self.map.id, _TABLE.c.until == ALIVE, *conditions)
        ended = db.session.execute(update(_TABLE).where(*here).values(until=self.number))
        self.removed += ended.rowcount  # type: ignore[attr-defined]
        return int(ended.rowcount)  # type: ignore[attr-defined]

    def put(self, rows: Sequence[Row], owner_id: int | None = None) -> None:
        """New entries."""
        self.insert(rows, owner_id=owner_id, made_by=self.actor.name, made_at=self.now)

    def insert(self, rows: Sequence[Row], **of_all: Any) -> None:
        of_all |= {"map_id": self.map.id, "since": self.number, "until": ALIVE, "changed_at": self.now}
        if rows:
            insert_many(db.session.connection(), _TABLE, rows, of_all)
            self.added += len(rows)

    def put_again(self, *conditions: ColumnElement[bool], source: int | None = None, **changes: Any) -> int:
        """Rows of the past, or of another map, once more, with these columns changed; ended ones of this change as well."""
        fixed: Mapping[str, Any] = {"map_id": self.map.id, "since": self.number, "until": ALIVE, "changed_at": self.now} | changes
        kept = [name for name in (*_COPIED, *_MADE) if name not in fixed]
        values = [literal(value, _TABLE.c[name].type).label(name) for name, value in fixed.items()]
        there = _TABLE.c.map_id == (self.map.id if source is None else source)
        query = select(*(_TABLE.c[name] for name in kept), *values).where(there, *conditions)
        statement = insert(_TABLE).from_select([*kept, *fixed], query)
        copied = db.session.execute(statement, execution_options={"preserve_rowcount": True})
        self.added += copied.rowcount  # type: ignore[attr-defined]
        return int(copied.rowcount)  # type: ignore[attr-defined]

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.removed or self.note)


@contextmanager
def changing(map_id: int, verb: RevisionVerb, *, actor: Actor) -> Iterator[Change]:
    """Commits at its end; without a trace where nothing was changed."""
    with writing() as session:
        change = Change(locked(map_id), 0, actor, verb)
        change.number = change.map.revision + 1
        yield change
        if change.is_empty:
            session.rollback()
            return
        _conclude(change)
        personal = change.map.is_personal
        session.commit()
        if personal:
            book_of(db.engine).forget()


@contextmanager
def writing() -> Iterator[PanelSession]:
    """A transaction; Conflict or Unavailable where others are in its way."""
    session = cast(PanelSession, db.session())
    try:
        with session.begin_writing():
            yield session
    except IntegrityError:  # somebody was faster where no lock holds: a name, a value
        session.rollback()
        raise Conflict(_("Somebody else changed this at the same moment; look at it again.")) from None
    except OperationalError as error:
        session.rollback()
        if is_busy(error):
            raise Unavailable(_("Somebody else is changing this map just now; try again in a moment.")) from None
        raise


def locked(map_id: int) -> Map:
    found = db.session.scalar(select(Map).where(Map.id == map_id).with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise NotFound(_("There is no such map."))
    return found


def _conclude(change: Change) -> None:
    found, actor = change.map, change.actor
    found.revision, found.changed_at = change.number, change.now
    counts = {"added": change.added, "removed": change.removed}
    db.session.add(
        MapRevision(
            map_id=found.id,
            number=change.number,
            at=change.now,
            actor=actor.name[:100],
            on_behalf_of=actor.on_behalf_of[:100],
            verb=change.verb.value,
            note=json.dumps(change.note, ensure_ascii=False, default=str) if change.note else "",
            **counts,
        )
    )
    db.session.flush()
    told = {"revision": change.number, "what": change.verb.value} | counts | ({"values": change.told} if change.told else {}) | change.note
    record(actor, Verb.MAP_ENTRIES if change.added or change.removed else Verb.MAP_CHANGED, "map", found.name, after=told)
