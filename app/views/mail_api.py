"""GET /api/v1/mail/: the mail log for programs, read-only, under the same scope and the same bounds as the screen."""

import json
from typing import Any

from flask import Response, current_app, g, jsonify, request
from flask_appbuilder.api import expose
from flask_appbuilder.security.decorators import protect

from app.errors import BadRequest
from app.ids import MAX_ID, id_time
from app.models import Mail
from app.queries.mail import detail_of, recipients_of
from app.queries.visibility import get_mail
from app.views.api import ScopedModelRestApi
from app.views.datamodel import ScopedInterface
from app.views.filters import SeenMail

_COLUMNS = (
    "node",
    "queue_id",
    "message_id",
    "action",
    "score",
    "direction",
    "ip",
    "mail_from",
    "mime_from",
    "first_rcpt",
    "rcpt_count",
    "subject",
    "size",
    "has_virus",
    "copy_state",
    "release_state",
)


class MailApi(ScopedModelRestApi):
    resource_name = "mail"
    datamodel = ScopedInterface(Mail)
    base_filters = [["id", SeenMail, None]]
    include_route_methods = {"get", "get_list"}
    list_columns = ["id", *_COLUMNS]
    show_columns = ["id", *_COLUMNS]
    search_columns = ["mail_from"]

    @expose("/", methods=["GET"])
    @protect()
    def get_list(self) -> Response:
        """Mails, newest first
        ---
        get:
          parameters:
          - {in: query, name: before, schema: {type: string}, description: Only mails older than this id}
          - {in: query, name: size, schema: {type: integer}, description: At most so many}
          responses:
            200:
              description: A page of mails; `older` is the `before` of the next
            400:
              $ref: '#/components/responses/400'
            401:
              $ref: '#/components/responses/401'
        """
        size = _number("size", current_app.config["PAGE_SIZE"], current_app.config["MAX_PAGE_SIZE"])
        page = self.datamodel.keyset_page(self._base_filters, size, ["id", *_COLUMNS], _number("before", None, MAX_ID), None)
        cap = current_app.config["COUNT_CAP"]
        return jsonify(
            result=[_brief(mail) for mail in page.rows],
            older=None if page.older is None else str(page.older),
            count=min(page.count, cap),
            count_is_complete=page.count <= cap,
        )

    @expose("/<pk>", methods=["GET"])
    @protect()
    def get(self, pk: str) -> Response:
        """One mail
        ---
        get:
          parameters:
          - {in: path, name: pk, schema: {type: string}, required: true}
          responses:
            200:
              description: The mail with its recipients, symbols and headers
            401:
              $ref: '#/components/responses/401'
            404:
              $ref: '#/components/responses/404'
        """
        mail = get_mail(g.user, int(pk) if pk.isascii() and pk.isdigit() and len(pk) < 20 else 0)
        detail = detail_of(mail.id)
        answer = _brief(mail) | {"recipients": [recipient.address for recipient in recipients_of(mail.id)]}
        if detail:
            answer |= {
                name: getattr(detail, name)
                for name in ("header_from", "header_to", "header_date", "headers", "virus", "scan_ms", "rspamd_host")
            }
            answer["symbols"] = json.loads(detail.symbols)
        return jsonify(result=answer)


def _brief(mail: Mail) -> dict[str, Any]:
    """Ids are text: 63 bits do not fit a JavaScript number."""
    return {"id": str(mail.id), "received_at": id_time(mail.id).isoformat()} | {name: getattr(mail, name) for name in _COLUMNS}


def _number(name: str, default: int | None, most: int) -> Any:
    text = request.args.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 1 <= int(text) <= most):
        raise BadRequest(f"{name} has to be a whole number from 1 to {most}.")
    return int(text)
