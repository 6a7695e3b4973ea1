"""/api/v1/mail/ID/release and its like: a stored mail read as it is, sent on, and what has become of that, for programs."""

from typing import Any

from flask import Response, g, jsonify
from flask_appbuilder.api import expose
from flask_appbuilder.security.decorators import permission_name, protect
from flask_babel import gettext as _

from app.errors import BadRequest
from app.models import Release, Verb
from app.queries.releases import releases_of, releasing_of
from app.queries.visibility import scope_of
from app.security.actor import actor
from app.services.reading import raw_for
from app.services.release import Unconfirmed, ask, undo
from app.services.release_sending import send_later
from app.views.api import MailActApi


class RawApi(MailActApi):
    class_permission_name = "MessageView"

    @expose("/<int:mail_id>/raw", methods=["GET"])
    @protect()
    @permission_name("download")
    def raw(self, mail_id: int) -> Response:
        """The stored mail
        ---
        get:
          parameters:
          - {in: path, name: mail_id, schema: {type: integer, format: int64}, required: true}
          responses:
            200:
              description: Byte for byte as it came, but for what its header tells one recipient of the others
              content:
                message/rfc822: {schema: {type: string, format: binary}}
            401:
              $ref: '#/components/responses/401'
            404:
              $ref: '#/components/responses/404'
        """
        mail = self.asked_mail(mail_id, verb=Verb.MAIL_DOWNLOADED, is_piece=False)
        headers = {"Content-Disposition": f'attachment; filename="mail-{mail.id}.eml"', "Cache-Control": "no-store"}
        return Response(raw_for(mail, scope_of(g.user)), mimetype="message/rfc822", headers=headers)


class ReleaseApi(MailActApi):
    class_permission_name = "ReleaseView"

    @expose("/<int:mail_id>/releases", methods=["GET"])
    @protect()
    @permission_name("show")
    def releases(self, mail_id: int) -> Response:
        """What has become of the releases of a mail
        ---
        get:
          parameters:
          - {in: path, name: mail_id, schema: {type: integer, format: int64}, required: true}
          responses:
            200:
              description: One for each time and address, newest first, with its state and the relay's words
            401:
              $ref: '#/components/responses/401'
            404:
              $ref: '#/components/responses/404'
        """
        mail = self.asked_mail(mail_id)
        return jsonify(result=[_told(row) for row in releases_of(mail.id, scope_of(g.user))])

    @expose("/<int:mail_id>/release", methods=["POST"])
    @protect()
    @permission_name("release")
    def release(self, mail_id: int) -> Any:
        """Send a stored mail on
        ---
        post:
          parameters:
          - {in: path, name: mail_id, schema: {type: integer, format: int64}, required: true}
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [to]
                  properties:
                    to: {type: array, items: {type: string}, description: Addresses; recipients of the mail or where allowed others}
                    sure: {type: boolean, description: A virus may go, and again to those who have it or may have it}
                    now: {type: boolean, description: "Without the time in which it can be undone"}
          responses:
            202:
              description: It waits or is sent; the rows tell
            401:
              $ref: '#/components/responses/401'
            403:
              $ref: '#/components/responses/403'
            404:
              $ref: '#/components/responses/404'
            409:
              description: It is on its way already, or has to be confirmed with `sure`; `again` and `virus` tell why
        """
        mail, asked = self.asked_mail(mail_id), self.asked()
        targets = asked.get("to")
        if not isinstance(targets, list) or not all(isinstance(each, str) for each in targets):
            raise BadRequest(_("“to” has to be a list of addresses."))
        wanted = [each.strip() for each in targets if each.strip()]
        try:
            ids = ask(
                releasing_of(g.user, mail),
                mail.id,
                wanted,
                sure=asked.get("sure") is True,
                at_once=asked.get("now") is True,
                actor=actor(),
            )
        except Unconfirmed as question:
            return jsonify(message=str(question), again=list(question.again), virus=question.virus), 409
        send_later()
        return jsonify(result=[_told(row) for row in releases_of(mail.id, scope_of(g.user)) if row.id in ids]), 202

    @expose("/<int:mail_id>/releases/<int:release_id>", methods=["DELETE"])
    @protect()
    @permission_name("release")
    def undo(self, mail_id: int, release_id: int) -> Any:
        """Undo a release that has not gone yet
        ---
        delete:
          parameters:
          - {in: path, name: mail_id, schema: {type: integer, format: int64}, required: true}
          - {in: path, name: release_id, schema: {type: integer}, required: true}
          responses:
            200:
              description: Nothing was sent
            401:
              $ref: '#/components/responses/401'
            404:
              $ref: '#/components/responses/404'
            409:
              description: It is too late
        """
        mail = self.asked_mail(mail_id)
        undo(releasing_of(g.user, mail), mail.id, release_id, actor=actor())
        return jsonify(message=_("The release is undone: nothing was sent."))


def _told(row: Release) -> dict[str, Any]:
    return {
        "id": row.id,
        "to": row.target,
        "state": row.state,
        "tried_again": row.is_tried_again,
        "reply": row.reply,
        "asked_at": row.asked_at.isoformat(),
        "asked_by": row.asked_by,
        "sent_at": row.sent_at.isoformat() if row.sent_at else None,
    }
