"""GET /api/v1/mail/ID/timeline: what happened to a mail, for programs, as far as its viewer may know it."""

from typing import Any

from flask import Response, g, jsonify
from flask_appbuilder.api import expose
from flask_appbuilder.security.decorators import permission_name, protect

from app.views.api import MailActApi
from app.views.timeline import Line, lines_of


class TimelineApi(MailActApi):
    class_permission_name = "MailLogView"

    @expose("/<int:mail_id>/timeline", methods=["GET"])
    @protect()
    @permission_name("show")
    def timeline(self, mail_id: int) -> Response:
        """What happened to a mail
        ---
        get:
          parameters:
          - {in: path, name: mail_id, schema: {type: integer, format: int64}, required: true}
          responses:
            200:
              description: Newest first, each with its time, its sentence and, where it is one of the audit trail, its verb and step
          refusals: [404]
        """
        mail = self.asked_mail(mail_id)
        return jsonify(result=[_told(line) for line in lines_of(g.user, mail)])


def _told(line: Line) -> dict[str, Any]:
    told: dict[str, Any] = {"at": line.at.isoformat(), "sentence": line.sentence}
    event = line.event
    if event is None:
        return told
    kept = {name: event.told[name] for name in ("step", "to", "reply") if event.told.get(name)}
    who = {"by": event.who, "on_behalf_of": event.on_behalf_of, "reason": event.reason}
    return told | {"verb": event.verb, "is_own": event.is_own} | kept | {name: text for name, text in who.items() if text}
