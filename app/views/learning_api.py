"""/api/v1/mail/ID/learn, /rescan and what came of them: Rspamd taught with a stored mail, and the mail scanned again, for programs."""

from typing import Any

from flask import Response, g, jsonify
from flask_appbuilder.api import expose
from flask_appbuilder.security.decorators import permission_name, protect
from flask_babel import gettext as _

from app.errors import BadRequest
from app.queries.learning import learning_of
from app.rspamd.lessons import Lesson
from app.security.actor import actor
from app.services.learning import Again, learn
from app.services.rescanning import scan_again
from app.views.api import MailActApi, asked_flag, asked_words
from app.views.learning import said_of
from app.views.learning_page import Scanned, Told, lessons_for, rescans_for

_LESSONS = {lesson.value.replace("-", "_"): lesson for lesson in Lesson}


class LessonApi(MailActApi):
    """On the screen a part of the mail's page, for whoever sees that."""

    class_permission_name = "MailLogView"

    @expose("/<int:mail_id>/lessons", methods=["GET"])
    @protect()
    @permission_name("show")
    def lessons(self, mail_id: int) -> Response:
        """What Rspamd was taught with a mail
        ---
        get:
          parameters:
          - {in: path, name: mail_id, schema: {type: integer, format: int64}, required: true}
          responses:
            200:
              description: Newest first, each with its state (asked, done, known, refused, failed, or unknown) and Rspamd's words
          refusals: [404]
        """
        return jsonify(result=[_lesson(told) for told in lessons_for(g.user, self.asked_mail(mail_id))])


class LearningApi(MailActApi):
    class_permission_name = "LearningView"

    @expose("/<int:mail_id>/learn", methods=["POST"])
    @protect()
    @permission_name("learn")
    def learn(self, mail_id: int) -> Any:
        """Teach Rspamd with a stored mail
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
                  required: [lesson]
                  properties:
                    lesson: {type: string, enum: [spam, ham, fuzzy_add, fuzzy_delete]}
                    sure: {type: boolean, description: Also what it was taught already}
          responses:
            200:
              description: Rspamd was asked; whether it has learned it is told by `state`, which is done, known, refused or failed
          refusals: [400, 404, 409]
        """
        mail, asked = self.asked_mail(mail_id), self.asked()
        lesson = _LESSONS.get(asked_words(asked, "lesson"))
        if lesson is None:
            raise BadRequest(_("“%(name)s” has to be one of: %(choices)s.", name="lesson", choices=", ".join(_LESSONS)))
        try:
            taught = learn(learning_of(g.user, mail), mail_id, lesson, sure=asked_flag(asked, "sure"), actor=actor())
        except Again as question:
            return self.unconfirmed(question)
        told = next(told for told in lessons_for(g.user, mail) if told.row.id == taught.id)
        return jsonify(message=said_of(taught)[0], result=_lesson(told))

    @expose("/<int:mail_id>/rescan", methods=["POST"])
    @protect()
    @permission_name("rescan")
    def rescan(self, mail_id: int) -> Any:
        """Have a stored mail scanned again
        ---
        post:
          parameters:
          - {in: path, name: mail_id, schema: {type: integer, format: int64}, required: true}
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    node: {type: string, description: Whose Rspamd; without it that of the node to which the mail came}
          responses:
            200:
              description: What Rspamd says of it today; its symbols beside those it had, for who may see symbols
          refusals: [400, 404, 409]
        """
        mail, node = self.asked_mail(mail_id), asked_words(self.asked(), "node").strip()
        row_id = scan_again(learning_of(g.user, mail), mail_id, node or None, actor=actor())
        told = [self._rescan(each) for each in rescans_for(g.user, mail) if each.row.id == row_id]
        return jsonify(message=_("The mail was scanned again."), result=told[0] if told else None)

    @expose("/<int:mail_id>/rescans", methods=["GET"])
    @protect()
    @permission_name("show")
    def rescans(self, mail_id: int) -> Response:
        """What Rspamd said of a mail each time that it was scanned again
        ---
        get:
          parameters:
          - {in: path, name: mail_id, schema: {type: integer, format: int64}, required: true}
          responses:
            200:
              description: Newest first
          refusals: [404]
        """
        mail = self.asked_mail(mail_id)
        return jsonify(result=[self._rescan(each) for each in rescans_for(g.user, mail)])

    def _rescan(self, scanned: Scanned) -> dict[str, Any]:
        row = scanned.row
        told: dict[str, Any] = {"id": row.id, "node": row.node, "version": row.version, "action": row.action, "score": row.score}
        told["at"] = row.at.isoformat()
        if scanned.has_name:
            told["asked_by"] = row.asked_by
        if self.appbuilder.sm.has_access("can_symbols", "MailLogView"):
            told["symbols"] = [
                {"name": each.name, "before": each.before, "after": each.after, "change": each.change.value} for each in scanned.symbols
            ]
        return told


def _lesson(told: Told) -> dict[str, Any]:
    row = told.row
    who = {"asked_by": row.asked_by, "on_behalf_of": row.on_behalf_of} if told.has_name else {}
    return {
        "id": row.id,
        "lesson": row.lesson.replace("-", "_"),
        "node": row.node,
        "state": "unknown" if told.is_lost else row.state,
        "reply": told.reply,
        "at": row.at.isoformat(),
    } | who
