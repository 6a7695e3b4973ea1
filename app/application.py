"""Flask, with doors before it for machines: what a door takes never becomes a request of Flask's."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from app.later import LATER, Environ, Later


class Application(Flask):
    def wsgi_app(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        later: Later | None = environ.get(LATER)
        if later is not None:
            if (door := self.extensions.get("mailkeep_ingest_door")) is not None:
                door.take_later(environ, later)
            return ()
        for door in self.extensions.get("mailkeep_doors", ()):
            taken: Iterable[bytes] | None = door(environ, start_response)
            if taken is not None:
                return taken
        return super().wsgi_app(environ, start_response)
