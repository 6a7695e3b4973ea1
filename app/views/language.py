"""The viewer's language: the account's, else the cookie's that the login page or the navigation has set, else what the browser asks for."""

from typing import Any

from flask import abort, current_app, has_request_context, redirect, request
from flask_appbuilder import AppBuilder, BaseView, expose
from flask_login import current_user

from app.services.settings import choose
from app.views.back import address_before, back_url, replace_history
from app.views.choices import choices, remember
from app.views.theme import ThemeView, viewer_theme

COOKIE = "mk_language"


def viewer_language() -> str:
    if not has_request_context():
        return str(current_app.config["BABEL_DEFAULT_LOCALE"])
    offered = current_app.config["LANGUAGES"]
    for chosen in (request.args.get("_l_"), choices().language, request.cookies.get(COOKIE)):
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
        if current_user.is_authenticated:
            choose(current_user.id, language=chosen)
        answer = redirect(address_before())
        remember(answer, COOKIE, chosen)
        return answer


class Builder(AppBuilder):
    """FAB's, with our choice of language and our way back."""

    def _add_admin_views(self) -> None:
        self.bm.register_views = self._add_language
        self.bm.get_locale = viewer_language
        current_app.extensions["babel"].locale_selector = viewer_language
        current_app.jinja_env.globals.update(back_url=back_url, language=viewer_language, theme=viewer_theme)
        replace_history()
        super()._add_admin_views()

    def _add_language(self) -> None:
        self.add_view_no_menu(LanguageView)
        self.add_view_no_menu(ThemeView)
