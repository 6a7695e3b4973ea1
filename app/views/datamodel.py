"""The one data access under all FAB views: counts that stop, pages that do not skip, only the columns that are shown."""

from dataclasses import dataclass
from typing import Any

from flask import current_app
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy import Integer, func, select
from sqlalchemy.orm import load_only

from app.models.base import IpAddress
from app.views.filters import FilterConverter

# Columns that ingest writes in lower case.
_LOWER = {"mail_from", "mail_from_domain", "mime_from", "mime_from_domain", "action"}
_MAX_RELATED = 200


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Any]
    count: int
    """Never more than COUNT_CAP + 1, which stands for "more than COUNT_CAP"."""
    newer: int | None
    """`after` of the page of newer rows, or None where there is none."""
    older: int | None


class ScopedInterface(SQLAInterface):
    filter_converter_class = FilterConverter

    def is_ip(self, column: str) -> bool:
        return isinstance(self._type(column), IpAddress)

    def is_lower(self, column: str) -> bool:
        return self._type(column) is not None and column in _LOWER

    def is_recipient(self, column: str) -> bool:
        return self._type(column) is not None and column == "first_rcpt"

    def is_column(self, column: str) -> bool:
        return self._type(column) is not None

    def _type(self, column: str) -> Any:
        found = self.list_columns.get(column)
        return None if found is None else found.type

    # --- counting and paging ----------------------------------------------------------------------------------------------

    def query_count(self, query: Any, filters: Any = None, select_columns: Any = None) -> int:  # noqa: ARG002 - FAB's signature
        """Stops at COUNT_CAP + 1, on every database."""
        cap = current_app.config["COUNT_CAP"]
        keys = self.apply_filters(query, filters).with_entities(*self._keys()).order_by(None).limit(cap + 1).subquery()
        return int(self.session.execute(select(func.count()).select_from(keys)).scalar_one())

    def query(
        self,
        filters: Any = None,
        order_column: str = "",
        order_direction: str = "",
        page: int | None = None,
        page_size: int | None = None,
        select_columns: list[str] | None = None,
        outer_default_load: bool = False,  # noqa: ARG002 - FAB's signature
    ) -> tuple[int, list[Any]]:
        """FAB's own pages, for tables of people's size; without a size (drop-downs) a bounded number."""
        base = self.session.query(self.obj)
        count = self.query_count(base, filters) if page_size else 0
        size = min(page_size or _MAX_RELATED, current_app.config["MAX_PAGE_SIZE"])
        query = self._columns_only(self.apply_filters(base, filters), select_columns)
        query = self.apply_order_by(query, order_column, order_direction, add_pk=True)
        rows = self.apply_pagination(query, page, size).all()
        return count or len(rows), rows

    def keyset_page(self, filters: Any, size: int, columns: list[str], before: int | None, after: int | None) -> Page:
        """Newest first by primary key; no OFFSET, so the last page costs what the first does."""
        key = self._keys()[0]
        base = self.apply_filters(self.session.query(self.obj), filters)
        query = self._columns_only(base, columns)
        if after is not None:
            rows = query.filter(key > after).order_by(key.asc()).limit(size + 1).all()
            more_newer, more_older = len(rows) > size, True
            rows = rows[:size][::-1]
        else:
            query = query if before is None else query.filter(key < before)
            rows = query.order_by(key.desc()).limit(size + 1).all()
            more_newer, more_older = before is not None, len(rows) > size
            rows = rows[:size]
        first, last = (self.get_pk_value(rows[0]), self.get_pk_value(rows[-1])) if rows else (before, after)
        count = self.query_count(self.session.query(self.obj), filters)
        newer = first - (0 if rows else 1) if more_newer and first is not None else None
        return Page(rows, count, newer, last + (0 if rows else 1) if more_older and last is not None else None)

    def get(self, id: Any, filters: Any = None, select_columns: Any = None, outer_default_load: bool = False) -> Any:  # noqa: A002
        """None as well for an id that no row can have, where FAB would ask the database and fail."""
        if isinstance(self._type(self.get_pk_name()), Integer):
            text = str(id)
            if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) >= 1 << 63:
                return None
            id = int(text)  # noqa: A001
        return super().get(id, filters, select_columns, outer_default_load)

    def _keys(self) -> list[Any]:
        return [getattr(self.obj, column.key) for column in self.obj.__mapper__.primary_key]

    def _columns_only(self, query: Any, columns: list[str] | None) -> Any:
        wanted = [getattr(self.obj, name) for name in columns or () if name in self.list_columns]
        return query.options(load_only(*wanted)) if wanted else query
