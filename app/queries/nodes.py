"""The nodes as they are known, and what each said of itself last."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, select

from app.errors import NotFound
from app.extensions import db
from app.ids import MAX_NODE, first_id_at
from app.models import Mail, Node


def known_nodes() -> Sequence[Node]:
    return db.session.scalars(select(Node).order_by(Node.name)).all()


def node_called(name: str) -> Node | None:
    return db.session.scalar(select(Node).where(Node.name == name))


def node_numbered(number: int) -> Node:
    node = db.session.get(Node, number) if number <= MAX_NODE else None
    if node is None:
        raise NotFound(_("There is no such node."))
    return node


def newest_mails(since: datetime) -> dict[str, int]:
    """By node the id of the last mail since then; asked for little time, as no index has it."""
    query = select(Mail.node, func.max(Mail.id)).where(Mail.id >= first_id_at(since)).group_by(Mail.node)
    return dict(db.session.execute(query).tuples().all())
