"""The viewer's appearance: chosen in the navigation, kept with the account, and by the browser for its login page."""

from typing import Any

from flask import abort, has_request_context, redirect, request
from flask_appbuilder import BaseView, expose
from flask_login import current_user

from app.services.settings import THEMES, choose
from app.views.back import address_before
from app.views.choices import choices, remember

COOKIE = "mk_theme"


def viewer_theme() -> str:
    """Empty: as the system has it."""
    if not has_request_context():
        return ""
    if current_user.is_authenticated:
        return choices().theme
    kept = request.cookies.get(COOKIE, "")
    return kept if kept in THEMES else ""


class ThemeView(BaseView):
    route_base = "/theme"
    default_view = "choose"

    @expose("/", methods=["POST"])
    def choose(self) -> Any:
        chosen = request.form.get("theme", "none")
        if chosen not in ("", *THEMES):
            abort(404)
        if current_user.is_authenticated:
            choose(current_user.id, theme=chosen)
        answer = redirect(address_before())
        remember(answer, COOKIE, chosen)
        return answer
