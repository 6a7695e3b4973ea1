"""How a node is reached by the others, and what proves that it is the one that asks them."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select, update

from app.actor import Actor
from app.errors import BadRequest, Unavailable
from app.extensions import db
from app.models import Node, Verb
from app.peers.wire import Place, is_loopback, trust_of
from app.queries.nodes import node_called
from app.services.audit import record
from app.services.nodes import find, network
from app.services.passwords import hash_of
from app.services.sealing import seal, unseal

_URL = re.compile(r"https?://(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::\d{1,5})?(?:/[A-Za-z0-9._~/-]*)?")
_SECRET_BYTES = 32
_LONGEST_URL, _LONGEST_CA, _LONGEST_USER = 300, 100_000, 255


@dataclass(frozen=True, slots=True)
class Api:
    """None leaves a thing as it is."""

    url: str | None = None
    ca: str | None = None
    pin: str | None = None
    allow: Sequence[str] | None = None
    user: str | None = None
    password: str | None = None


def set_api(name: str, api: Api, *, actor: Actor) -> Node:
    """All of it or nothing; BadRequest says what cannot be."""
    node = find(name)
    before = _state(node)
    _change(node, api)
    after = _state(node)
    changed = [part for part in after if after[part] != before[part]]
    if changed or api.password:
        told = {part: after[part] for part in changed} | ({"API password": "another"} if api.password else {})
        record(actor, Verb.NODE_CHANGED, "node", node.name, before={part: before[part] for part in changed}, after=told)
    db.session.commit()
    return node


def new_secret(name: str, *, actor: Actor) -> str:
    """The old one counts no more from now on. Given this once: the database keeps it sealed, for the nodes themselves."""
    node = find(name)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    node.api_secret = seal(secret, _belongs_to(node.name))
    record(actor, Verb.NODE_CHANGED, "node", node.name, before={}, after={"API secret": "another"})
    db.session.commit()
    return secret


def secret_of(node: Node) -> str | None:
    """None where it has none, or one that was sealed under another SECRET_KEY."""
    return unseal(node.api_secret, _belongs_to(node.name)) if node.api_secret else None


def own_secret() -> str:
    name = current_app.config["NODE_NAME"]
    node = node_called(name)
    if node is None:
        raise Unavailable(_("This server is not registered as a node: run “flask mailkeep init”."))
    secret = unseal(node.api_secret or ensure_own_secret(), _belongs_to(name))
    if secret is None:
        raise Unavailable(_("The secret of %(node)s was made under another SECRET_KEY: make a new one.", node=name))
    return secret


def ensure_own_secret() -> str:
    """Made where there is none, beside whatever transaction there is; as it is sealed."""
    name = current_app.config["NODE_NAME"]
    made = seal(secrets.token_urlsafe(_SECRET_BYTES), _belongs_to(name))
    with db.engine.execution_options(writes=True).begin() as connection:
        connection.execute(update(Node).where(Node.name == name, Node.api_secret == "").values(api_secret=made))
        return connection.scalar(select(Node.api_secret).where(Node.name == name)) or ""


def place_of(node: Node) -> Place:
    return Place(node.api_url, node.api_ca or "", node.api_pin, bool(current_app.config["NODES_PLAIN_HTTP"]))


def _belongs_to(name: str) -> str:
    return f"API of node {name}"


def _state(node: Node) -> dict[str, str]:
    return {
        "API address": node.api_url,
        "API authority": node.api_ca or "",
        "API pin": node.api_pin,
        "API allow": node.api_allow or "",
        "API user": node.api_user,
    }


def _change(node: Node, api: Api) -> None:
    if api.url is not None:
        node.api_url = _url(api.url.strip())
    if api.pin is not None:
        node.api_pin = _pin(api.pin)
    if api.ca is not None:
        node.api_ca = api.ca.strip().replace("\r\n", "\n")[: _LONGEST_CA + 1]
        _must_be_trust(node)
    if api.allow is not None:
        node.api_allow = " ".join(network(word) for word in api.allow)
    _change_program(node, api.user, api.password)


def _change_program(node: Node, user: str | None, password: str | None) -> None:
    if user is not None and user.strip() != node.api_user:
        node.api_user, node.api_password_hash = user.strip(), ""
    if ":" in node.api_user or not node.api_user.isprintable() or len(node.api_user) > _LONGEST_USER:
        raise BadRequest(_("A user name cannot hold a colon: HTTP Basic auth ends it there."))
    if password and not node.api_user:
        raise BadRequest(_("A password needs its user."))
    if password:
        node.api_password_hash = hash_of(password)
    if node.api_user and not node.api_password_hash:
        raise BadRequest(_("A user of the API needs a password."))


def _url(text: str) -> str:
    url = text.rstrip("/")
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        is_right = (
            bool(_URL.fullmatch(url)) and len(url) <= _LONGEST_URL and (parts.port is None or parts.port > 0) and ".." not in parts.path
        )
    except ValueError:  # a port that is none
        is_right = False
    if not is_right:
        raise BadRequest(_("%(url)s is no address such as https://mx2.example.com:8443.", url=text[:_LONGEST_URL]))
    if parts.scheme == "http" and not is_loopback(parts.hostname or "") and not current_app.config["NODES_PLAIN_HTTP"]:
        raise BadRequest(
            _("Over http:// mails would cross the network in the clear: give an https:// address, or allow it with NODES_PLAIN_HTTP.")
        )
    return url


def _pin(text: str) -> str:
    """As openssl and browsers write it, too."""
    pin = re.sub(r"[\s:]", "", text).lower()
    if pin and not re.fullmatch(r"[0-9a-f]{64}", pin):
        raise BadRequest(_("A pin is the SHA-256 of a certificate or of its key: 64 hexadecimal digits."))
    return pin


def _must_be_trust(node: Node) -> None:
    """A file has to be there on each node that asks; here it is looked for at once."""
    ca = node.api_ca or ""
    if len(ca) > _LONGEST_CA or (ca and not ca.startswith(("-----BEGIN", "/"))):
        raise BadRequest(_("An authority is a certificate in PEM, or the whole name of a file that holds some."))
    try:
        trust_of(Place("", ca))
    except ValueError:
        raise BadRequest(_("The certificate authority cannot be read.")) from None
