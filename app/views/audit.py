"""The audit trail: who did what, newest first, searched, and as lines of JSON."""

from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, current_app, g, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.clock import utcnow
from app.errors import BadRequest, NotAllowed
from app.forms.audit import VERBS, asked_fields, read_audit_search
from app.models import Verb
from app.models.audit import as_json
from app.queries.audit import AuditPage, AuditSearch, page_of, pages_of
from app.queries.visibility import sees_all
from app.security.actor import actor
from app.services.audit import recorded
from app.views.mail_search import asked_key, asked_size
from app.views.zone import viewer_zone


class AuditView(BaseView):
    route_base = "/audit"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        """What cannot be searched for is said above an empty list, with the search as it was typed."""
        _refuse_limited_scopes()
        fields = asked_fields(request.args)
        try:
            search = read_audit_search(fields, viewer_zone())
            return self._page(fields, page_of(search, asked_size(), asked_key("before"), current_app.config["SEARCH_SECONDS"]))
        except BadRequest as error:
            return self._page(fields, AuditPage([]), str(error)), 400

    def _page(self, fields: dict[str, str], page: AuditPage, error: str = "") -> Any:
        size = request.args.get("size")
        return self.render_template(
            "audit/list.html", title=_l("Audit trail"), fields=fields, page=page, error=error, verbs=VERBS, size=size, searched=bool(fields)
        )

    @expose("/export")
    @has_access
    @permission_name("list")
    def export(self) -> Response:
        """Newest first, all that the search finds."""
        _refuse_limited_scopes()
        fields = asked_fields(request.args)
        search = read_audit_search(fields, viewer_zone())
        recorded(actor(), Verb.AUDIT_EXPORTED, "audit", "", after=fields)
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        response = Response(_lines(app, search), mimetype="application/x-ndjson")
        response.headers["Content-Disposition"] = f"attachment; filename=audit-{utcnow():%Y%m%d-%H%M%S}.jsonl"
        return response


def _refuse_limited_scopes() -> None:
    """Events name mails of everybody: a permission alone, in a role of the site's own, opens nothing."""
    if not sees_all(g.user):
        raise NotAllowed(_("Only who may see all mail may see who did what."))


def _lines(app: Flask, search: AuditSearch) -> Iterator[str]:
    """No context is held while the client reads."""
    with app.app_context():
        pages = pages_of(search, app.config["SEARCH_SECONDS"] * 4)
    while True:
        with app.app_context():
            page = next(pages, None)
        if page is None:
            return
        yield "".join(as_json(event) + "\n" for event in page)
