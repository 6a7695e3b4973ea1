"""A stored mail sent on: asked for on its page, confirmed where that is needed, undone while it waits."""

from typing import Any

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import ngettext

from app.errors import MailkeepError
from app.models import Verb
from app.queries.releases import releasing_of
from app.queries.visibility import get_mail
from app.security.actor import actor
from app.services.release import Unconfirmed, ask, undo
from app.services.release_sending import send_later
from app.services.with_release import Also, do_also
from app.views.doing import done
from app.views.opening import opened
from app.views.release_page import also_for, asked_mode, told_of


class ReleaseView(BaseView):
    route_base = "/mails"
    default_view = "releases"

    @expose("/<int:mail_id>/releases")
    @has_access
    @permission_name("show")
    def releases(self, mail_id: int) -> Any:
        """What has become of them: a page of its own, or the piece that the mail's page asks for."""
        mail = get_mail(g.user, mail_id)
        opened(mail, Verb.MAIL_OPENED, is_piece=True)
        may_release = self.appbuilder.sm.has_access("can_release", self.class_permission_name)
        template = "releases/_states.html" if "X-Fragment" in request.headers else "releases/states.html"
        return self.render_template(template, title=_("Released"), mail=mail, **told_of(g.user, mail, may_release))

    @expose("/<int:mail_id>/release", methods=["POST"])
    @has_access
    @permission_name("release")
    def release(self, mail_id: int) -> Any:
        mail = get_mail(g.user, mail_id)
        opened(mail, Verb.MAIL_OPENED, is_piece=True)
        targets = [text.strip() for text in request.form.getlist("to") if text.strip()]
        sure = request.form.get("sure") == "yes"
        mode, also = asked_mode(request.form.get("mode", "")), [each for each in Also if each in request.form.getlist("also")]
        may_also = also_for(g.user, mail, [target.lower() for target in targets], self.appbuilder.sm)
        try:
            ids = ask(releasing_of(g.user, mail), mail_id, targets, mode=mode, sure=sure, actor=actor())
        except Unconfirmed as question:
            title = _("Release this mail?")
            return self.render_template(
                "releases/confirm.html",
                title=title,
                mail=mail,
                targets=targets,
                again=question.again,
                virus=question.virus,
                mode=mode,
                also=also,
            )
        except MailkeepError as error:
            flash(str(error), "danger")
        else:
            send_later(ids)
            flash(ngettext("The mail goes to %(num)s recipient.", "The mail goes to %(num)s recipients.", len(ids)), "success")
            for told in do_also(may_also, mail_id, also, actor=actor()):
                flash(told.words, "success" if told.is_done else "warning")
        return redirect(_there(mail_id))

    @expose("/<int:mail_id>/undo/<int:release_id>", methods=["POST"])
    @has_access
    @permission_name("release")
    def undo(self, mail_id: int, release_id: int) -> Any:
        mail = get_mail(g.user, mail_id)
        opened(mail, Verb.MAIL_OPENED, is_piece=True)
        done(lambda: undo(releasing_of(g.user, mail), mail_id, release_id, actor=actor()), _("The release is undone: nothing was sent."))
        return redirect(_there(mail_id))


def _there(mail_id: int) -> str:
    return url_for("MailLogView.show", pk=mail_id, _anchor="release")
