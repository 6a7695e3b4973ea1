"""Flask, with doors before it for machines: what a door takes never becomes a request of Flask's."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask


class Application(Flask):
    def wsgi_app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        for door in self.extensions.get("mailkeep_doors", ()):
            taken: Iterable[bytes] | None = door(environ, start_response)
            if taken is not None:
                return taken
        return super().wsgi_app(environ, start_response)
