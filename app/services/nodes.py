"""The nodes: who may post, and the number each has in mail ids."""

import ipaddress
import secrets
from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.actor import Actor
from app.clock import stored_now
from app.errors import BadRequest, Conflict, NotFound
from app.extensions import db
from app.ids import MAX_NODE
from app.models import Node, Verb
from app.queries.nodes import node_called
from app.rspamd.controller import checked_url
from app.services.audit import record
from app.services.passwords import hash_of
from app.services.sealing import seal
from environment import NODE_NAME_RULE, is_node_name

_PASSWORD_BYTES = 24
_LONGEST_PASSWORD = 500


def find(name: str) -> Node:
    node = node_called(name.lower())
    if node is None:
        raise NotFound(f"There is no node {name}.")
    return node


def add(name: str, user: str = "", password: str = "", allow: Sequence[str] = (), *, actor: Actor) -> Node:
    """Without user and password it may not post: so a server that only shares the database is known by its number."""
    name = name.lower()
    if not is_node_name(name):
        raise BadRequest(f"{name!r} is not a node name: {NODE_NAME_RULE}.")
    node = Node(name=name, created_at=stored_now(), enabled=True, user="", password_hash="", allow="", number=0)
    _change(node, user, password, allow)
    for _try in range(5):  # two servers may register at once
        node.number = _free_number()
        db.session.add(node)
        try:
            db.session.flush()
            record(actor, Verb.NODE_ADDED, "node", name, after=_state(node))
            db.session.commit()
        except IntegrityError:
            db.session.rollback()
            if node_called(name) is not None:
                raise Conflict(f"There is a node {name} already; `flask nodes edit` changes it.") from None
        else:
            return node
    raise Conflict("No number could be had for the node; try again.")


def add_or_enable(name: str, user: str, password: str, allow: Sequence[str], *, actor: Actor) -> Node:
    """Adds the node; where it is known but could never post (a server registers itself so), gives it what it lacks."""
    try:
        node = find(name)
    except NotFound:
        return add(name, user, password, allow, actor=actor)
    if node.user:
        raise Conflict(f"There is a node {name} already; `flask nodes edit` changes it.")
    return edit(name, user, password, allow, enabled=True, actor=actor)


def edit(
    name: str,
    user: str | None = None,
    password: str | None = None,
    allow: Sequence[str] | None = None,
    enabled: bool | None = None,
    controller: str | None = None,
    controller_password: str | None = None,
    scan: str | None = None,
    *,
    actor: Actor,
) -> Node:
    """None leaves a thing as it is. The controller's password is for its address alone: with another one it is forgotten."""
    node = find(name)
    before = _state(node)
    _change(node, node.user if user is None else user, password or "", node.allow.split() if allow is None else allow)
    if enabled is not None:
        node.enabled = enabled
    _change_rspamd(node, controller, controller_password, scan)
    after = _state(node)
    changed = [part for part in after if after[part] != before[part]]
    if changed or password or controller_password is not None:
        told = {part: after[part] for part in changed} | ({"password": "another"} if password else {})
        told |= {"controller password": "another" if controller_password else "none"} if controller_password is not None else {}
        record(actor, Verb.NODE_CHANGED, "node", node.name, before={part: before[part] for part in changed}, after=told)
    db.session.commit()
    return node


def add_with_password(name: str, user: str, allow: Sequence[str], *, actor: Actor) -> tuple[Node, str]:
    """The password is made, and given this once; none without a user."""
    password = secrets.token_urlsafe(_PASSWORD_BYTES) if user else ""
    return add(name, user, password, allow, actor=actor), password


def new_password(name: str, *, actor: Actor) -> str:
    """For its Rspamd; given this once. The old one counts no more."""
    if not find(name).user:
        raise BadRequest(_("The node has no user yet: give it one first."))
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    edit(name, password=password, actor=actor)
    return password


def remove(name: str, *, actor: Actor) -> None:
    """Its mails stay, under its name."""
    node = find(name)
    record(actor, Verb.NODE_REMOVED, "node", node.name, before=_state(node))
    db.session.delete(node)
    db.session.commit()


def register_local(name: str, *, actor: Actor) -> Node:
    """The node this server is, made when it is not there."""
    try:
        return find(name)
    except NotFound:
        return add(name, actor=actor)


def _state(node: Node) -> dict[str, str | bool]:
    known: dict[str, str | bool] = {"user": node.user, "allow": node.allow, "enabled": bool(node.enabled)}
    return known | {"controller": node.controller_url or "", "scan": node.scan_url or ""}


def belongs_to(name: str) -> str:
    """What the sealed password of a node's controller is bound to."""
    return f"controller of node {name}"


def _change_rspamd(node: Node, controller: str | None, password: str | None, scan: str | None) -> None:
    if controller is not None and (url := checked_url(controller)) != node.controller_url:
        node.controller_url, node.controller_password = url, ""
    if scan is not None:
        node.scan_url = checked_url(scan)
    if password:
        if not node.controller_url:
            raise BadRequest("A password needs its controller: give its address, too.")
        if len(password.encode()) > _LONGEST_PASSWORD or not password.isprintable():
            raise BadRequest(f"A password of a controller has up to {_LONGEST_PASSWORD} characters and no line ends.")
        node.controller_password = seal(password, belongs_to(node.name))
    elif password is not None:
        node.controller_password = ""


def _change(node: Node, user: str, password: str, allow: Sequence[str]) -> None:
    if ":" in user:
        raise BadRequest("A user name cannot hold a colon: HTTP Basic auth ends it there.")
    if user and not (password or node.password_hash):
        raise BadRequest("A node with a user needs a password.")
    node.user, node.allow = user, " ".join(network(word) for word in allow)
    if password:
        node.password_hash = hash_of(password)


def network(word: str) -> str:
    try:
        return str(ipaddress.ip_network(word.strip(), strict=False))
    except ValueError:
        raise BadRequest(f"{word!r} is not an IP address or network.") from None


def _free_number() -> int:
    used = set(db.session.scalars(select(Node.number)))
    for number in range(1, MAX_NODE + 1):
        if number not in used:
            return number
    raise Conflict(f"There are {MAX_NODE} nodes already: mail ids have no room for more.")
