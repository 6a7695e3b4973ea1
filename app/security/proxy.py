"""Who is really asking: X-Forwarded-* counts only from the proxies that TRUSTED_PROXIES names."""

import logging
import re
from collections.abc import Callable, Iterable
from typing import Any

from app.later import Environ
from app.networks import is_in

PEER = "mailkeep.peer"
"""Where the connection comes from, which REMOTE_ADDR no longer says behind a trusted proxy."""
UNNAMED = "mailkeep.unnamed_proxy"
"""The peer of a request whose X-Forwarded-For was taken away; empty where there was none, or it was believed."""
_MOST_UNNAMED = 5
"""Anybody may send that header: what is told of it has an end."""
log = logging.getLogger(__name__)
_PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
WsgiApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class TrustedProxies:
    """WSGI middleware: sets REMOTE_ADDR, scheme, host and path from a trusted proxy, and takes these headers away from all others."""

    def __init__(self, app: WsgiApp, trusted: Iterable[str]) -> None:
        self._app = app
        self._networks = tuple(trusted)
        self.unnamed: list[str] = []
        """Who sent that header to this process and is not named, the first few."""

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ[PEER] = environ.get("REMOTE_ADDR", "")
        forwarded = environ.pop("HTTP_X_FORWARDED_FOR", "")
        proto = environ.pop("HTTP_X_FORWARDED_PROTO", "")
        host = environ.pop("HTTP_X_FORWARDED_HOST", "")
        prefix = environ.pop("HTTP_X_FORWARDED_PREFIX", "").rstrip("/")
        environ[UNNAMED] = ""
        if self._is_trusted(environ[PEER]):
            hops = [_address(hop) for hop in forwarded.split(",")] if forwarded else []
            place = self._client(hops)
            if hops:
                environ["REMOTE_ADDR"] = hops[-place]
            proto = _from_the_right(proto, place)
            if proto in ("http", "https"):
                environ["wsgi.url_scheme"] = proto
            if host and "," not in host:
                environ["HTTP_HOST"] = host
            if _PREFIX.fullmatch(prefix) and not environ.get("SCRIPT_NAME"):
                environ["SCRIPT_NAME"] = prefix
        elif forwarded:
            environ[UNNAMED] = environ[PEER]
            self._tell(environ[PEER])
        return self._app(environ, start_response)

    def _tell(self, peer: str) -> None:
        if peer in self.unnamed or len(self.unnamed) >= _MOST_UNNAMED:
            return
        self.unnamed.append(peer)
        log.warning(
            "%s sends X-Forwarded-For and is not in TRUSTED_PROXIES: whoever comes through it counts as %s. "
            "If it is a proxy of yours, name it there.", peer, peer,
        )  # fmt: skip

    def _client(self, hops: list[str]) -> int:
        """The place, from the right, of the nearest address no proxy of ours has; what stands left of it anybody can write."""
        return next((place for place, hop in enumerate(reversed(hops), start=1) if not self._is_trusted(hop)), max(1, len(hops)))

    def _is_trusted(self, address: str) -> bool:
        return is_in(address, self._networks)


def _address(hop: str) -> str:
    """Some proxies tell the port, too: 192.0.2.1:5678 or [2001:db8::1]:5678."""
    hop = hop.strip()
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _from_the_right(words: str, place: int) -> str:
    """What the proxy said that met the client. Where there are fewer words than proxies, one of them spoke for those before it."""
    found = words.split(",")
    return found[-min(place, len(found))].strip()
