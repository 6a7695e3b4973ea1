"""Who may post: Basic auth and an address list per node, answered from memory and, with the database away, from a file."""

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import logging
import os
import pathlib
import secrets
import threading
from dataclasses import asdict, dataclass

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.security import check_password_hash

from app.clock import monotonic
from app.errors import NotAllowed, NotAuthenticated, Unavailable
from app.models import Node
from app.networks import is_in
from app.services.passwords import nobodys_hash

log = logging.getLogger(__name__)

_FRESH_SECONDS = 5.0
_IMPATIENT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class KnownNode:
    number: int
    name: str
    user: str
    password_hash: str
    allow: str
    enabled: bool

    def allows(self, address: str) -> bool:
        return is_in(address, self.allow.split())


class NodeBook:
    """A copy of the node table that never makes a request wait: the keeper refreshes it, the file outlives a restart."""

    def __init__(self, engine: Engine, file: pathlib.Path) -> None:
        self._engine, self._file = engine, file
        self._nodes: dict[str, KnownNode] | None = None
        self._read_at = -_FRESH_SECONDS
        self._reading = threading.Lock()
        self._checking = threading.Lock()
        self._key = secrets.token_bytes(32)
        self._proven: set[bytes] = set()

    def number_of(self, name: str) -> int:
        node = self._all().get(name)
        if node is None:
            self.refresh(_IMPATIENT_SECONDS)
            node = self._all().get(name)
        if node is None:
            raise Unavailable(f"this server is not registered as node {name}: run `flask mailkeep init`")
        return node.number

    def check(self, name: str, address: str, authorization: str | None) -> str:
        """The node's name when this post may be taken; else NotAllowed or NotAuthenticated with a line that says why."""
        try:
            return self._check(name.lower(), address, authorization)
        except (NotAllowed, NotAuthenticated):
            if not self.refresh(_IMPATIENT_SECONDS):  # it may have been added a moment ago
                raise
        return self._check(name.lower(), address, authorization)

    def known(self, name: str, address: str, authorization: str | None) -> str | None:
        """The same where memory alone can tell: the node's name, or None where it takes a look at the table or a slow hash."""
        node = (self._nodes or {}).get(name.lower())
        if node is None or not authorization or not node.enabled or not node.user or not node.allows(address):
            return None
        return node.name if self._proof(node, authorization) in self._proven else None

    def enabled(self) -> list[KnownNode]:
        """Before the table was read those of the file: a database that hangs is waited for by nobody who only reads."""
        nodes = self._nodes
        if nodes is None:
            try:
                nodes = self._from_file()
            except Unavailable:
                nodes = self._all()
        return [node for node in nodes.values() if node.enabled]

    def proven(self, authorization: str, address: str) -> str:
        """The name of the enabled node whose user and password these are (of several the one at that address); else NotAuthenticated."""
        user, password = credentials(authorization)
        meant = [node for node in self.enabled() if node.user and hmac.compare_digest(node.user.encode(), user.encode())]
        for node in sorted(meant, key=lambda node: not node.allows(address)):
            with contextlib.suppress(NotAuthenticated):
                self._prove(node, authorization)
                return node.name
        if not meant:
            with self._checking:
                check_password_hash(nobodys_hash(), password)
        raise NotAuthenticated("wrong user or password")

    def refresh(self, older_than: float = _FRESH_SECONDS) -> bool:
        """True when the table was read anew."""
        if monotonic() - self._read_at < older_than or not self._reading.acquire(blocking=self._nodes is None):
            return False
        try:
            self._read_at = monotonic()
            with self._engine.connect() as connection:
                rows = connection.execute(select(Node.number, Node.name, Node.user, Node.password_hash, Node.allow, Node.enabled)).all()
            self._set({row.name: KnownNode(*row) for row in rows})  # before the next may read: else an older table could replace a newer
        except SQLAlchemyError as error:
            log.warning("nodes: cannot read the table: %s", type(error).__name__)
            return False
        finally:
            self._reading.release()
        return True

    def _set(self, nodes: dict[str, KnownNode]) -> None:
        if nodes != self._nodes:
            self._nodes = nodes
            self._proven = set()
            try:
                self._save(nodes)
            except OSError as error:
                log.warning("nodes: cannot write %s: %s", self._file, error.strerror)

    def _save(self, nodes: dict[str, KnownNode]) -> None:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self._file.with_suffix(f".{os.getpid()}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump([asdict(node) for node in nodes.values()], file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._file)

    def _all(self) -> dict[str, KnownNode]:
        if self._nodes is None:
            self.refresh(0)
        if self._nodes is None:
            self._nodes = self._from_file()
        return self._nodes

    def _from_file(self) -> dict[str, KnownNode]:
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))
            return {node["name"]: KnownNode(**node) for node in stored}
        except (OSError, ValueError, TypeError, KeyError):
            raise Unavailable("the database is away and no list of nodes was kept") from None

    def _check(self, name: str, address: str, authorization: str | None) -> str:
        node = self._all().get(name)
        if node is None or not node.enabled or not node.user or not node.allows(address):
            raise NotAllowed(f"no node {name[:64]!r} may post from {address}")
        if not authorization:
            raise NotAuthenticated(f"node {name} has to send its user and password (HTTP Basic)")
        self._prove(node, authorization)
        return node.name

    def _prove(self, node: KnownNode, authorization: str) -> None:
        proof = self._proof(node, authorization)
        if proof not in self._proven:
            self._verify(node, authorization, proof)

    def _proof(self, node: KnownNode, authorization: str) -> bytes:
        """Of one password hash: what was proven against an older one, however late, never counts for a newer."""
        proven = "\0".join((node.name, node.user, node.password_hash, authorization))
        return hmac.digest(self._key, proven.encode("utf-8", "surrogateescape"), hashlib.sha256)

    def _verify(self, node: KnownNode, authorization: str, proof: bytes) -> None:
        """Slow on purpose, and one at a time: guessing must not cost the others their processor."""
        user, password = credentials(authorization)
        known = hmac.compare_digest(user.encode(), node.user.encode())
        with self._checking:
            if proof in self._proven:  # while this one waited: after a start all that come at once have the same
                return
            right = check_password_hash(node.password_hash if known else nobodys_hash(), password)
            if not (known and right):
                raise NotAuthenticated(f"wrong user or password for node {node.name}")
            self._proven.add(proof)


def credentials(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError(scheme)
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        raise NotAuthenticated("the Authorization header is not HTTP Basic") from None
    return (user, password) if colon else ("", "")
