"""Keys of programs: whose they are, and what they may be made for."""

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from app.errors import NotFound
from app.extensions import db
from app.models import AccessKey
from app.queries.people import Reach, roles_to_give
from app.queries.visibility import held_roles
from app.roles import may_be_of_key

_MOST = (1 << 31) - 1  # PostgreSQL takes no larger one


def keys_of(user_id: int) -> Sequence[AccessKey]:
    """The newest first; those that have expired, too."""
    return db.session.scalars(select(AccessKey).where(AccessKey.user_id == user_id).order_by(AccessKey.id.desc())).all()


def own_key(user_id: int, key_id: int) -> AccessKey:
    """NotFound as well for somebody else's."""
    mine = AccessKey.id == min(key_id, _MOST), AccessKey.user_id == user_id
    found = db.session.scalar(select(AccessKey).where(*mine))
    if found is None:
        raise NotFound(_("There is no such key any more."))
    return found


def key_with(digest: str) -> AccessKey | None:
    return db.session.scalar(select(AccessKey).where(AccessKey.digest == digest))


def roles_for_keys(user: Any) -> list[str]:
    """In which a key of this account may act."""
    held = held_roles(user)
    return [role for role in roles_to_give(Reach(everybody=True)) if may_be_of_key(role, held)]
