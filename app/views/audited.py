"""What FAB's account screens change is an event, in the transaction of the change."""

from typing import Any

from flask import g
from sqlalchemy.exc import SQLAlchemyError

from app.errors import Conflict
from app.models import Verb
from app.security.actor import actor
from app.services.audit import record

_SECRET = {"password", "conf_password"}
Values = dict[str, Any]


class Audited:
    """Mixed into a ModelView. FAB calls these before it commits."""

    audit_kind: str
    audit_verbs: tuple[Verb, Verb, Verb]
    """Added, changed, deleted."""
    audit_name: str
    """The column that tells which one."""

    def pre_add(self, item: Any) -> None:
        super().pre_add(item)  # type: ignore[misc]
        self._record(0, item, None, _values(item, self._shown("add_columns")))

    def process_form(self, form: Any, is_created: bool) -> None:
        """Between the check of the form and the change: the last moment that knows what was before."""
        super().process_form(form, is_created)  # type: ignore[misc]
        if not is_created:
            g.values_before = _values(self.datamodel.get(form._id), self._shown("edit_columns"))  # type: ignore[attr-defined]

    def pre_update(self, item: Any) -> None:
        before: Values = g.values_before
        super().pre_update(item)  # type: ignore[misc]
        after = {name: value for name, value in _values(item, before).items() if value != before[name]}
        if after:
            self._record(1, item, {name: before[name] for name in after}, after)

    def pre_delete(self, item: Any) -> None:
        super().pre_delete(item)  # type: ignore[misc]
        self._record(2, item, _values(item, self._shown("edit_columns")), None)

    def _shown(self, columns: str) -> list[str]:
        return [name for name in getattr(self, columns) if name not in _SECRET]

    def _record(self, verb: int, item: Any, before: Values | None, after: Values | None) -> None:
        try:
            record(actor(), self.audit_verbs[verb], self.audit_kind, getattr(item, self.audit_name), before=before, after=after)
        except SQLAlchemyError:  # FAB shows what it is told: no words of the database
            self.datamodel.session.rollback()  # type: ignore[attr-defined]
            raise Conflict(str(self.database_error_message)) from None  # type: ignore[attr-defined]


def _values(item: Any, columns: Any) -> Values:
    return {name: _plain(getattr(item, name)) for name in columns}


def _plain(value: Any) -> Any:
    if isinstance(value, list | set | tuple):
        return sorted(str(each) for each in value)
    return value if isinstance(value, str | int | bool | None) else str(value)
