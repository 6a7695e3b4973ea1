"""The front door: to the mails, to what else an account may open, or to the login."""

from typing import Any

from flask import abort, current_app, g, redirect, url_for
from flask_appbuilder import IndexView, expose


class Home(IndexView):
    @expose("/")
    def index(self) -> Any:
        if not g.user.is_authenticated:
            return redirect(self.appbuilder.get_url_for_login)
        return redirect(first_screen() or abort(403))


def first_screen() -> str:
    """Where an account begins: with the mails, else where its menu does. Empty: it may open nothing, which error.html explains."""
    appbuilder = current_app.extensions["appbuilder"]
    if appbuilder.sm.has_access("can_list", "MailLogView"):
        return url_for("MailLogView.list")
    open_to = (item for item in appbuilder.menu.get_list() if appbuilder.sm.has_access("menu_access", item.name))
    return next((str(url) for item in open_to if (url := item.get_url())), "")
