"""The audit trail: appending to its chain, and looking whether the chain is whole."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from flask import current_app
from sqlalchemy import Connection, Row, select
from sqlalchemy.event import listens_for

from app.actor import Actor
from app.clock import stored_now
from app.extensions import PanelSession, db
from app.models.audit import NOTHING_BEFORE, AuditEvent, AuditHead, Verb, as_json, digest_of

_AT_ONCE = 1000
_FURTHEST = 1 << 63
_TABLE = AuditEvent.__table__
Values = Mapping[str, Any] | None


def record(
    actor: Actor, verb: Verb, kind: str, target_id: str | int, *, before: Values = None, after: Values = None, reason: str = ""
) -> AuditEvent:
    """Joins the transaction of whoever calls: what is done and its event are both there, or neither. Others that append wait for its
    end, so it comes last."""
    head = _locked_head()
    event = AuditEvent(
        id=head.last_id + 1,
        at=stored_now(),
        actor=_text(actor.name, 100),
        user_id=actor.user_id,
        on_behalf_of=_text(actor.on_behalf_of, 100),
        ip=_text(actor.ip, 45),
        verb=verb.value,
        target_kind=_text(kind, 20),
        target_id=_text(str(target_id), 64),
        reason=_text(reason, 1000),
        before=_json(before),
        after=_json(after),
        previous=head.last_digest,
    )
    event.digest = digest_of(event)
    head.last_id, head.last_digest = event.id, event.digest
    db.session.add(event)
    if "mailkeep_syslog" in current_app.extensions:
        db.session.info.setdefault("audited", []).append(as_json(event))
    return event


def recorded(actor: Actor, verb: Verb, kind: str, target_id: str | int, **more: Any) -> int:
    """For what writes nothing else: commits by itself. Gives the event's id."""
    with cast(PanelSession, db.session()).begin_writing():
        found = record(actor, verb, kind, target_id, **more).id
        db.session.commit()
    return found


def _locked_head() -> AuditHead:
    """What the caller has changed so far is flushed when he wants it to be, not here."""
    for changed in db.session.dirty:
        if isinstance(changed, AuditHead):
            return changed
    with db.session.no_autoflush:
        return db.session.scalars(select(AuditHead).with_for_update().execution_options(populate_existing=True)).one()


@listens_for(PanelSession, "after_commit")
def _send(session: PanelSession) -> None:
    for line in session.info.pop("audited", ()):
        current_app.extensions["mailkeep_syslog"].send(line)


@listens_for(PanelSession, "after_rollback")
def _forget(session: PanelSession) -> None:
    session.info.pop("audited", None)


def verify() -> int | None:
    """The id of the first event that is not as it was written, is missing, or was put in; None where the chain is whole."""
    last_id, last_digest = 0, NOTHING_BEFORE
    with db.engine.connect() as connection:
        head = _head(connection)
        rows = _rows(connection, -_FURTHEST)
        while True:
            for row in rows:
                if row.id != last_id + 1:
                    return min(int(row.id), last_id + 1)
                if row.previous != last_digest or row.digest != digest_of(row):
                    return int(row.id)
                last_id, last_digest = row.id, row.digest
            rows = _rows(connection, last_id)
            if rows:
                continue
            if head == (last_id, last_digest):
                return None
            if head[0] >= last_id:  # it was read before the rows, so they have to be there
                return last_id + (head[0] > last_id)
            head, older = _head(connection), head
            if head == older:  # nothing was appended meanwhile: what is beyond it was put in
                return older[0] + 1


def _head(connection: Connection) -> tuple[int, str]:
    found = connection.execute(select(AuditHead.last_id, AuditHead.last_digest)).one_or_none()
    connection.rollback()
    return (0, "") if found is None else (found.last_id, found.last_digest)


def _rows(connection: Connection, after: int) -> Sequence[Row[Any]]:
    rows = connection.execute(select(_TABLE).where(_TABLE.c.id > after).order_by(_TABLE.c.id).limit(_AT_ONCE)).all()
    connection.rollback()
    return rows


def _text(text: str, length: int) -> str:
    """As every database keeps it."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()[:length]


def _json(values: Values) -> str:
    return "" if values is None else _text(json.dumps(values, ensure_ascii=False, sort_keys=True, default=str), 1 << 20)
