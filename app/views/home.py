"""The front door: to the mails, or to the login."""

from typing import Any

from flask import g, redirect, url_for
from flask_appbuilder import IndexView, expose


class Home(IndexView):
    @expose("/")
    def index(self) -> Any:
        return redirect(url_for("MailLogView.list") if g.user.is_authenticated else self.appbuilder.get_url_for_login)
