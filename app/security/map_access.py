"""Who may fetch maps: by address, and by a node's user and password where they are sent or asked for."""

import logging
from collections.abc import Sequence
from typing import NoReturn

from app.clock import monotonic
from app.errors import NotAllowed, NotAuthenticated, Unavailable
from app.networks import is_in
from app.security.machine import KnownNode, NodeBook

log = logging.getLogger(__name__)

_IMPATIENT_SECONDS = 1.0
_TELL_SECONDS = 60.0
_MOST_ADDRESSES = 1000


class MapAccess:
    def __init__(self, book: NodeBook, allow: Sequence[str], needs_password: bool) -> None:
        self._book, self._allow, self._needs_password = book, allow, needs_password
        self._named: tuple[list[KnownNode], dict[str, str]] = ([], {})
        """By address, as these nodes have it: asked with each fetch."""
        self._told: dict[str, float] = {}

    def name_of(self, address: str, authorization: str | None) -> str:
        """Of the node that fetches, or the address where it is none; else NotAllowed or NotAuthenticated with a line that says why."""
        try:
            try:
                return self._name_of(address, authorization)
            except (NotAllowed, NotAuthenticated):
                if not self._book.refresh(_IMPATIENT_SECONDS):  # it may have been added a moment ago
                    raise
            return self._name_of(address, authorization)
        except (NotAllowed, NotAuthenticated) as error:
            self._tell(address, error)
            raise

    def refuse(self, address: str, why: str) -> NoReturn:
        error = NotAllowed(why)
        self._tell(address, error)
        raise error

    def _name_of(self, address: str, authorization: str | None) -> str:
        nodes = self._nodes(authorization)
        if nodes != self._named[0]:
            self._named = (nodes, {})
        known_nodes, named = self._named
        name = named.get(address) if known_nodes == nodes else None
        if name is None:
            holders = [node.name for node in nodes if node.allows(address)]
            if not holders and not is_in(address, self._allow):
                raise NotAllowed(f"neither MAPS_ALLOW nor a node names the address {address}")
            name = holders[0] if len(holders) == 1 else address
            if known_nodes == nodes and len(named) < _MOST_ADDRESSES:
                named[address] = name
        if authorization:
            return self._book.proven(authorization, address)
        if self._needs_password:
            raise NotAuthenticated("a map is fetched with the user and password of a node (HTTP Basic)")
        return name

    def _nodes(self, authorization: str | None) -> list[KnownNode]:
        try:
            return self._book.enabled()
        except Unavailable:  # and the networks of the setting are still known
            if authorization or self._needs_password:
                raise
            return []

    def _tell(self, address: str, error: Exception) -> None:
        """Once a minute: who is refused asks again, and again."""
        now = monotonic()
        if now - self._told.get(address, float("-inf")) < _TELL_SECONDS:
            return
        if len(self._told) >= _MOST_ADDRESSES:
            self._told.clear()
        self._told[address] = now
        log.warning("maps: refused %s: %s", address, error)
