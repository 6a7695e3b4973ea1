"""Flask, with a door before it for machines: what the door takes never becomes a request of Flask's."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask


class Application(Flask):
    def wsgi_app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        door = self.extensions.get("mailkeep_door")
        taken: Iterable[bytes] | None = door(environ, start_response) if door is not None else None
        return super().wsgi_app(environ, start_response) if taken is None else taken
