"""One's own sessions: in which browsers somebody is logged in, and the end of one or of all others."""

from datetime import UTC
from typing import Any

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.security.sessions import ACTS, this_browser
from app.services.sessions import end_all_sessions, end_session, sessions_of
from app.views.agents import browser_in_words


class SessionView(BaseView):
    route_base = "/sessions"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("own")
    def list(self) -> Any:
        rows = [
            {
                "digest": record.digest,
                "agent": record.agent,
                "browser": browser_in_words(record.agent),
                "ip": record.ip or "–",
                "created_at": record.created_at.replace(tzinfo=UTC),
                "seen_at": record.seen_at.replace(tzinfo=UTC),
                "acts_as": record.data.get(ACTS, {}).get("name", ""),
                "is_this": record.digest == _here(),
            }
            for record in sessions_of(g.user.id)
        ]
        return self.render_template("sessions/list.html", title=_("Active sessions"), rows=rows)

    @expose("/end", methods=["POST"])
    @has_access
    @permission_name("own")
    def end(self) -> Any:
        end_session(g.user.id, request.form.get("session", ""))
        flash(_("The session is ended."), "success")
        return redirect(url_for("SessionView.list"))

    @expose("/end-others", methods=["POST"])
    @has_access
    @permission_name("own")
    def end_others(self) -> Any:
        end_all_sessions(g.user.id, but=_here())
        flash(_("You are logged out everywhere else."), "success")
        return redirect(url_for("SessionView.list"))


def _here() -> str | None:
    record = this_browser().record
    return record.digest if record else None
