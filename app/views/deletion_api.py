"""DELETE /api/v1/mail/ID and its copy, and what keeps them while they wait, for programs."""

from typing import Any

from flask import current_app, g, jsonify, request
from flask_appbuilder.api import expose
from flask_appbuilder.security.decorators import permission_name, protect
from flask_babel import gettext as _

from app.models import Extent
from app.queries.deletions import deleting_of, waiting_deletions
from app.queries.visibility import get_mail
from app.security.actor import actor
from app.services.deletion import ask, delete_later, undo
from app.views.api import MailActApi, asked_flag


class DeletionApi(MailActApi):
    class_permission_name = "DeletionView"

    @expose("/<int:mail_id>", methods=["DELETE"])
    @protect()
    @permission_name("delete")
    def delete(self, mail_id: int) -> Any:
        """Delete a mail and all that is known of it
        ---
        delete:
          parameters:
          - {in: path, name: mail_id, schema: {type: integer, format: int64}, required: true}
          - {in: query, name: sure, schema: {type: boolean}, description: It is meant; without it nothing is deleted}
          responses:
            202:
              description: It waits until it cannot be undone any more
          refusals: [404, 409]
        """
        return self._delete(mail_id, Extent.MAIL)

    @expose("/<int:mail_id>/copy", methods=["DELETE"])
    @protect()
    @permission_name("delete")
    def delete_copy(self, mail_id: int) -> Any:
        """Delete the stored copy of a mail; what the log knows of it stays
        ---
        delete:
          parameters:
          - {in: path, name: mail_id, schema: {type: integer, format: int64}, required: true}
          - {in: query, name: sure, schema: {type: boolean}, description: It is meant; needed where the site leaves no time to undo it}
          responses:
            202:
              description: It waits until it cannot be undone any more
          refusals: [404, 409]
        """
        return self._delete(mail_id, Extent.COPY)

    @expose("/<int:mail_id>/keep", methods=["POST"])
    @protect()
    @permission_name("delete")
    def keep(self, mail_id: int) -> Any:
        """Undo a deletion that waits
        ---
        post:
          parameters:
          - {in: path, name: mail_id, schema: {type: integer, format: int64}, required: true}
          responses:
            200:
              description: Nothing is deleted
          refusals: [404, 409]
        """
        mail = get_mail(g.user, mail_id)
        undo(deleting_of(g.user, mail), mail_id, actor=actor())
        return jsonify(message=_("Nothing is deleted."))

    def _delete(self, mail_id: int, extent: Extent) -> Any:
        mail, sure = get_mail(g.user, mail_id), asked_flag(request.args, "sure")
        deleting, is_mail = deleting_of(g.user, mail), extent is Extent.MAIL
        if deleting.allows(extent) and not sure and (is_mail or not current_app.config["UNDO_SECONDS"]):
            return self.unconfirmed(_("Delete this mail?") if is_mail else _("Delete the stored copy?"))
        ask(deleting, mail_id, extent, actor=actor())
        row = waiting_deletions([mail_id]).get(mail_id)
        due = row.due_at.isoformat() if row else None
        delete_later()
        words = _("The mail is deleted.") if is_mail else _("The stored copy is deleted.")
        return jsonify(message=words, result={"id": str(mail_id), "extent": extent.value, "due_at": due}), 202
