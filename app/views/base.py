"""The one base of our list and edit screens. FAB's own ModelView leaks across scopes and fails on odd parameters; this does not."""

import copy
import re
from typing import Any

from flask import abort, current_app, g, has_request_context, request
from flask_appbuilder import ModelView, expose
from flask_appbuilder.security.decorators import has_access
from flask_appbuilder.urltools import get_order_args
from flask_babel import gettext as _

from app.views.datamodel import ScopedInterface

_FILTER = re.compile(r"_flt_(\d)_(.+)")
_RELATION_LISTS = (
    ("list", "search_columns", "search_form_query_rel_fields"),
    ("add", "add_columns", "add_form_query_rel_fields"),
    ("edit", "edit_columns", "edit_form_query_rel_fields"),
)


class SafeView:
    """What every ModelView of ours, and FAB's account screens too, are mixed with."""

    open_relations: frozenset[str] = frozenset()
    """Relations whose every row may be offered in a drop-down; any other needs a *_query_rel_fields filter."""

    def __init__(self, **kwargs: Any) -> None:
        name = type(self).__name__
        if type(self).base_filters is None:  # type: ignore[attr-defined]
            raise TypeError(f"{name} says nothing of who sees what: set base_filters ([] where all rows are meant)")
        if type(self).include_route_methods is None:  # type: ignore[attr-defined]
            raise TypeError(f"{name} opens every route: set include_route_methods")
        if not isinstance(getattr(self, "datamodel", None) or kwargs.get("datamodel"), ScopedInterface):
            raise TypeError(f"{name} needs a ScopedInterface as its datamodel")
        super().__init__(**kwargs)
        for route, columns, rules in _RELATION_LISTS:
            for column in getattr(self, columns) if route in type(self).include_route_methods else ():  # type: ignore[attr-defined]
                guarded = column in self.open_relations or column in (getattr(self, rules) or {})
                if self.datamodel.is_relation(column) and not guarded:  # type: ignore[attr-defined]
                    raise TypeError(f"{name}.{columns}: relation {column} would offer every row: name it in {rules} or open_relations")

    # --- one set of filters a request: FAB shares one between all threads ---------------------------------------------------

    @property
    def _filters(self) -> Any:
        template = self.__dict__.get("_filters_template")
        if template is None or not has_request_context():
            return template
        mine = g.setdefault("_view_filters", {})
        if id(self) not in mine:
            mine[id(self)] = copy.copy(template)
            mine[id(self)].clear_filters()
        return mine[id(self)]

    @_filters.setter
    def _filters(self, value: Any) -> None:
        self.__dict__["_filters_template"] = value

    # --- parameters are checked before FAB reads them ---------------------------------------------------------------------

    def check_parameters(self) -> None:
        """400 for a page, size, order or filter that this view does not offer."""
        limit = current_app.config["MAX_PAGE_SIZE"]
        for name, value in request.args.items(multi=True):
            if name.startswith(("page_", "psize_")):
                if not (value.isascii() and value.isdigit() and len(value) < 7):
                    abort(400, _("%(name)s is no page number.", name=name))
                if name.startswith("psize_") and not 1 <= int(value) <= limit:
                    abort(400, _("A page has 1 to %(most)s rows.", most=limit))
                if name.startswith("page_") and int(value) * limit > current_app.config["COUNT_CAP"]:
                    abort(400, _("That page is too far back; search instead."))
            if name.startswith("_flt_"):
                self._check_filter(name)
        order = get_order_args().get(type(self).__name__)
        if order and order[0] not in self.order_columns:  # type: ignore[attr-defined]
            abort(400, _("This list has no such order."))

    def _check_filter(self, name: str) -> None:
        match = _FILTER.fullmatch(name)
        offered = self._filters.get_search_filters().get(match[2], []) if match else []
        if not match or int(match[1]) >= len(offered):
            abort(400, _("There is no filter %(name)s.", name=name[:80]))

    def _list(self, **kwargs: Any) -> Any:
        self.check_parameters()
        return super()._list(**kwargs)  # type: ignore[misc]

    def _show(self, pk: Any) -> Any:
        self.check_parameters()
        return super()._show(pk)  # type: ignore[misc]

    def _add(self) -> Any:
        self.check_parameters()
        return super()._add()  # type: ignore[misc]

    def _edit(self, pk: Any) -> Any:
        self.check_parameters()
        return super()._edit(pk)  # type: ignore[misc]

    # --- actions keep to the scope, and need a POST -----------------------------------------------------------------------

    @expose("/action/<string:name>/<pk>", methods=["POST"])
    def action(self, name: str, pk: str) -> Any:
        return self._act(name, [pk], single=True)

    @expose("/action_post", methods=["POST"])
    def action_post(self) -> Any:
        return self._act(request.form.get("action", ""), request.form.getlist("rowid"), single=False)

    @expose("/delete/<pk>", methods=["POST"])
    @has_access
    def delete(self, pk: str) -> Any:
        """FAB answers a GET, too, and leaves a message for the next page."""
        self._delete(pk)  # type: ignore[attr-defined]
        return self.post_delete_redirect()  # type: ignore[attr-defined]

    def _act(self, name: str, keys: list[str], *, single: bool) -> Any:
        action = self.actions.get(name)  # type: ignore[attr-defined]
        if action is None:
            abort(404)
        allowed = self.get_action_permission_name(name)  # type: ignore[attr-defined]
        if not self.appbuilder.sm.has_access(allowed, self.class_permission_name):  # type: ignore[attr-defined]
            abort(403)
        if not 1 <= len(keys) <= current_app.config["MAX_PAGE_SIZE"]:
            abort(400, _("Choose some rows, and no more than a page has."))
        items = [self.datamodel.get(key, self._base_filters) for key in keys]  # type: ignore[attr-defined]
        if any(item is None for item in items):
            abort(404)
        return action.func(items[0] if single else items)

    @expose("/download/<string:filename>")
    def download(self, filename: str) -> Any:  # noqa: ARG002
        """FAB would hand out any uploaded file to whoever may see the list."""
        abort(404)

    # --- related lists only for those who may open them -------------------------------------------------------------------

    def _get_related_views_widgets(self, item: Any, *args: Any, **kwargs: Any) -> Any:
        shown = self._related_views  # type: ignore[attr-defined]
        sm = self.appbuilder.sm  # type: ignore[attr-defined]
        widgets = super()._get_related_views_widgets(item, *args, **kwargs)  # type: ignore[misc]
        widgets["related_views"] = [
            widget if sm.has_access("can_list", view.class_permission_name) else _nothing
            for view, widget in zip(shown, widgets["related_views"], strict=True)
        ]
        return widgets


def _nothing(**_: Any) -> str:
    return ""


class ScopedModelView(SafeView, ModelView):
    """FAB's ModelView as it should be."""

    base_filters: Any = None
