"""Statistics: what came in a stretch of time, as bars and numbers, and as a file."""

import csv
import io
from datetime import UTC
from typing import Any

from flask import Response, g, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import lazy_gettext as _l

from app.clock import utcnow
from app.errors import BadRequest, NotFound
from app.forms.statistics import STRETCHES, Stretch, asked_fields, read_asked, read_stretch
from app.ids import id_hour, id_time
from app.models import Counted
from app.queries.counts import oldest_id
from app.queries.nodes import known_nodes
from app.queries.reports import Asked, by_name, by_node, by_time, how_far, is_empty
from app.queries.scope import Scope
from app.queries.visibility import scope_of
from app.views.export import cell
from app.views.statistics_page import HEIGHT, WIDTH, chart_of, fill_of, local_hour, log_url, mean_of, shares_of
from app.views.zone import viewer_zone

_MOST = 10
NAMES = {
    "24h": _l("24 hours"),
    "7d": _l("7 days"),
    "30d": _l("30 days"),
    "12m": _l("12 months"),
}
COLUMNS = ("from", "to", "action", "mails", "bytes", "stored", "viruses", "mean_scan_ms")


class StatisticsView(BaseView):
    route_base = "/statistics"
    default_view = "show"

    @expose("/")
    @has_access
    @permission_name("list")
    def show(self) -> Any:
        """What cannot be asked for is said above the usual stretch."""
        scope, now = scope_of(g.user), utcnow()
        try:
            fields = asked_fields(request.args)
            stretch = read_stretch(fields, viewer_zone(), now)
            return self._page(fields, stretch, read_asked(fields, stretch.edges), scope)
        except (BadRequest, NotFound) as error:
            stretch = read_stretch({}, viewer_zone(), now)
            code = 400 if isinstance(error, BadRequest) else 404
            return self._page({}, stretch, Asked(stretch.edges), scope, str(error)), code

    def _page(self, fields: dict[str, str], stretch: Stretch, asked: Asked, scope: Scope, error: str = "") -> Any:
        first = oldest_id()
        oldest = None if first is None else id_hour(first)
        chart = chart_of(by_time(scope, asked), stretch, asked, oldest)
        low, high = stretch.edges[0], stretch.edges[-1]
        kept: dict[str, Any] = {name: text for name, text in fields.items() if name not in ("stretch", "from", "to")}
        state = how_far()
        return self.render_template(
            "statistics/show.html",
            title=_l("Statistics"),
            error=error,
            fields=fields,
            stretch=stretch,
            stretches=[(name, NAMES[name], url_for("StatisticsView.show", stretch=name, **kept)) for name in STRETCHES],
            chart=chart,
            shares=shares_of(chart.total, chart.by_action),
            mean=mean_of(chart.total),
            size=(WIDTH, HEIGHT),
            fill=fill_of,
            tops=self._tops(scope, asked) if chart.total.mails else [],
            nodes=by_node(scope, asked, _MOST) if chart.total.mails else [],
            known=[node.name for node in known_nodes()],
            domains=scope.domains,
            sees_all=scope.everything,
            has_none=is_empty(scope),
            state=state,
            counted_from=None if state is None or not state.counted_from else local_hour(state.counted_from, UTC),
            log_from=id_time(first) if first is not None and chart.is_cut else None,
            url=lambda **more: log_url(asked, low, high, oldest, **more),
        )

    def _tops(self, scope: Scope, asked: Asked) -> list[tuple[str, Any]]:
        if asked.domain:
            return []
        kinds = (Counted.TO, Counted.FROM, Counted.VIRUS) if scope.everything else (Counted.TO,)
        return [(kind.value, found) for kind in kinds if (found := by_name(scope, asked, kind, _MOST))]

    @expose("/export")
    @has_access
    @permission_name("list")
    def export(self) -> Response:
        """A line for each bar and action; times are UTC."""
        fields = asked_fields(request.args)
        stretch = read_stretch(fields, viewer_zone(), utcnow())
        bars = by_time(scope_of(g.user), read_asked(fields, stretch.edges))
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        writer.writerow(COLUMNS)
        for bar in bars:
            ends = (local_hour(bar.low, UTC).isoformat(), local_hour(bar.high, UTC).isoformat())
            for action, found in sorted(bar.actions.items()):
                mean = mean_of(found)
                values = (found.mails, found.bytes, found.stored, found.viruses, "" if mean is None else round(mean, 1))
                writer.writerow([*ends, cell(action), *values])
        response = Response(buffer.getvalue(), mimetype="text/csv")
        response.headers["Content-Disposition"] = f"attachment; filename=statistics-{utcnow():%Y%m%d-%H%M%S}.csv"
        return response
