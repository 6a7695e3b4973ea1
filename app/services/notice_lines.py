"""What is to be told to whom: lines that wait for a letter, and that are let go where nobody is to be told after all."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, exists, insert, update

from app.extensions import db
from app.models import Mail, NoticeDue, NoticeLine, NoticeState
from app.queries.notices import due_of, owners_told, waiting_mails
from app.services.moves import run

AT_ONCE = 500


def put(lines: Mapping[tuple[int, str], str], due: Mapping[str, datetime]) -> set[int]:
    """Joins a transaction: by mail and owner the address that it came to, and when each is to be told of it. Who waits already gets all
    at the earlier time. Gives the mails that somebody is to be told of; nobody gets a second line of one."""
    ids = {mail_id for mail_id, _owner in lines}
    there = owners_told(ids) if ids else set()
    fresh = [key for key in lines if key not in there]
    if fresh:
        rows = [{"mail_id": mail_id, "owner": owner, "address": lines[mail_id, owner]} for mail_id, owner in fresh]
        db.session.execute(insert(NoticeLine), rows)
    _put_due({owner: due[owner] for _mail_id, owner in fresh})
    return ids


def _put_due(due: Mapping[str, datetime]) -> None:
    """In the order of owners, as everybody does who takes more than one."""
    owners = sorted(due)
    for start in range(0, len(owners), AT_ONCE):
        piece = owners[start : start + AT_ONCE]
        there = due_of(piece)
        for owner in (owner for owner in piece if owner in there and due[owner] < there[owner]):
            run(update(NoticeDue).where(NoticeDue.owner == owner).values(due_at=due[owner]))
        if fresh := [{"owner": owner, "due_at": due[owner]} for owner in piece if owner not in there]:
            db.session.execute(insert(NoticeDue), fresh)


def let_go(owner: str, limit: int = AT_ONCE) -> bool:
    """Joins a transaction: so many of their lines that wait are no more, and mails that nobody else is to be told of say so. Whether there
    may be more of them; at the end they are not due any more."""
    ids = waiting_mails(owner, limit)
    if ids:
        run(delete(NoticeLine).where(NoticeLine.mail_id.in_(ids), NoticeLine.owner == owner, NoticeLine.notice_id.is_(None)))
        settle(ids)
    if len(ids) == limit:
        return True
    run(delete(NoticeDue).where(NoticeDue.owner == owner))
    return False


def settle(ids: Collection[int]) -> None:
    """Of mails that somebody is not told of after all: those without any line are told to nobody."""
    waits = (Mail.id.in_(ids), Mail.notice_state == NoticeState.WAITING.value, ~exists().where(NoticeLine.mail_id == Mail.id))
    run(update(Mail).where(*waits).values(notice_state=NoticeState.SKIPPED.value))


def say_sent(ids: Sequence[int]) -> None:
    waits = (Mail.id.in_(ids), Mail.notice_state.in_((NoticeState.WAITING.value, NoticeState.SKIPPED.value)))
    run(update(Mail).where(*waits).values(notice_state=NoticeState.SENT.value))


def forget_lines(notice_id: int, ids: Sequence[int]) -> None:
    """Of a letter that told nobody of them."""
    run(delete(NoticeLine).where(NoticeLine.notice_id == notice_id, NoticeLine.mail_id.in_(ids)))
    settle(ids)
