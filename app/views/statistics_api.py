"""GET /api/v1/statistics: what was counted, for programs."""

from datetime import UTC
from typing import Any

from flask import Response, g, jsonify, request
from flask_appbuilder.api import expose
from flask_appbuilder.security.decorators import permission_name, protect

from app.clock import utcnow
from app.forms.statistics import asked_fields, read_asked, read_stretch
from app.models import Counted
from app.queries.counts import Sum
from app.queries.reports import by_name, by_node, by_time, how_far, total_of
from app.queries.visibility import scope_of
from app.views.api import OurApi
from app.views.statistics_page import local_hour, mean_of

_MOST = 50


class StatisticsApi(OurApi):
    resource_name = "statistics"
    class_permission_name = "StatisticsView"

    @expose("", methods=["GET"])
    @protect()
    @permission_name("list")
    def statistics(self) -> Response:
        """What came, by the hour, day or month of UTC
        ---
        get:
          parameters:
          - {in: query, name: stretch, schema: {type: string, enum: [24h, 7d, 30d, 12m]}, description: Up to now (7d)}
          - {in: query, name: from, schema: {type: string, format: date}, description: "Instead: from this day"}
          - {in: query, name: to, schema: {type: string, format: date}, description: "to this one: 2 days by the hour, 92 by the day"}
          - {in: query, name: node, schema: {type: string}, description: Only of this node}
          - {in: query, name: direction, schema: {type: string, enum: [in, out]}, description: Only of this direction}
          - {in: query, name: domain, schema: {type: string}, description: "Only to recipients of this domain"}
          responses:
            200:
              description: >-
                `total` and `bars`, with sums by action; `nodes` and `domains` (and for who sees all mail `senders` and `viruses`), the
                busiest first, where `name` is empty for those that are not told apart. `counted_at` says up to when; `counted_from` is
                null once all of the past is counted.
          refusals: [400, 404, 503]
        """
        fields, scope = asked_fields(request.args), scope_of(g.user)
        stretch = read_stretch(fields, UTC, utcnow())
        asked = read_asked(fields, stretch.edges)
        bars, state = by_time(scope, asked), how_far()
        tops: dict[str, list[Any]] = {"nodes": by_node(scope, asked, _MOST)}
        if not asked.domain:
            tops["domains"] = by_name(scope, asked, Counted.TO, _MOST)
            if scope.everything:
                tops |= {"senders": by_name(scope, asked, Counted.FROM, _MOST), "viruses": by_name(scope, asked, Counted.VIRUS, _MOST)}
        return jsonify(
            step=stretch.step,
            total=_sum(total_of(bar.total() for bar in bars)),
            bars=[
                {
                    "from": _at(bar.low),
                    "to": _at(bar.high),
                    "actions": {action: _sum(found) for action, found in sorted(bar.actions.items())},
                }
                for bar in bars
            ],
            counted_at=state.counted_at.replace(tzinfo=UTC).isoformat() if state and state.counted_at else None,
            counted_from=_at(state.counted_from) if state and state.counted_from else None,
            **{name: [_top(each) for each in found] for name, found in tops.items()},
        )


def _sum(found: Sum) -> dict[str, Any]:
    mean = mean_of(found)
    counts = {name: getattr(found, name) for name in ("mails", "bytes", "stored", "viruses")}
    return counts | {"mean_scan_ms": None if mean is None else round(mean, 1)}


def _top(each: Any) -> dict[str, Any]:
    return {name: getattr(each, name) for name in ("name", "mails", "bytes", "viruses", "refused")}


def _at(hour: int) -> str:
    return local_hour(hour, UTC).isoformat()
