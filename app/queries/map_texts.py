"""What the maps' published texts are made of: which revision each map has, in one cheap question, and its entries in small pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, func, select, true

from app.models.maps import Map, MapEntry
from app.queries.map_history import at_revision
from app.rspamd.map_kinds import MapKind, MapPart

_PAGE = 5000
_KINDS: dict[str, MapKind] = {kind.value: kind for kind in MapKind}
_PARTS: dict[str, MapPart] = {part.value: part for part in MapPart}
_MAP = Map.__table__.c
_ENTRY = MapEntry.__table__.c
_STATE = (_MAP.id, _MAP.name, _MAP.kind, _MAP.enabled, _MAP.revision, _MAP.changed_at, _MAP.symbol, _MAP.score, _MAP.part)
_LINE = (_ENTRY.value, _ENTRY.data, _ENTRY.symbol, _ENTRY.score, _ENTRY.expires_at)


@dataclass(frozen=True, slots=True)
class MapState:
    map_id: int
    name: str
    kind: MapKind
    enabled: bool
    revision: int
    changed_at: datetime
    symbol: str = ""
    score: float = 0.0
    part: MapPart = MapPart.NONE


def map_states(engine: Engine) -> dict[str, MapState]:
    with engine.connect() as connection:
        return {state.name: state for row in connection.execute(select(*_STATE)) if (state := _state(row)) is not None}


def map_state(connection: Connection, name: str) -> MapState | None:
    row = connection.execute(select(*_STATE).where(_MAP.name == name)).one_or_none()
    connection.rollback()
    return _state(row) if row else None


def entry_pages(connection: Connection, state: MapState) -> Iterator[Sequence[Row[Any]]]:
    """The enabled entries of that revision by the bytes of their value, expired ones too. Between two pages no transaction is open:
    an old one would hold up SQLite's checkpoints, and what is read does not change with the moment."""
    last: str | None = None
    while page := _read(connection, _page(state, last)):
        connection.rollback()
        yield page
        last = page[-1].value
        if len(page) < _PAGE:
            return


def _read(connection: Connection, page: Select[Any]) -> Sequence[Row[Any]]:
    """By the index that has the values in their order. PostgreSQL would sort the whole map for each page as long as it has not counted
    what an import has just brought."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.set_config("enable_sort", "off", True), func.set_config("enable_bitmapscan", "off", True)))
    return connection.execute(page).all()


def _page(state: MapState, last: str | None) -> Select[Any]:
    after: ColumnElement[bool] = true() if last is None else _ENTRY.value > last
    there = (_ENTRY.map_id == state.map_id, at_revision(state.revision), _ENTRY.enabled.is_(True))
    return select(*_LINE).where(*there, after).order_by(_ENTRY.value).limit(_PAGE)


def _state(row: Row[Any]) -> MapState | None:
    """None: of a kind that only a later version knows; the other maps go on."""
    kind, part = _KINDS.get(row.kind), _PARTS.get(row.part, MapPart.NONE)
    return MapState(row.id, row.name, kind, bool(row.enabled), row.revision, row.changed_at, row.symbol, row.score, part) if kind else None
