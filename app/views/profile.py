"""One's own account."""

from typing import Any

from flask import g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.forms.notices import typed_times
from app.queries.people import addresses_by_user
from app.queries.visibility import domains_of, roles_of
from app.security.actor import actor
from app.services import passwords, people, settings
from app.services.notice_choices import choose
from app.views.choices import choices, remember
from app.views.doing import done
from app.views.language import COOKIE as LANGUAGE_COOKIE
from app.views.notice_page import letters_to
from app.views.own import change_password_as_typed
from app.views.theme import COOKIE as THEME_COOKIE


class ProfileView(BaseView):
    route_base = "/profile"
    default_view = "profile"

    @expose("/", methods=["GET"])
    @has_access
    @permission_name("edit")
    def profile(self) -> Any:
        return self.render_template(
            "people/profile.html",
            title=_("Your account"),
            user=g.user,
            addresses=addresses_by_user([g.user])[g.user.id],
            roles=sorted(roles_of(g.user)),
            domains=domains_of(g.user),
            shortest=passwords.SHORTEST_PASSWORD,
            choices=choices(),
            zones=settings.zones(),
            choose_at=url_for("ProfileView.letters"),
            **letters_to(g.user),
        )

    @expose("/letters", methods=["POST"])
    @has_access
    @permission_name("edit")
    def letters(self) -> Any:
        times, who = typed_times(request.form), actor()
        done(lambda: choose(g.user.id, times, by=who.name, actor=who), _("Your choice counts from now on."))
        return redirect(url_for("ProfileView.profile", _anchor="letters"))

    @expose("/choices", methods=["POST"])
    @has_access
    @permission_name("edit")
    def choices(self) -> Any:
        """The browser keeps language and appearance, too: it is how its login page looks."""
        language, zone, theme = (request.form.get(field, "") for field in ("language", "zone", "theme"))
        answer = redirect(url_for("ProfileView.profile"))
        if done(lambda: settings.choose(g.user.id, language=language, zone=zone, theme=theme), _("Your choice counts from now on.")):
            remember(answer, LANGUAGE_COOKIE, language)
            remember(answer, THEME_COOKIE, theme)
        return answer

    @expose("/name", methods=["POST"])
    @has_access
    @permission_name("edit")
    def name(self) -> Any:
        first, last = (request.form.get(field, "") for field in ("first_name", "last_name"))
        done(lambda: people.change_own_name(g.user, first, last, actor=actor()), _("Your name is changed."))
        return redirect(url_for("ProfileView.profile"))

    @expose("/password", methods=["POST"])
    @has_access
    @permission_name("edit")
    def password(self) -> Any:
        change_password_as_typed()
        return redirect(url_for("ProfileView.profile"))
