"""Who is really asking: X-Forwarded-* counts only from the proxies that TRUSTED_PROXIES names."""

import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class TrustedProxies:
    """WSGI middleware: sets REMOTE_ADDR, scheme and host from a trusted proxy, and takes these headers away from all others."""

    def __init__(self, app: WsgiApp, trusted: Iterable[str]) -> None:
        self._app = app
        self._networks = tuple(ipaddress.ip_network(word, strict=False) for word in trusted)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        forwarded = environ.pop("HTTP_X_FORWARDED_FOR", None)
        proto = environ.pop("HTTP_X_FORWARDED_PROTO", "")
        host = environ.pop("HTTP_X_FORWARDED_HOST", "")
        environ.pop("HTTP_X_FORWARDED_PREFIX", None)
        if self._networks and self._is_trusted(environ.get("REMOTE_ADDR", "")):
            if forwarded:
                environ["REMOTE_ADDR"] = self._client(forwarded)
            if proto in ("http", "https"):
                environ["wsgi.url_scheme"] = proto
            if host and "," not in host:
                environ["HTTP_HOST"] = host
        return self._app(environ, start_response)

    def _client(self, forwarded: str) -> str:
        """The nearest address no proxy of ours has; what stands left of it anybody can write."""
        hops = [hop.strip() for hop in forwarded.split(",")]
        for hop in reversed(hops):
            if not self._is_trusted(hop):
                return hop
        return hops[0]

    def _is_trusted(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in network for network in self._networks)
