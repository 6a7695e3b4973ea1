"""Acts on many mails: confirmed with their number, begun, watched, cancelled and undone."""

from typing import Any

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import ngettext

from app.errors import MailkeepError, NotAllowed, NotFound
from app.forms.bulk import ACT_WORDS, STATE_WORDS
from app.forms.search import as_pairs
from app.models import BulkRun
from app.queries.bulk import run_of, runs_of
from app.security.acting import acting
from app.security.actor import actor
from app.services.acts import ACTS, Act
from app.services.bulk import begin, cancel, undo_all
from app.views.bulk_page import confirm_values, meant_of_form, needs_reason, order_of, problem_of, run_values, terms_of_form, token_of_form
from app.views.doing import done
from app.views.mail_log import search_url
from app.views.mail_search import asked_key

_RUNS = 50
_LONGEST_REASON = 500


class BulkView(BaseView):
    route_base = "/bulk"
    default_view = "runs"

    @expose("/")
    @has_access
    @permission_name("act")
    def runs(self) -> Any:
        found = runs_of(g.user, _RUNS + 1, asked_key("before"))
        older = found[_RUNS - 1].id if len(found) > _RUNS else None
        return self.render_template(
            "bulk/list.html", title=_("Acts on many mails"), runs=found[:_RUNS], older=older, acts=ACT_WORDS, states=STATE_WORDS
        )

    @expose("/confirm/<act>", methods=["POST"])
    @has_access
    @permission_name("act")
    def confirm(self, act: str) -> Any:
        """What would be done, to how many, and the first of them."""
        return self._asked(self._act(act), is_meant=False)

    @expose("/begin/<act>", methods=["POST"])
    @has_access
    @permission_name("act")
    def begin(self, act: str) -> Any:
        return self._asked(self._act(act), is_meant=True)

    def _asked(self, act: Act, *, is_meant: bool) -> Any:
        terms = terms_of_form()
        if not act.is_offered(g.user):
            flash(_("This cannot be done here, or not by you."), "danger")
            return redirect(search_url("list", as_pairs(terms)))
        meant = meant_of_form(terms)
        if not meant.total:
            flash(_("No mail is chosen: tick some first."), "warning")
            return redirect(search_url("list", as_pairs(terms)))
        token = token_of_form() if is_meant else ""
        if not is_meant or (problem := problem_of(act, meant, token)):
            page = self.render_template("bulk/confirm.html", **confirm_values(act, meant, problem if is_meant else ""))
            return page, 400 if is_meant else 200
        both = acting()
        options = [name for name in request.form.getlist("option") if name in act.options]
        reason = both.reason if both else request.form.get("reason", "").strip()[:_LONGEST_REASON] if needs_reason() else ""
        return redirect(url_for("BulkView.run", run_id=begin(order_of(act, token, options, meant, reason), actor=actor())))

    @expose("/<int:run_id>")
    @has_access
    @permission_name("act")
    def run(self, run_id: int) -> Any:
        """How far it is: a page of its own, or the piece of it that is asked for again."""
        values = run_values(self._run(run_id))
        template = "bulk/_run.html" if "X-Fragment" in request.headers else "bulk/run.html"
        return self.render_template(template, title=_("Acts on many mails"), **values)

    @expose("/<int:run_id>/cancel", methods=["POST"])
    @has_access
    @permission_name("act")
    def cancel(self, run_id: int) -> Any:
        self._run(run_id)
        done(lambda: cancel(run_id, actor=actor()), _("It is cancelled: the rest is not done."))
        return redirect(url_for("BulkView.run", run_id=run_id))

    @expose("/<int:run_id>/undo", methods=["POST"])
    @has_access
    @permission_name("act")
    def undo(self, run_id: int) -> Any:
        self._run(run_id)
        try:
            undone, late = undo_all(g.user, run_id, actor=actor())
        except MailkeepError as error:
            flash(str(error), "danger")
        else:
            if undone or not late:
                flash(ngettext("It is undone for %(num)s mail.", "It is undone for %(num)s mails.", undone), "success")
            if late:
                flash(ngettext("For %(num)s mail it was too late.", "For %(num)s mails it was too late.", late), "warning")
        return redirect(url_for("BulkView.run", run_id=run_id))

    def _run(self, run_id: int) -> BulkRun:
        found = run_of(g.user, run_id)
        if found is None:
            raise NotFound(_("There is no such act."))
        return found

    def _act(self, name: str) -> Act:
        if name not in ACTS:
            raise NotFound(_("There is no such act."))
        if not self.appbuilder.sm.has_access(*ACTS[name].grant):
            raise NotAllowed(_("You may not do this."))
        return ACTS[name]
