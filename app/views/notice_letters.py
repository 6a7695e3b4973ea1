"""The letters about kept mail: the queue and what was sent, what each tells of, its links made void, and another try."""

from typing import Any

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.clock import stored_now
from app.errors import BadRequest, MailkeepError
from app.models import NoticeStep
from app.queries.notice_choices import letters_scope_of
from app.queries.notice_letters import Letters, counts, job_rest, letter_of, letters, told_in
from app.queries.people import reach_of
from app.queries.visibility import scope_of
from app.security.actor import actor
from app.services.notice_acts import Unsure, try_again, void
from app.views.doing import done
from app.views.mail_search import asked_key, asked_size
from app.views.notice_page import WORDS, why_none_go

_LINES = 50


class NoticeView(BaseView):
    route_base = "/notices"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        scope = letters_scope_of(g.user)
        page, state, address = asked_letters()
        why = why_none_go()
        shown = {"page": page, "state": state, "address": address, "counts": counts(scope), "why": why}
        # What the relay said may name somebody: only who sees all letters reads it.
        shown |= {"rest": None if why else job_rest(stored_now()), "may_all": scope.everything}
        return self.render_template("notices/letters.html", title=_("Letters"), **shown, **WORDS)

    @expose("/<int:notice_id>")
    @has_access
    @permission_name("list")
    def letter(self, notice_id: int) -> Any:
        """Its mails, as far as they are to be seen by who looks."""
        row = letter_of(letters_scope_of(g.user), notice_id)
        lines, older = told_in(row.id, scope_of(g.user), before=asked_key("before"), size=_LINES)
        may_edit = self.appbuilder.sm.has_access("can_edit", self.class_permission_name)
        title = _("Letter %(number)s", number=row.id)
        return self.render_template("notices/letter.html", title=title, row=row, lines=lines, older=older, may_edit=may_edit, **WORDS)

    @expose("/<int:notice_id>/void", methods=["POST"])
    @has_access
    @permission_name("edit")
    def void(self, notice_id: int) -> Any:
        letter_of(letters_scope_of(g.user), notice_id)
        done(lambda: void(reach_of(g.user), notice_id, actor=actor()), _("Its links do nothing any more."))
        return redirect(url_for("NoticeView.letter", notice_id=notice_id))

    @expose("/<int:notice_id>/again", methods=["POST"])
    @has_access
    @permission_name("edit")
    def again(self, notice_id: int) -> Any:
        row = letter_of(letters_scope_of(g.user), notice_id)
        try:
            try_again(reach_of(g.user), notice_id, sure=request.form.get("sure") == "yes", actor=actor())
        except Unsure as why:
            return self.render_template("notices/again.html", title=_("Send it again?"), row=row, why=str(why))
        except MailkeepError as error:
            flash(str(error), "danger")
        else:
            flash(_("It is tried again with the next letters that go."), "success")
        return redirect(url_for("NoticeView.letter", notice_id=notice_id))


def asked_letters() -> tuple[Letters, str, str]:
    """The page, and what it was asked by."""
    state, address = request.args.get("state", ""), request.args.get("address", "").strip()[:320]
    if state and state not in {step.value for step in NoticeStep}:
        raise BadRequest(_("“%(name)s” has to be one of: %(choices)s.", name="state", choices=", ".join(NoticeStep)))
    return letters(letters_scope_of(g.user), state=state, address=address, before=asked_key("before"), size=asked_size()), state, address
