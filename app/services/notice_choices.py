"""Who wants letters, and when: what somebody chose is kept, and what waits for them follows it."""

from typing import cast

from sqlalchemy import delete, select

from app.actor import Actor
from app.clock import stored_now
from app.extensions import PanelSession, db
from app.models import NoticeChoice, NoticeDomain, NoticeDue, NoticeRefusal
from app.services.notice_times import NEVER


def unsubscribe(owner: str, *, actor: Actor) -> None:  # noqa: ARG001
    """By the link of a letter: as often as it is pressed, with the same end."""
    kind, _colon, name = owner.partition(":")
    with cast(PanelSession, db.session()).begin_writing():
        if kind == "user":
            db.session.merge(NoticeChoice(user_id=int(name), times=NEVER, by="link", chosen_at=stored_now()))
        elif kind == "address":
            db.session.merge(NoticeRefusal(address=name, refused_at=stored_now(), by="link"))
        else:
            for row in db.session.scalars(select(NoticeDomain).where(NoticeDomain.watchers.contains(name))):
                row.watchers = "\n".join(each for each in row.watchers.split("\n") if each.strip() != name)
        db.session.execute(delete(NoticeDue).where(NoticeDue.owner == owner))
        db.session.commit()
