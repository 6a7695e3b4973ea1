"""Rspamd taught with a stored mail, and the mail scanned again: asked for on its page."""

from typing import Any

from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.errors import MailkeepError
from app.models import Verb
from app.queries.learning import learning_of
from app.queries.visibility import get_mail
from app.rspamd.lessons import Learnt, Lesson
from app.security.actor import actor
from app.services.learning import Again, Taught, learn
from app.services.rescanning import scan_again
from app.views.doing import done
from app.views.learning_page import CHANGES, LESSONS, rescans_for
from app.views.opening import opened


class LearningView(BaseView):
    route_base = "/mails"
    default_view = "rescans"

    @expose("/<int:mail_id>/learn/<lesson>", methods=["POST"])
    @has_access
    @permission_name("learn")
    def learn(self, mail_id: int, lesson: str) -> Any:
        if lesson not in {each.value for each in Lesson}:
            abort(404)
        mail = get_mail(g.user, mail_id)
        opened(mail, Verb.MAIL_OPENED, is_piece=True)
        sure = request.form.get("sure") == "yes"
        try:
            taught = learn(learning_of(g.user, mail), mail_id, Lesson(lesson), sure=sure, actor=actor())
        except Again as question:
            return self.render_template(
                "learning/confirm.html", title=_("Teach it once more?"), mail=mail, lesson=lesson, what=LESSONS[lesson], said=str(question)
            )
        except MailkeepError as error:
            flash(str(error), "danger")
        else:
            flash(*said_of(taught))
        return redirect(_there(mail_id))

    @expose("/<int:mail_id>/rescan", methods=["POST"])
    @has_access
    @permission_name("rescan")
    def rescan(self, mail_id: int) -> Any:
        mail = get_mail(g.user, mail_id)
        opened(mail, Verb.MAIL_OPENED, is_piece=True)
        node = request.form.get("node") or None
        done(lambda: scan_again(learning_of(g.user, mail), mail_id, node, actor=actor()), _("The mail was scanned again."))
        return redirect(_there(mail_id))

    @expose("/<int:mail_id>/rescans")
    @has_access
    @permission_name("show")
    def rescans(self, mail_id: int) -> Any:
        """What Rspamd says today beside what it said: a page of its own, or the piece that the mail's page asks for."""
        mail = get_mail(g.user, mail_id)
        opened(mail, Verb.MAIL_OPENED, is_piece=True)
        has_symbols = self.appbuilder.sm.has_access("can_symbols", "MailLogView")
        template = "learning/_rescans.html" if "X-Fragment" in request.headers else "learning/rescans.html"
        return self.render_template(
            template, title=_("Scanned again"), mail=mail, scanned=rescans_for(g.user, mail), has_symbols=has_symbols, changes=CHANGES
        )


def said_of(taught: Taught) -> tuple[str, str]:
    match taught.state:
        case Learnt.DONE:
            return _("Rspamd on %(node)s has learned it.", node=taught.node), "success"
        case Learnt.KNOWN:
            return _("Rspamd on %(node)s knew it already.", node=taught.node), "info"
        case _:
            return _("Rspamd has not learned it: %(why)s", why=taught.reply), "danger"


def _there(mail_id: int) -> str:
    return url_for("MailLogView.show", pk=mail_id, _anchor="learning")
