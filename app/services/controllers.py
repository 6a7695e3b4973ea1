"""The Rspamd of a node, as the node's row says how it is reached: who teaches it, and who scans."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import or_, select

from app.errors import NotFound, Unavailable
from app.extensions import db
from app.models import Mail, Node
from app.peers.wire import is_loopback
from app.queries.nodes import node_called
from app.rspamd.controller import Answered, Controller
from app.services.nodes import belongs_to
from app.services.peers import rspamd_of
from app.services.sealing import unseal
from environment import is_node_name


class _Behind(Controller):
    """One that listens to its own server alone: its node's Mailkeep asks it, with the copy of the mail that there is."""

    def __init__(self, node: Node, which: str, url: str, mail_id: int | None) -> None:
        super().__init__(url, name=node.name)
        self._node, self._which, self._mail_id = node.name, which, mail_id

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Iterable[tuple[str, Any]] = ()) -> Answered:  # noqa: ARG002
        told = [[name, value.decode() if isinstance(value, bytes) else str(value)] for name, value in headers]
        question = {"which": self._which, "mail": self._mail_id, "method": method, "path": path, "headers": told}
        return rspamd_of(self._node, question, float(current_app.config["CONTROLLER_TIMEOUT"]))


def controller_of(node_name: str, mail_id: int | None = None) -> Controller:
    """NotFound where there is no such node, Unavailable where nobody has said how its controller is reached. `mail_id`: what it will be
    asked about."""
    node = _node(node_name)
    if not node.controller_url:
        raise Unavailable(_("Nobody has said where the controller of %(node)s is (flask nodes edit --controller).", node=node.name))
    if _is_behind(node, node.controller_url):
        return _Behind(node, "controller", node.controller_url, mail_id)
    password = unseal(node.controller_password, belongs_to(node.name)) if node.controller_password else ""
    if password is None:
        raise Unavailable(_("The password of the controller of %(node)s cannot be read: give it anew.", node=node.name))
    return Controller(node.controller_url, password, seconds=current_app.config["CONTROLLER_TIMEOUT"], name=node.name)


def scanner_of(node_name: str, mail_id: int | None = None) -> tuple[Controller, bool]:
    """Whether it is a controller, which is asked where there is one: it scans, too, and unlike a worker it never learns by itself from
    what it scans. A worker needs no password."""
    node = _node(node_name)
    if node.controller_url or not node.scan_url:
        return controller_of(node_name, mail_id), True
    if _is_behind(node, node.scan_url):
        return _Behind(node, "scan", node.scan_url, mail_id), False
    return Controller(node.scan_url, seconds=current_app.config["CONTROLLER_TIMEOUT"], name=node.name), False


def nodes_to_teach() -> Sequence[str]:
    return db.session.scalars(select(Node.name).where(Node.controller_url != "").order_by(Node.name)).all()


def nodes_to_scan() -> Sequence[str]:
    return db.session.scalars(select(Node.name).where(or_(Node.controller_url != "", Node.scan_url != "")).order_by(Node.name)).all()


def nearest_of(nodes: Sequence[str], mail: Mail) -> str | None:
    """The node that scanned it, else this one, else whichever there is."""
    wanted: tuple[str, ...] = (mail.node, current_app.config["NODE_NAME"], *nodes[:1])
    return next((name for name in wanted if name in nodes), None)


def _is_behind(node: Node, url: str) -> bool:
    return bool(node.api_url) and node.name != current_app.config["NODE_NAME"] and is_loopback(urlsplit(url).hostname or "")


def _node(name: str) -> Node:
    node = node_called(name.lower()) if is_node_name(name.lower()) else None
    if node is None:
        raise NotFound(_("There is no node %(node)s.", node=name))
    return node
