"""Which node asks: by what it signed, once, within a minute; or a program, by the user and password that were set for it."""

import hashlib
import hmac
import logging
import secrets
import threading
from dataclasses import dataclass

from flask import current_app, request
from flask_babel import gettext as _
from werkzeug.security import check_password_hash

from app.actor import Actor
from app.clock import monotonic, now_ms
from app.errors import MailkeepError, NotAllowed
from app.networks import is_in
from app.peers.claims import WINDOW_SECONDS, Claims, is_signed_with, read_claims
from app.peers.wire import is_loopback
from app.queries.nodes import known_nodes, node_called
from app.security.machine import credentials
from app.security.proxy import UNNAMED
from app.services.nonces import use
from app.services.passwords import nobodys_hash
from app.services.peering import secret_of

log = logging.getLogger(__name__)

MOST_BODY_BYTES = 1 << 20
_NOBODYS_SECRET = secrets.token_hex(32)
_checking = threading.Lock()
_TELL_SECONDS = 10.0
_MOST_TOLD = 1000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and in whose name it says it does."""

    node: str
    actor: Actor


class _No(Exception):
    """Why not: for our log. Whoever asks is told the same each time."""


def caller(*, may_be_program: bool = False) -> Caller:
    """Of this request; else NotAllowed."""
    address, header = request.remote_addr or "", request.headers.get("Authorization", "")
    try:
        if request.environ.get(UNNAMED):  # then the address is the proxy's, and whoever asks has any
            raise _No("it sends X-Forwarded-For and TRUSTED_PROXIES does not name it")
        if header[:6].lower() == "basic ":
            return _program(header, address, may_be_program)
        return _node(header, address)
    except _No as error:
        _tell(address, str(error))
        raise NotAllowed(_("This node does not answer you. Its log says why.")) from None


def _node(header: str, address: str) -> Caller:
    try:
        claims = read_claims(header)
    except ValueError as error:
        raise _No(str(error)) from None
    node = node_called(claims.by)
    secret = secret_of(node) if node is not None else None
    # As long for a node that there is not as for one that there is.
    is_right = is_signed_with(header, secret or _NOBODYS_SECRET)
    if node is None or secret is None:
        raise _No(f"there is no node {claims.by[:64]!r} with a secret")
    if not is_right:
        raise _No(f"it is not signed with the secret of {node.name}")
    if not node.enabled:
        raise _No(f"node {node.name} is disabled")
    if not is_in(address, (node.api_allow or "").split()):
        raise _No(f"node {node.name} may not ask from there: its list of addresses does not name it")
    _must_be_meant(claims)
    if not use(claims.nonce):
        raise _No(f"a request of {node.name} came a second time")
    return Caller(node.name, claims.actor)


def _must_be_meant(claims: Claims) -> None:
    here = current_app.config["NODE_NAME"]
    if claims.to != here:
        raise _No(f"{claims.by} meant it for {claims.to[:64]!r}, and this is {here}")
    apart = claims.at - now_ms() // 1000
    if abs(apart) > WINDOW_SECONDS:
        raise _No(f"the clock of {claims.by} is {apart} seconds from ours, or it is an old request")
    asked = request.path + (f"?{query}" if (query := request.query_string.decode("latin-1")) else "")
    if (claims.method, claims.path) != (request.method, asked):
        raise _No(f"{claims.by} signed {claims.method[:10]} {claims.path[:200]}, which is not what came")
    if claims.digest != hashlib.sha256(_body()).hexdigest():
        raise _No(f"{claims.by} signed another body than came")


def _body() -> bytes:
    request.max_content_length = MOST_BODY_BYTES
    return request.get_data()


def _program(header: str, address: str, may_be_program: bool) -> Caller:
    """What it sends could be sent again by whoever saw it: so it only reads, and where nobody sees it."""
    if not may_be_program:
        raise _No("a user and password are good for reading only")
    if not (request.is_secure or is_loopback(address)):
        raise _No("a user and password came over http://")
    try:
        user, password = credentials(header)
    except MailkeepError:
        raise _No("the Authorization header is not HTTP Basic") from None
    near = [node for node in known_nodes() if node.api_user and node.enabled and is_in(address, (node.api_allow or "").split())]
    if not near:  # before anything slow: strangers do not have us work
        raise _No("a user and password are not taken from there")
    found = [node for node in near if hmac.compare_digest(node.api_user.encode(), user.encode())]
    with _checking:  # slow on purpose, and one at a time
        right = [node for node in found if check_password_hash(node.api_password_hash, password)]
        if not found:
            check_password_hash(nobodys_hash(), password)
    if not right:
        raise _No("a wrong user or password")
    return Caller(right[0].name, Actor(f"program: {user}"[:100], None, address))


_told: dict[tuple[str, str], float] = {}


def _tell(address: str, why: str) -> None:
    """Not each time: who is refused asks again, and again."""
    now = monotonic()
    if now - _told.get((address, why), float("-inf")) < _TELL_SECONDS:
        return
    if len(_told) >= _MOST_TOLD:
        _told.clear()
    _told[(address, why)] = now
    log.warning("node API: refused %s: %s", address, why)
