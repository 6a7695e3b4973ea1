"""GET /api/v1/nodes: the nodes and how each is, for programs that watch over them."""

from typing import Any

from flask import Response, jsonify
from flask_appbuilder.api import expose
from flask_appbuilder.security.decorators import permission_name, protect

from app.queries.nodes import known_nodes
from app.services.node_look import look
from app.views.api import OurApi
from app.views.node_page import Shown, asked_names, shown


class NodesApi(OurApi):
    resource_name = "nodes"
    class_permission_name = "NodeView"

    @expose("", methods=["GET"])
    @protect()
    @permission_name("list")
    def nodes(self) -> Response:
        """The nodes, each asked how it is
        ---
        get:
          responses:
            200:
              description: >-
                One for each node, by name. `state` is `here`, `answers`, `away` (`why` says why), `alive` or `silent` (by what it last said
                of itself), `posts` (it never said), or `off`. `ahead` is its clock, in seconds.
        """
        known = known_nodes()
        return jsonify(result=[_told(each) for each in shown(known, look(asked_names(known)))])


def _told(each: Shown) -> dict[str, Any]:
    node = each.node
    return {
        "number": node.number,
        "name": node.name,
        "state": each.state.value,
        "why": each.why,
        "version": each.version,
        "seen_at": node.seen_at.isoformat() if node.seen_at else None,
        "last_mail_at": node.last_mail_at.isoformat() if node.last_mail_at else None,
        "ahead": each.ahead,
        "disk": {"used": node.disk_used, "free": node.disk_free},
        "spool": {"files": node.spool_files, "seconds": node.spool_seconds, "failed": each.failed},
    }
