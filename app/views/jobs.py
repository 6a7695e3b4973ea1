"""The jobs: when each runs, how it stands, what its runs did; auditors look, admins change."""

from typing import Any

from flask import current_app, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.queries import jobs as known
from app.security.actor import actor
from app.services import jobs as service
from app.services.job import Job
from app.views.doing import done
from app.views.job_page import mark_of_run, row_of, rows_of, span

_AGAIN_SECONDS = 3
_AT_ONCE = 20


class JobView(BaseView):
    route_base = "/jobs"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        rows = rows_of(_jobs().jobs, known.states(), known.now())
        again = _AGAIN_SECONDS if any(row.goes_on for row in rows) else 0
        template = "jobs/_table.html" if "X-Fragment" in request.headers else "jobs/list.html"
        return self._page(template, title=_("Jobs"), rows=rows, again=again)

    @expose("/<name>", methods=["GET"])
    @has_access
    @permission_name("list")
    def job(self, name: str) -> Any:
        return self._job(_jobs().job(name), name)

    @expose("/<name>/runs/<int:run_id>")
    @has_access
    @permission_name("list")
    def run(self, name: str, run_id: int) -> Any:
        job, run, state = _jobs().job(name), known.run_numbered(name, run_id), known.state_named(name)
        mark = mark_of_run(run, state.token)
        return self._page("jobs/run.html", title=job.label, job=job, run=run, mark=mark, took=span(run.began_at, run.ended_at))

    @expose("/<name>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def schedule(self, name: str) -> Any:
        job, typed = _jobs().job(name), request.form.get("schedule", "")[:1000]
        if not done(lambda: service.set_schedule(job, name, typed, actor=actor()), _("The schedule is changed.")):
            return self._job(job, name, typed), 400
        return redirect(url_for("JobView.job", name=name))

    @expose("/<name>/pause", methods=["POST"])
    @has_access
    @permission_name("edit")
    def pause(self, name: str) -> Any:
        job, on = _jobs().job(name), request.form.get("on") == "yes"
        said = _("The job is paused.") if on else _("The job runs by its schedule again.")
        done(lambda: service.set_paused(job, name, on, actor=actor()), said)
        return redirect(url_for("JobView.list"))

    @expose("/<name>/run", methods=["POST"])
    @has_access
    @permission_name("edit")
    def run_now(self, name: str) -> Any:
        _jobs().job(name)
        done(lambda: service.ask_for_run(name, actor=actor()), _("It runs as soon as a process looks, within seconds."))
        return redirect(url_for("JobView.list"))

    def _job(self, job: Job, name: str, typed: str | None = None) -> Any:
        state = known.state_named(name)
        row = row_of(job, state, known.now())
        found = known.runs_of(name, _AT_ONCE + 1, request.args.get("before", type=int))
        runs = [(run, mark_of_run(run, state.token), span(run.began_at, run.ended_at)) for run in found[:_AT_ONCE]]
        older = found[_AT_ONCE - 1].id if len(found) > _AT_ONCE else None
        shown = row.schedule if typed is None else typed
        zone = current_app.config["JOBS_ZONE"]
        return self._page("jobs/job.html", title=job.label, row=row, runs=runs, older=older, typed=shown, zone=zone)

    def _page(self, template: str, **values: Any) -> Any:
        may_edit = self.appbuilder.sm.has_access("can_edit", self.class_permission_name)
        return self.render_template(template, may_edit=may_edit, is_on=current_app.config["JOBS"], **values)


def _jobs() -> Any:
    return current_app.extensions["mailkeep_scheduler"]
