"""GET /api/v1/mail/: the mail log for programs, under the same scope and the same bounds as the screen."""

import json

from flask import Response, current_app, g, jsonify
from flask_appbuilder.api import expose
from flask_appbuilder.security.decorators import permission_name, protect

from app.ids import id_time
from app.models import Mail, Verb
from app.queries.mail import detail_of, headers_of, recipients_of
from app.queries.visibility import get_mail, scope_of
from app.views.api import ScopedModelRestApi
from app.views.datamodel import ScopedInterface
from app.views.export import record_of
from app.views.filters import SeenMail
from app.views.mail_page import wishes_in
from app.views.mail_search import asked_page, asked_search, asked_statistics, asked_terms
from app.views.opening import opened

_MORE = ("queue_id", "message_id", "user", "copy_node", "copy_digest")


class MailApi(ScopedModelRestApi):
    resource_name = "mail"
    datamodel = ScopedInterface(Mail)
    base_filters = [["id", SeenMail, None]]
    include_route_methods = {"get", "get_list", "statistics"}
    list_columns = ["id"]
    show_columns = ["id"]
    search_columns = ["id"]

    @expose("/", methods=["GET"])
    @protect()
    def get_list(self) -> Response:
        """Mails, newest first
        ---
        get:
          description: >-
            Searched as the mail log is: `field.operator=value` any number of times, joined by AND, for example
            `sender_domain.is=example.net&score.ge=5&time.ge=2026-01-31`. Times are UTC.
          parameters:
          - {in: query, name: q, schema: {type: string}, description: "An address, domain, IP, queue id, message id, words of the subject"}
          - {in: query, name: before, schema: {type: string}, description: Only mails older than this id}
          - {in: query, name: after, schema: {type: string}, description: Only mails newer than this id}
          - {in: query, name: size, schema: {type: integer}, description: At most so many}
          responses:
            200:
              description: >-
                A page of mails. `older` is the `before` of the next. `searched_to` is set where time ran out: go on with it as `before`.
                `count` is null where only a walk through all mails could tell.
          refusals: [400]
        """
        found = asked_page(asked_search(asked_terms()))
        cap = current_app.config["COUNT_CAP"]
        return jsonify(
            result=[record_of(row) for row in found.rows],
            older=_text(found.older),
            searched_to=_text(found.searched_to),
            count=None if found.count is None else min(found.count, cap),
            count_is_complete=found.count is not None and found.count <= cap,
        )

    @expose("/statistics", methods=["GET"])
    @protect()
    @permission_name("get_list")
    def statistics(self) -> Response:
        """Sums over all that a search finds
        ---
        get:
          parameters:
          - {in: query, name: q, schema: {type: string}, description: As for the list; `field.operator=value` too}
          responses:
            200:
              description: count, stored, notified, released, virus, by action, first and last; `searched_to` where time ran out
          refusals: [400]
        """
        found = asked_statistics(asked_search(asked_terms()))
        first, last = (None if edge is None else id_time(edge).isoformat() for edge in (found.first, found.last))
        flags = {name: found.flags[name] for name in ("stored", "notified", "released", "virus")}
        return jsonify(
            result={"count": found.count, "actions": dict(found.actions), "first": first, "last": last} | flags,
            searched_to=_text(found.searched_to),
        )

    @expose("/<int:mail_id>", methods=["GET"])
    @protect()
    def get(self, mail_id: int) -> Response:
        """One mail
        ---
        get:
          parameters:
          - {in: path, name: mail_id, schema: {type: integer, format: int64}, required: true}
          - {in: header, name: X-Reason, schema: {type: string}, description: "Why somebody else's mail is opened, if AUDIT_REASON is on"}
          responses:
            200:
              description: The mail with its recipients, symbols and headers
          refusals: [404]
        """
        mail = get_mail(g.user, mail_id)
        opened(mail, Verb.MAIL_OPENED)
        detail = detail_of(mail.id)
        answer = record_of(mail) | {name: getattr(mail, name) for name in _MORE}
        recipients = recipients_of(mail.id, g.user)
        shown = [recipient.address for recipient in recipients]
        answer["personal"] = {address: wish.rpartition("_")[2] for address, wish in wishes_in(recipients, scope_of(g.user)).items()}
        answer |= {"recipients": shown, "first_rcpt": shown[0] if shown else "", "rcpt_count": len(shown)}
        if detail:
            answer |= {
                name: getattr(detail, name) for name in ("header_from", "header_to", "header_date", "virus", "scan_ms", "rspamd_host")
            }
            answer["headers"] = headers_of(detail, g.user)
            if self.appbuilder.sm.has_access("can_symbols", "MailLogView"):
                answer["symbols"] = json.loads(detail.symbols)
        return jsonify(result=answer)


def _text(mail_id: int | None) -> str | None:
    """Ids are text: 63 bits do not fit a JavaScript number."""
    return None if mail_id is None else str(mail_id)
