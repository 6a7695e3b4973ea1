"""Keeping a search under a name, and letting it go."""

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.actor import Actor
from app.clock import stored_now
from app.errors import BadRequest, Conflict
from app.extensions import db
from app.models import SavedSearch, Verb
from app.queries.searches import own_search
from app.services.audit import record

MOST_PER_USER = 100
_NAME_LENGTH = 100


def save_search(user_id: int, name: str, query: str, *, shared: bool, actor: Actor) -> SavedSearch:
    """The same name again replaces what it stood for."""
    name = name.strip()
    if not 1 <= len(name) <= _NAME_LENGTH or not name.isprintable():
        raise BadRequest(_("A search needs a name of 1 to 100 characters."))
    found = db.session.scalar(select(SavedSearch).where(SavedSearch.user_id == user_id, SavedSearch.name == name))
    if found is None:
        if _count(user_id) >= MOST_PER_USER:
            raise Conflict(_("You keep as many searches as one can; delete one first."))
        found = SavedSearch(user_id=user_id, name=name, created_at=stored_now())
        db.session.add(found)
    before = {"name": name, "query": found.query} if found.shared else None
    found.query, found.shared = query, shared
    try:
        db.session.flush()
        if shared or before:
            verb = Verb.SEARCH_SHARED if shared else Verb.SEARCH_UNSHARED
            record(actor, verb, "search", found.id, before=before, after={"name": name, "query": query})
        db.session.commit()
    except IntegrityError:  # the same name, at the same moment, in another window
        db.session.rollback()
        raise Conflict(_("That name was just given to another search; try again.")) from None
    return found


def delete_search(user_id: int, search_id: int, *, actor: Actor) -> None:
    found = own_search(user_id, search_id)
    before = {"name": found.name, "query": found.query, "shared": found.shared}
    db.session.delete(found)
    record(actor, Verb.SEARCH_DELETED, "search", search_id, before=before)
    db.session.commit()


def _count(user_id: int) -> int:
    return db.session.scalar(select(func.count()).select_from(SavedSearch).where(SavedSearch.user_id == user_id)) or 0
