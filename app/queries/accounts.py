"""Whose own an address is: asked by the indexes of both tables, with the same answer on each database."""

from collections.abc import Callable, Collection, Iterable
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, Executable, LargeBinary, cast, func, or_, select, union_all

from app.clock import monotonic
from app.extensions import db
from app.models import UserAddress
from app.models.people import User
from app.queries.bounded import Deadline, fetch
from app.queries.pieces import pieces

_FRESH_SECONDS = 5.0
Ask = Callable[[Executable], Iterable[Any]]
Owned = dict[str, frozenset[int]]
"""By address the accounts that have it as their main or a further one; nothing where it is nobody's."""


def accounts_of(addresses: Collection[str]) -> Owned:
    return _owned(db.engine, addresses, db.session.execute)


def accounts_by(connection: Connection, addresses: Collection[str], deadline: Deadline) -> Owned:
    """For who knows no session. TooSlow where the time is over."""
    return _owned(connection.engine, addresses, lambda query: fetch(connection, query, deadline.left()))


def _owned(engine: Engine, addresses: Collection[str], ask: Ask) -> Owned:
    odd = _odd(engine, ask) if addresses else {}
    found: dict[str, set[int]] = {address: set(odd[address]) for address in addresses if address in odd}
    for piece in pieces(addresses):
        further = select(UserAddress.address, UserAddress.user_id).where(UserAddress.address.in_(piece))
        both = union_all(further, select(User.email, User.id).where(User.email.in_(piece)))
        wanted = set(piece)
        for text, number in ask(both):
            if (address := _plain(text)) in wanted:  # MariaDB finds what only looks alike, too
                found.setdefault(address, set()).add(number)
    return {address: frozenset(numbers) for address, numbers in found.items()}


def _plain(email: str) -> str:
    return email.strip().lower()


# --- what an index of the column does not find --------------------------------------------------------------------------------

_known: WeakKeyDictionary[Engine, tuple[float, dict[str, set[int]]]] = WeakKeyDictionary()


def _odd(engine: Engine, ask: Ask) -> dict[str, set[int]]:
    """Main addresses with a capital, or beyond ASCII, where a database may know no capitals: few, as ours are made, and asked for now and
    then only."""
    read_at, found = _known.get(engine, (-_FRESH_SECONDS, {}))
    if monotonic() - read_at < _FRESH_SECONDS:
        return found
    trimmed: Any = func.trim(User.email)
    odd: Any = func.length(trimmed) != func.length(User.email)
    if engine.dialect.name != "mysql":  # its index finds upper case for lower
        odd = or_(func.lower(trimmed) != User.email, func.length(cast(User.email, LargeBinary)) != func.length(User.email))
    found = {}
    for email, number in ask(select(User.email, User.id).where(odd)):
        found.setdefault(_plain(email), set()).add(number)
    _known[engine] = (monotonic(), found)
    return found
