"""The one data access under all FAB views: counts that stop, pages that do not skip, only the columns that are shown."""

from typing import Any

from flask import current_app
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy import Integer, func, select
from sqlalchemy.orm import load_only

from app.views.filters import FilterConverter

_MAX_RELATED = 200


class ScopedInterface(SQLAInterface):
    filter_converter_class = FilterConverter

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
