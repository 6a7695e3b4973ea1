"""Searches that people keep: their own, and those an admin shares with all."""

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import or_, select

from app.errors import NotFound
from app.extensions import db
from app.models import SavedSearch

_MOST = 200


def searches_of(user_id: int) -> Sequence[SavedSearch]:
    mine = or_(SavedSearch.user_id == user_id, SavedSearch.shared.is_(True))
    return db.session.scalars(select(SavedSearch).where(mine).order_by(SavedSearch.name, SavedSearch.id).limit(_MOST)).all()


def own_search(user_id: int, search_id: int) -> SavedSearch:
    """NotFound for what is not there and for somebody else's, shared or not: only its owner changes it."""
    found = db.session.scalar(select(SavedSearch).where(SavedSearch.id == search_id, SavedSearch.user_id == user_id))
    if found is None:
        raise NotFound(_("There is no such search."))
    return found
