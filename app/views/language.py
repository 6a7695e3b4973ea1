"""The viewer's language: chosen in the navigation or on the login page and kept in a cookie, until then what the browser asks for."""

from typing import Any

from flask import abort, current_app, g, has_request_context, redirect, request
from flask_appbuilder import AppBuilder, BaseView, expose

from app.views.back import address_before, back_url, replace_history

COOKIE = "mk_language"
_YEAR_SECONDS = 365 * 86_400


def viewer_language() -> str:
    if not has_request_context():
        return str(current_app.config["BABEL_DEFAULT_LOCALE"])
    if "_language" not in g:
        g._language = _language()
    return str(g._language)


def _language() -> str:
    offered = current_app.config["LANGUAGES"]
    for chosen in (request.args.get("_l_"), request.cookies.get(COOKIE)):
        if chosen in offered:
            return str(chosen)
    return request.accept_languages.best_match(offered) or str(current_app.config["BABEL_DEFAULT_LOCALE"])


class LanguageView(BaseView):
    """In place of FAB's, which changes the session of whoever opens a link."""

    route_base = "/lang"
    default_view = "choose"

    @expose("/", methods=["POST"])
    def choose(self) -> Any:
        chosen = request.form.get("language", "")
        if chosen not in current_app.config["LANGUAGES"]:
            abort(404)
        answer = redirect(address_before())
        sessions = current_app.session_interface
        answer.set_cookie(
            COOKIE,
            chosen,
            max_age=_YEAR_SECONDS,
            path=sessions.get_cookie_path(current_app),
            secure=sessions.get_cookie_secure(current_app),
            httponly=True,
            samesite="Lax",
        )
        return answer


class Builder(AppBuilder):
    """FAB's, with our choice of language and our way back."""

    def _add_admin_views(self) -> None:
        self.bm.register_views = self._add_language
        self.bm.get_locale = viewer_language
        current_app.extensions["babel"].locale_selector = viewer_language
        current_app.jinja_env.globals.update(back_url=back_url, language=viewer_language)
        replace_history()
        super()._add_admin_views()

    def _add_language(self) -> None:
        self.add_view_no_menu(LanguageView)
