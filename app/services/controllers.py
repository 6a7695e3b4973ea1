"""The Rspamd of a node, as the node's row says how it is reached: who teaches it, and who scans."""

from collections.abc import Sequence

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import or_, select

from app.errors import NotFound, Unavailable
from app.extensions import db
from app.models import Node
from app.rspamd.controller import Controller
from app.services.nodes import belongs_to
from app.services.sealing import unseal


def controller_of(node_name: str) -> Controller:
    """NotFound where there is no such node, Unavailable where nobody has said how its controller is reached."""
    node = _node(node_name)
    if not node.controller_url:
        raise Unavailable(_("Nobody has said where the controller of %(node)s is (flask nodes edit --controller).", node=node.name))
    password = unseal(node.controller_password, belongs_to(node.name)) if node.controller_password else ""
    if password is None:
        raise Unavailable(_("The password of the controller of %(node)s cannot be read: give it anew.", node=node.name))
    return Controller(node.controller_url, password, seconds=current_app.config["CONTROLLER_TIMEOUT"])


def scanner_of(node_name: str) -> Controller:
    """A worker that scans needs no password; a controller scans, too."""
    node = _node(node_name)
    if not node.scan_url:
        return controller_of(node_name)
    return Controller(node.scan_url, seconds=current_app.config["CONTROLLER_TIMEOUT"])


def nodes_to_teach() -> Sequence[str]:
    return db.session.scalars(select(Node.name).where(Node.controller_url != "").order_by(Node.name)).all()


def nodes_to_scan() -> Sequence[str]:
    return db.session.scalars(select(Node.name).where(or_(Node.controller_url != "", Node.scan_url != "")).order_by(Node.name)).all()


def _node(name: str) -> Node:
    node = db.session.scalar(select(Node).where(Node.name == name.lower()))
    if node is None:
        raise NotFound(_("There is no node %(node)s.", node=name))
    return node
