"""Accounts and their addresses, for whoever looks after them: all of them, or those of the recipients in some domains."""

import secrets
from functools import partial
from typing import Any

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.errors import MailkeepError
from app.forms.notices import typed_times
from app.models.people import User
from app.queries.access_keys import keys_of
from app.queries.people import Reach, addresses_by_user, domains_by_user, find_people, person_of, reach_of, roles_to_give, ways_by_user
from app.roles import Role
from app.security.acting import may_act_as
from app.security.actor import actor
from app.security.reset import Purpose, send_link
from app.services import access_keys, addresses, passwords, people, second_factor
from app.services.letters import can_carry_links
from app.services.notice_choices import choose
from app.services.sessions import end_all_sessions
from app.views.doing import done
from app.views.notice_page import letters_to

ROLE_LABELS: dict[str, Any] = {
    Role.ADMIN: _l("Admin: everything"),
    Role.DOMAIN_ADMIN: _l("Domain admin: the mail and the recipients of some domains"),
    Role.AUDITOR: _l("Auditor: sees what happened to all mail, never its content"),
    Role.RECIPIENT: _l("Recipient: the mail to their own addresses"),
}
_NEW = people.Person("", "", "", "", (Role.RECIPIENT,))


class PeopleView(BaseView):
    route_base = "/people"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        text, after = request.args.get("q", "").strip()[:100], request.args.get("after", "")[:100]
        found = find_people(reach_of(g.user), text, after)
        return self.render_template(
            "people/list.html",
            title=_("People"),
            found=found,
            addresses=addresses_by_user(found.rows),
            domains=domains_by_user(found.rows),
            ways=ways_by_user(found.rows),
            q=text,
            after=after,
            may_edit=self._may("can_edit"),
        )

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def new(self) -> Any:
        """Without a password one is made, and shown once, or a link goes out to choose one."""
        reach, typed = reach_of(g.user), _NEW
        if request.method == "POST":
            typed = _typed(reach, request.form.get("username", ""))
            password = request.form.get("password", "") or secrets.token_urlsafe(12)
            try:
                user = people.make_person(reach, typed, password, must_change="must_change" in request.form, actor=actor())
            except MailkeepError as error:
                flash(str(error), "danger")
            else:
                flash(_("The account %(name)s is made.", name=user.username), "success")
                if not request.form.get("password"):
                    _hand_over(user, password)
                return _back_to(user)
        return self._form(reach, None, typed)

    @expose("/<int:user_id>", methods=["GET"])
    @has_access
    @permission_name("list")
    def person(self, user_id: int) -> Any:
        reach = reach_of(g.user)
        user = person_of(reach, user_id)
        return self._form(reach, user, _as_typed(user))

    @expose("/<int:user_id>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def change(self, user_id: int) -> Any:
        reach = reach_of(g.user)
        user = person_of(reach, user_id)
        typed = _typed(reach, user.username, user)
        try:
            people.change_person(reach, user, typed, actor=actor())
        except MailkeepError as error:
            flash(str(error), "danger")
            return self._form(reach, user, typed)
        flash(_("The account is changed."), "success")
        return _back_to(user)

    @expose("/<int:user_id>/addresses", methods=["POST"])
    @has_access
    @permission_name("edit")
    def address(self, user_id: int) -> Any:
        """`remove` takes one away, `change` makes it another, `add` adds one."""
        reach = reach_of(g.user)
        user = person_of(reach, user_id)
        added, removed, changed = (request.form.get(field, "") for field in ("add", "remove", "change"))
        if removed:
            done(lambda: addresses.remove_address(reach, user, removed, actor=actor()), _("The address is removed."))
        elif changed:
            done(lambda: addresses.change_address(reach, user, changed, added, actor=actor()), _("The address is changed."))
        else:
            done(lambda: addresses.add_address(reach, user, added, actor=actor()), _("The address is added."))
        return _back_to(user)

    @expose("/<int:user_id>/letters", methods=["POST"])
    @has_access
    @permission_name("edit")
    def letters(self, user_id: int) -> Any:
        reach = reach_of(g.user)
        user = person_of(reach, user_id)
        times, who = typed_times(request.form), actor()
        done(lambda: choose(user_id, times, by=who.name, actor=who, reach=reach), _("The choice counts from now on."))
        return _back_to(user)

    @expose("/<int:user_id>/password", methods=["POST"])
    @has_access
    @permission_name("edit")
    def password(self, user_id: int) -> Any:
        """One's own asks for the present one, on a page of its own."""
        reach = reach_of(g.user)
        user = person_of(reach, user_id)
        if user.id == g.user.id:
            return redirect(url_for("ProfileView.profile"))
        given, must_change = request.form.get("password", ""), "must_change" in request.form
        done(lambda: passwords.give_password(reach, user, given, must_change=must_change, actor=actor()), _("The password is changed."))
        return _back_to(user)

    @expose("/<int:user_id>/second-factor", methods=["POST"])
    @has_access
    @permission_name("edit")
    def second_factor(self, user_id: int) -> Any:
        """Takes it away, for a lost device. One's own asks for a proof, on a page of its own."""
        reach = reach_of(g.user)
        user = person_of(reach, user_id)
        if user.id == g.user.id:
            return redirect(url_for("SecondFactorView.show"))
        take_away = partial(second_factor.take_away, reach, user, actor=actor())
        done(take_away, _("The second factor of %(name)s is removed.", name=user.username))
        return _back_to(user)

    @expose("/<int:user_id>/link", methods=["POST"])
    @has_access
    @permission_name("edit")
    def link(self, user_id: int) -> Any:
        user = person_of(reach_of(g.user), user_id)
        _send_link(user, Purpose.RESET)
        return _back_to(user)

    @expose("/<int:user_id>/logout", methods=["POST"])
    @has_access
    @permission_name("edit")
    def logout(self, user_id: int) -> Any:
        """Everywhere, at once."""
        user = person_of(reach_of(g.user), user_id)
        done(lambda: end_all_sessions(user.id), _("%(name)s is logged out everywhere.", name=user.username))
        return _back_to(user)

    @expose("/<int:user_id>/keys", methods=["POST"])
    @has_access
    @permission_name("edit")
    def revoke_key(self, user_id: int) -> Any:
        user = person_of(reach_of(g.user), user_id)
        number = request.form.get("key", type=int, default=0)
        done(lambda: access_keys.revoke_key(user, number, actor=actor()), _("The key is revoked."))
        return _back_to(user)

    @expose("/<int:user_id>/delete", methods=["POST"])
    @has_access
    @permission_name("delete")
    def delete(self, user_id: int) -> Any:
        user = person_of(reach_of(g.user), user_id)
        if user.id == g.user.id:
            flash(_("Nobody deletes their own account."), "danger")
            return _back_to(user)
        deleted = done(lambda: people.delete_user(user, actor=actor()), _("The account %(name)s is deleted.", name=user.username))
        return redirect(url_for("PeopleView.list")) if deleted else _back_to(user)

    def _may(self, permission: str) -> bool:
        return bool(self.appbuilder.sm.has_access(permission, self.class_permission_name))

    def _form(self, reach: Reach, user: User | None, typed: people.Person) -> Any:
        labels = {role: ROLE_LABELS.get(role, role) for role in roles_to_give(reach)}
        return self.render_template(
            "people/person.html",
            title=user.username if user else _("New account"),
            user=user,
            typed=typed,
            roles=labels | {role: role for role in typed.roles if role not in labels},
            addresses=addresses_by_user([user])[user.id] if user else [],
            ways=ways_by_user([user])[user.id] if user else [],
            api_keys=keys_of(user.id) if user else (),
            may_edit=self._may("can_edit"),
            may_delete=user is not None and user.id != g.user.id and self._may("can_delete"),
            may_act=user is not None and may_act_as(g.user, user),
            gives_domains=reach.everybody,
            shortest=passwords.SHORTEST_PASSWORD,
            can_mail=can_carry_links(),
            invites="invite" in request.form,
            choose_at=url_for("PeopleView.letters", user_id=user.id) if user and self._may("can_edit") else "",
            **(letters_to(user) if user else {}),
        )


def _hand_over(user: User, password: str) -> None:
    if "invite" in request.form and can_carry_links():
        _send_link(user, Purpose.INVITATION)
    else:
        flash(_("Its password, shown this once: %(password)s", password=password), "warning")


def _send_link(user: User, purpose: Purpose) -> None:
    sender, address = actor(), user.email  # before the transaction ends, in which both were read
    done(lambda: send_link(user, purpose, actor=sender), _("A link to choose a password is on its way to %(address)s.", address=address))


def _back_to(user: User) -> Any:
    return redirect(url_for("PeopleView.person", user_id=user.id))


def _typed(reach: Reach, username: str, user: User | None = None) -> people.Person:
    """Domains are left as they are where they are not one's own to give."""
    form = request.form
    domains = tuple(form.get("domains", "").replace(",", " ").split()) if reach.everybody else ()
    return people.Person(
        username=username,
        first_name=form.get("first_name", "").strip()[:64],
        last_name=form.get("last_name", "").strip()[:64],
        email=form.get("email", ""),
        roles=tuple(form.getlist("roles")),
        domains=domains,
        active=user is None or "active" in form,
    )


def _as_typed(user: User) -> people.Person:
    return people.Person(
        user.username,
        user.first_name,
        user.last_name,
        user.email,
        tuple(role.name for role in user.roles),
        tuple(domains_by_user([user])[user.id]),
        bool(user.active),
    )
