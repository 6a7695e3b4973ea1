"""/api/node: what the nodes ask of each other. No cookie counts here; each request is signed by the node that asks."""

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from app.errors import BadRequest
from app.security.peer import caller
from app.services.node_state import own_state
from app.services.peers import PATH
from app.services.serving import copy_for, copy_state, remove_now, send_now
from app.services.serving_rspamd import ask_rspamd

node_api = Blueprint("node_api", __name__, url_prefix=PATH)

_PIECE = 256 << 10


@node_api.before_request
def guard() -> None:
    g.caller = caller(may_be_program=request.method == "GET")


@node_api.get("/state")
def state() -> Response:
    return jsonify(own_state())


@node_api.get("/mails/<int:mail_id>/copy")
def copy(mail_id: int) -> Response:
    return jsonify(copy_state(mail_id))


@node_api.get("/mails/<int:mail_id>/raw")
def raw(mail_id: int) -> Response:
    """Byte for byte."""
    found = copy_for(mail_id, g.caller.actor, g.caller.node)
    response = Response(_pieces(found), mimetype="application/octet-stream")
    response.headers["Content-Length"] = str(len(found))
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@node_api.post("/release")
def release() -> tuple[Response, int]:
    return jsonify(taken=send_now(_told().get("ids"))), 202


@node_api.post("/remove")
def remove() -> tuple[Response, int]:
    return jsonify(taken=remove_now(_told().get("digests"))), 202


@node_api.post("/rspamd")
def rspamd() -> Response:
    return jsonify(ask_rspamd(_told(), g.caller.actor, g.caller.node))


def _pieces(content: bytes) -> Iterator[bytes]:
    """A reader who is slow is waited for piece by piece."""
    for start in range(0, len(content), _PIECE):
        yield content[start : start + _PIECE]


def _told() -> dict[str, Any]:
    found = request.get_json(silent=True)
    if not isinstance(found, dict):
        raise BadRequest("The body is no object.")
    return found
