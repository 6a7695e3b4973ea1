"""/api/v1/mail/ID/request and /api/v1/mail/requests: a release asked for, and decided, for programs."""

from collections.abc import Callable
from typing import Any

from flask import Response, g, jsonify, request
from flask_appbuilder.api import expose
from flask_appbuilder.security.decorators import permission_name, protect
from flask_babel import gettext as _

from app.errors import BadRequest
from app.models import Decision, MailRequest
from app.queries.requests import Requested, asking_of, deciding_of, own_requests, queue_of, requests_of
from app.queries.visibility import scope_of
from app.security.actor import actor
from app.services.release import Unconfirmed
from app.services.request_letters import tell_later
from app.services.requests import approve, ask_for, close, deny
from app.views.api import MailActApi, asked_flag, asked_words
from app.views.mail_search import asked_key, asked_size
from app.views.request_page import decided_words


class RequestApi(MailActApi):
    class_permission_name = "RequestView"

    @expose("/<int:mail_id>/request", methods=["POST"])
    @protect()
    @permission_name("ask")
    def ask(self, mail_id: int) -> Any:
        """Ask those who may release a mail to send it to you
        ---
        post:
          parameters:
          - {in: path, name: mail_id, schema: {type: integer, format: int64}, required: true}
          requestBody:
            content:
              application/json:
                schema: {type: object, properties: {comment: {type: string, description: Why you need it}}}
          responses:
            202:
              description: It waits for a decision
          refusals: [400, 404, 409]
        """
        mail = self.asked_mail(mail_id)
        ask_for(asking_of(g.user, mail), mail_id, asked_words(self.asked(), "comment"), actor=actor())
        return jsonify(message=_("The release is requested."), result=_of_mail(mail_id)), 202

    @expose("/<int:mail_id>/requests", methods=["GET"])
    @protect()
    @permission_name("list")
    def of_mail(self, mail_id: int) -> Response:
        """What was asked for a mail, as far as it concerns addresses of yours
        ---
        get:
          parameters:
          - {in: path, name: mail_id, schema: {type: integer, format: int64}, required: true}
          responses:
            200:
              description: Newest first, each with its state (open, approved, denied, overtaken or closed) and who decided it
          refusals: [404]
        """
        return jsonify(result=_of_mail(self.asked_mail(mail_id).id))

    @expose("/requests", methods=["GET"])
    @protect()
    @permission_name("list")
    def queue(self) -> Response:
        """The requests that are yours to decide; your own, where you decide none
        ---
        get:
          parameters:
          - {in: query, name: state, schema: {type: string, enum: [open, decided]}, description: Without it those that wait}
          - {in: query, name: own, schema: {type: boolean}, description: "Those that you have asked, in any state"}
          - {in: query, name: before, schema: {type: integer}, description: Only those with a lower number}
          - {in: query, name: size, schema: {type: integer}, description: At most so many}
          responses:
            200:
              description: Newest first. `older` is the `before` of the next page; `meanwhile` is released, no_copy or gone, or nothing
          refusals: [400]
        """
        deciding, state = deciding_of(g.user), request.args.get("state", "open")
        if state not in ("open", "decided"):
            raise BadRequest(_("“%(name)s” has to be one of: %(choices)s.", name="state", choices="open, decided"))
        before, size = asked_key("before"), asked_size()
        if asked_flag(request.args, "own") or deciding.is_nothing:
            page = own_requests(g.user.id, before=before, size=size)
        else:
            page = queue_of(deciding, is_open=state == "open", before=before, size=size)
        return jsonify(result=[_in_queue(each) for each in page.rows], older=page.older)

    @expose("/requests/<int:request_id>/approve", methods=["POST"])
    @protect()
    @permission_name("decide")
    def approve(self, request_id: int) -> Any:
        """Approve a request: the mail goes
        ---
        post:
          parameters:
          - {in: path, name: request_id, schema: {type: integer}, required: true}
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    words: {type: string, description: To who asked}
                    sure: {type: boolean, description: A virus may go}
          responses:
            200:
              description: It went there meanwhile; nothing more is sent
            202:
              description: The mail goes
          refusals: [404, 409]
        """
        asked = self.asked()
        sure = asked_flag(asked, "sure")
        try:
            return self._decided(request_id, lambda words: approve(deciding_of(g.user), request_id, words, sure=sure, actor=actor()), asked)
        except Unconfirmed as question:
            return self.unconfirmed(question, again=list(question.again), virus=question.virus)

    @expose("/requests/<int:request_id>/deny", methods=["POST"])
    @protect()
    @permission_name("decide")
    def deny(self, request_id: int) -> Any:
        """Deny a request
        ---
        post:
          parameters:
          - {in: path, name: request_id, schema: {type: integer}, required: true}
          requestBody:
            content:
              application/json:
                schema: {type: object, properties: {words: {type: string, description: To who asked}}}
          responses:
            200:
              description: It is denied
          refusals: [404, 409]
        """

        def denied(words: str) -> Decision:
            deny(deciding_of(g.user), request_id, words, actor=actor())
            return Decision.DENIED

        return self._decided(request_id, denied, self.asked())

    @expose("/requests/<int:request_id>/close", methods=["POST"])
    @protect()
    @permission_name("decide")
    def close(self, request_id: int) -> Any:
        """Close what was told: that a mail was wrongly held back
        ---
        post:
          parameters:
          - {in: path, name: request_id, schema: {type: integer}, required: true}
          requestBody:
            content:
              application/json:
                schema: {type: object, properties: {words: {type: string, description: To who told it}}}
          responses:
            200:
              description: It is closed
          refusals: [404, 409]
        """

        def closed(words: str) -> Decision:
            close(deciding_of(g.user), request_id, words, actor=actor())
            return Decision.CLOSED

        return self._decided(request_id, closed, self.asked())

    @staticmethod
    def _decided(request_id: int, act: Callable[[str], Decision], asked: dict[str, Any]) -> Any:
        decision = act(asked_words(asked, "words"))
        tell_later(request_id)
        goes = decision is Decision.APPROVED
        return jsonify(message=decided_words(decision, 1), result={"id": request_id, "state": decision.value}), 202 if goes else 200


def _of_mail(mail_id: int) -> list[dict[str, Any]]:
    return [_told(row) for row in requests_of(mail_id, scope_of(g.user))]


def _told(row: MailRequest) -> dict[str, Any]:
    return {
        "id": row.id,
        "mail": str(row.mail_id),
        "asks": row.asks,
        "to": row.address,
        "state": row.state,
        "asked_by": row.asked_by,
        "asked_at": row.asked_at.isoformat(),
        "comment": row.comment,
        "decided_by": row.decided_by,
        "decided_at": row.decided_at.isoformat() if row.decided_at else None,
        "words": row.words,
    }


def _in_queue(each: Requested) -> dict[str, Any]:
    """What the screen tells of the mail, and no more: its other recipients are nobody's business here."""
    mail, told = each.mail, _told(each.row) | {"meanwhile": each.fate.value if each.fate else None}
    if mail is None:
        return told
    of_mail = {name: getattr(mail, name) for name in ("subject", "mail_from", "mime_from", "action", "score", "has_virus")}
    return told | of_mail
