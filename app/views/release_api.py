"""/api/v1/mail/ID/release and its like: a stored mail read as it is, sent on, and what has become of that, for programs."""

from typing import Any

from flask import Response, g, jsonify
from flask_appbuilder.api import expose
from flask_appbuilder.security.decorators import permission_name, protect
from flask_babel import gettext as _

from app.errors import BadRequest
from app.models import Mail, Release, Verb
from app.queries.releases import releases_of, releasing_of
from app.queries.visibility import scope_of
from app.security.actor import actor
from app.services.reading import raw_for
from app.services.release import Unconfirmed, ask, undo
from app.services.release_sending import send_later
from app.services.with_release import Also, do_also
from app.views.api import MailActApi, asked_flag, asked_words
from app.views.release_page import also_for, asked_mode


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
          refusals: [404]
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
          refusals: [404]
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
                    mode: {type: string, enum: [as_it_was, attached], description: How it goes; without it as the site prefers}
                    sure: {type: boolean, description: "A virus may go, and again to those who have it or may have it"}
                    now: {type: boolean, description: "Without the time in which it can be undone"}
                    learn: {type: boolean, description: "Besides, Rspamd learns it as ham"}
                    allow: {type: boolean, description: "Besides, its sender is allowed for your own addresses"}
                    wrong: {type: boolean, description: "Besides, the administrators are told that it was wrongly held back"}
          responses:
            202:
              description: It waits or is sent; `result` tells, and `also` what came of what was asked for besides
          refusals: [400, 404, 409]
        """
        return self._release(self.asked_mail(mail_id), self.asked())

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
          refusals: [404, 409]
        """
        mail = self.asked_mail(mail_id)
        undo(releasing_of(g.user, mail), mail.id, release_id, actor=actor())
        return jsonify(message=_("The release is undone: nothing was sent."))

    def _release(self, mail: Mail, asked: dict[str, Any]) -> Any:
        targets = asked.get("to")
        if not isinstance(targets, list) or not all(isinstance(each, str) for each in targets):
            raise BadRequest(_("“to” has to be a list of addresses."))
        wanted = [each.strip() for each in targets if each.strip()]
        also = [each for each in Also if asked_flag(asked, each)]
        may_also = also_for(g.user, mail, [each.lower() for each in wanted], self.appbuilder.sm)
        try:
            ids = ask(
                releasing_of(g.user, mail),
                mail.id,
                wanted,
                mode=asked_mode(asked_words(asked, "mode")),
                sure=asked_flag(asked, "sure"),
                at_once=asked_flag(asked, "now"),
                actor=actor(),
            )
        except Unconfirmed as question:
            return self.unconfirmed(question, again=list(question.again), virus=question.virus)
        send_later(ids)
        told = [{"done": each.is_done, "message": each.words} for each in do_also(may_also, mail.id, also, actor=actor())]
        rows = [_told(row) for row in releases_of(mail.id, scope_of(g.user)) if row.id in ids]
        return jsonify(result=rows, also=told), 202


def _told(row: Release) -> dict[str, Any]:
    return {
        "id": row.id,
        "to": row.target,
        "mode": row.mode,
        "state": row.state,
        "tried_again": row.is_tried_again,
        "reply": row.reply,
        "asked_at": row.asked_at.isoformat(),
        "asked_by": row.asked_by,
        "sent_at": row.sent_at.isoformat() if row.sent_at else None,
    }
