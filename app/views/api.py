"""The bases of our REST APIs: cookies need a CSRF token, what may be written is declared, pages are bounded."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Response, g, jsonify, request
from flask_appbuilder.api import BaseApi, ModelRestApi, manager
from flask_babel import gettext as _

from app.errors import BadRequest, TooLarge
from app.faces import own_url
from app.models import Mail, Verb
from app.queries.visibility import get_mail
from app.views.datamodel import ScopedInterface
from app.views.opening import opened

_LONGEST = 1 << 20
_REFUSED = {"type": "object", "properties": {"message": {"type": "string"}, "confirm": {"type": "string"}}}
_AWAY = {
    "description": "The database does not answer, or not in time: later it may",
    "content": {"application/json": {"schema": _REFUSED}},
}
_WRITES = {"post": "add_columns", "put": "edit_columns"}


class OurApi(BaseApi):
    csrf_exempt = False
    allow_browser_login = True
    responses = BaseApi.responses | {"503": _AWAY}

    def operation_helper(self, path: Any = None, operations: Any = None, methods: Any = None, func: Any = None, **kwargs: Any) -> None:
        """FAB tells of tokens and keys only. `refusals` of a door are those that say the same everywhere; 401 and 403 belong to
        each that is not open to all."""
        super().operation_helper(path=path, operations=operations, methods=methods, func=func, **kwargs)
        for operation in operations.values():
            refusals = operation.pop("refusals", [])
            if "security" in operation:
                operation["security"] = [*operation["security"], {"basic": []}]
                refusals = [*refusals, 401, 403]
            for code in refusals:
                operation.setdefault("responses", {}).setdefault(code, {"$ref": f"#/components/responses/{code}"})


class ScopedModelRestApi(OurApi, ModelRestApi):
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


class MailActApi(OurApi):
    """What is done to one mail, beside the reading in mail_api.py."""

    resource_name = "mail"
    openapi_spec_tag = "MailApi"
    responses = OurApi.responses | {
        "409": {
            "description": "Somebody was faster, or the state does not allow it; or it has to be confirmed: `confirm` names what does that",
            "content": {"application/json": {"schema": _REFUSED}},
        }
    }

    @staticmethod
    def asked_mail(mail_id: int, *, verb: Verb = Verb.MAIL_OPENED, is_piece: bool = True) -> Mail:
        """NotFound where it is not theirs to see; that somebody else's was asked for is in the audit trail."""
        mail = get_mail(g.user, mail_id)
        opened(mail, verb, is_piece=is_piece)
        return mail

    @staticmethod
    def asked() -> dict[str, Any]:
        """The body: an object, or nothing."""
        if (request.content_length or 0) > _LONGEST:
            raise TooLarge(_("The body may have %(count)s bytes at most.", count=_LONGEST))
        try:
            found = request.get_json(silent=True) if request.get_data(cache=True) else {}
            json.dumps(found, ensure_ascii=False).encode()
        except (RecursionError, UnicodeEncodeError):  # lists in lists without end; half a letter, which no database takes
            found = None
        if not isinstance(found, dict):
            raise BadRequest(_("The body has to be a JSON object."))
        return found

    @staticmethod
    def unconfirmed(why: Any, by: str = "sure", **more: Any) -> tuple[Response, int]:
        """It may be done, once it is asked for again and `by` says that it is meant."""
        return jsonify(message=str(why), confirm=by, **more), 409


def asked_flag(asked: Mapping[str, Any], name: str) -> bool:
    """Of a body or a query. What is neither yes nor no is refused, lest something else is done than was meant."""
    found = asked.get(name, False)
    if found not in (True, False, "true", "false"):
        raise BadRequest(_("“%(name)s” has to be true or false.", name=name))
    return found in (True, "true")


def asked_words(asked: Mapping[str, Any], name: str) -> str:
    found = asked.get(name, "")
    if not isinstance(found, str) or "\0" in found:
        raise BadRequest(_("“%(name)s” has to be a text.", name=name))
    return found


class OpenApi(manager.OpenApi):
    """FAB would name the Host of the request as the server, and leave out the path below which we are."""

    @staticmethod
    def _create_api_spec(version: str) -> Any:
        spec = manager.OpenApi._create_api_spec(version)
        spec.options["servers"] = [{"url": own_url() or request.script_root or "/"}]
        return spec
