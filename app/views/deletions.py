"""Deleting a stored copy or a whole mail: asked for on its page or in a list, confirmed where that is needed, undone while it waits."""

from typing import Any

from flask import current_app, flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.errors import BadRequest, MailkeepError
from app.models import Extent
from app.queries.deletions import deleting_of
from app.queries.visibility import get_mail
from app.security.actor import actor
from app.services.deletion import ask, delete_later, undo
from app.views.back import address_before
from app.views.doing import done
from app.views.opening import reasoned
from app.views.undoing import back_to, said_with_undo


class DeletionView(BaseView):
    route_base = "/mails"
    default_view = "delete"

    @expose("/<int:mail_id>/delete", methods=["POST"])
    @has_access
    @permission_name("delete")
    def delete(self, mail_id: int) -> Any:
        mail = get_mail(g.user, mail_id)
        reasoned(mail)
        extent = _extent(request.form.get("extent", ""))
        deleting = deleting_of(g.user, mail)
        needs_word = extent == Extent.MAIL or not current_app.config["UNDO_SECONDS"]
        if needs_word and deleting.allows(extent) and request.form.get("sure") != "yes":
            title = _("Delete this mail?") if extent == Extent.MAIL else _("Delete the stored copy?")
            return self.render_template("deletions/confirm.html", title=title, mail=mail, extent=extent, back=address_before())
        try:
            ask(deleting, mail_id, extent, actor=actor())
        except MailkeepError as error:
            flash(str(error), "danger")
        else:
            delete_later()
            words = _("The mail is deleted.") if extent == Extent.MAIL else _("The stored copy is deleted.")
            said_with_undo(words, "DeletionView.keep", mail_id)
            if extent == Extent.MAIL and _is_its_page(mail_id):
                return redirect(url_for("MailLogView.list"))
        return redirect(back_to(mail_id))

    @expose("/<int:mail_id>/keep", methods=["POST"])
    @has_access
    @permission_name("delete")
    def keep(self, mail_id: int) -> Any:
        mail = get_mail(g.user, mail_id)
        done(lambda: undo(deleting_of(g.user, mail), mail_id, actor=actor()), _("Nothing is deleted."))
        return redirect(back_to(mail_id))


def _is_its_page(mail_id: int) -> bool:
    """Which is gone soon."""
    return address_before().startswith(url_for("MailLogView.show", pk=mail_id))


def _extent(text: str) -> Extent:
    try:
        return Extent(text)
    except ValueError:
        raise BadRequest(_("Say what is to be deleted: the copy or the mail.")) from None
