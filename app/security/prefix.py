"""Hosting below a path: https://mail.example.com/mailkeep/ is this panel's start, and all its links and cookies stay below it."""

from collections.abc import Callable, Iterable
from typing import Any

from app.later import Environ

WsgiApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class BelowPath:
    """WSGI middleware: takes the path of the panel's own address off where the proxy has left it on, and has links begin with it.

    What the server or a trusted proxy has said already stands; that says only how links begin, and takes nothing off."""

    def __init__(self, app: WsgiApp, path: str) -> None:
        self._app, self._path = app, path

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        asked = environ.get("PATH_INFO", "")
        if self._path and f"{asked}/".startswith(f"{self._path}/"):
            environ["PATH_INFO"] = asked[len(self._path) :]
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME") or self._path
        return self._app(environ, start_response)
