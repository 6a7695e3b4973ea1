"""The nodes: who may post, and the number each has in mail ids."""

import ipaddress
import secrets
from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from werkzeug.security import generate_password_hash

from app.actor import Actor
from app.clock import stored_now
from app.errors import BadRequest, Conflict, NotFound
from app.extensions import db
from app.ids import MAX_NODE
from app.models import Node, Verb
from app.services.audit import record
from environment import NODE_NAME_RULE, is_node_name

_PASSWORD_BYTES = 24


def all_nodes() -> Sequence[Node]:
    return db.session.scalars(select(Node).order_by(Node.name)).all()


def find(name: str) -> Node:
    node = db.session.scalar(select(Node).where(Node.name == name.lower()))
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
            if db.session.scalar(select(Node.number).where(Node.name == name)):
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
    *,
    actor: Actor,
) -> Node:
    """None leaves a thing as it is."""
    node = find(name)
    before = _state(node)
    _change(node, node.user if user is None else user, password or "", node.allow.split() if allow is None else allow)
    if enabled is not None:
        node.enabled = enabled
    after = _state(node)
    changed = [part for part in after if after[part] != before[part]]
    if changed or password:
        told = {part: after[part] for part in changed} | ({"password": "another"} if password else {})
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
    return {"user": node.user, "allow": node.allow, "enabled": bool(node.enabled)}


def _change(node: Node, user: str, password: str, allow: Sequence[str]) -> None:
    if ":" in user:
        raise BadRequest("A user name cannot hold a colon: HTTP Basic auth ends it there.")
    if user and not (password or node.password_hash):
        raise BadRequest("A node with a user needs a password.")
    node.user, node.allow = user, " ".join(network(word) for word in allow)
    if password:
        node.password_hash = generate_password_hash(password)


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
