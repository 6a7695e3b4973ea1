"""The one base of our REST APIs: cookies need a CSRF token, what may be written is declared, pages are bounded."""

from typing import Any

from flask import request
from flask_appbuilder.api import ModelRestApi, manager

from app.faces import own_url
from app.views.datamodel import ScopedInterface

_WRITES = {"post": "add_columns", "put": "edit_columns"}


class ScopedModelRestApi(ModelRestApi):
    csrf_exempt = False
    allow_browser_login = True
    base_filters: Any = None
    include_route_methods: Any = None

    def __init__(self) -> None:
        name = type(self).__name__
        if type(self).base_filters is None:
            raise TypeError(f"{name} says nothing of who sees what: set base_filters ([] where all rows are meant)")
        if type(self).include_route_methods is None:
            raise TypeError(f"{name} opens every route: set include_route_methods")
        if not isinstance(self.datamodel, ScopedInterface):
            raise TypeError(f"{name} needs a ScopedInterface as its datamodel")
        for method, columns in _WRITES.items():
            if method in self.include_route_methods and not getattr(type(self), columns):
                raise TypeError(f"{name} allows {method} of every column: set {columns}")
        super().__init__()

    def operation_helper(self, path: Any = None, operations: Any = None, methods: Any = None, func: Any = None, **kwargs: Any) -> None:
        """FAB tells of tokens and keys only."""
        super().operation_helper(path=path, operations=operations, methods=methods, func=func, **kwargs)
        for operation in operations.values():
            if "security" in operation:
                operation["security"] = [*operation["security"], {"basic": []}]


class OpenApi(manager.OpenApi):
    """FAB would name the Host of the request as the server, and leave out the path below which we are."""

    @staticmethod
    def _create_api_spec(version: str) -> Any:
        spec = manager.OpenApi._create_api_spec(version)
        spec.options["servers"] = [{"url": own_url() or request.script_root or "/"}]
        return spec
