"""What holds for letters beside each account's own choice: rules of domains, and addresses that want none."""

from typing import Any

from flask import current_app, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.errors import NotFound
from app.forms.notices import typed_times
from app.models.notice import NEVER
from app.queries.addressees import usual_of_recipients
from app.queries.notice_choices import domain_rule, domain_rules, letters_scope_of, refusals
from app.queries.people import reach_of
from app.security.actor import actor
from app.services.notice_choices import accept_again, refuse
from app.services.notice_domains import DomainRule, remove_domain, rule_of, set_domain
from app.views.doing import done
from app.views.notice_page import WORDS, as_the_site_says


class NoticeDomainView(BaseView):
    route_base = "/notices/domains"
    class_permission_name = "NoticeView"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        scope = letters_scope_of(g.user)
        rules = [rule_of(row) for row in domain_rules(scope)]
        free = sorted(set(scope.domains) - {rule.domain for rule in rules})
        shown = {
            "rules": rules,
            "free": free,
            "may_edit": self._may_edit(),
            "usual": as_the_site_says(),
            "is_nobody_told": usual_of_recipients() == NEVER,
        }
        return self.render_template("notices/domains.html", title=_("Letters"), **shown, **WORDS)

    @expose("/rule")
    @has_access
    @permission_name("list")
    def rule(self) -> Any:
        """Of `domain`, as it stands; one of which nothing is said is a new one."""
        domain = request.args.get("domain", "").strip().lower()[:255]
        scope = letters_scope_of(g.user)
        if not (scope.everything or domain in scope.domains):
            raise NotFound(_("There is no such domain."))
        row = domain_rule(domain)
        return self._form(rule_of(row, domain), is_new=row is None)

    @expose("/rule", methods=["POST"])
    @has_access
    @permission_name("edit")
    def save(self) -> Any:
        typed = _typed()
        answer = redirect(url_for("NoticeDomainView.list"))
        said = _("From now on this holds for %(domain)s.", domain=typed.domain)
        saved = done(lambda: set_domain(reach_of(g.user), typed, actor=actor()), said)
        return answer if saved else self._form(typed, is_new=False)

    @expose("/remove", methods=["POST"])
    @has_access
    @permission_name("edit")
    def remove(self) -> Any:
        domain = request.form.get("domain", "")[:255]
        said = _("Nothing is set for %(domain)s any more.", domain=domain)
        done(lambda: remove_domain(reach_of(g.user), domain, actor=actor()), said)
        return redirect(url_for("NoticeDomainView.list"))

    def _form(self, rule: DomainRule, *, is_new: bool) -> Any:
        title = _("Letters about mail to %(domain)s", domain=rule.domain) if rule.domain else _("Letters about the mail of a domain")
        shown = {"rule": rule, "is_new": is_new, "may_edit": self._may_edit(), "languages": current_app.config["LANGUAGES"]}
        shown |= {"may_all": letters_scope_of(g.user).everything, "usual": as_the_site_says()}
        return self.render_template("notices/domain.html", title=title, **shown, **WORDS)

    def _may_edit(self) -> bool:
        return bool(self.appbuilder.sm.has_access("can_edit", self.class_permission_name))


class NoticeRefusalView(BaseView):
    route_base = "/notices/refusals"
    class_permission_name = "NoticeView"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        text, after = request.args.get("q", "").strip()[:320], request.args.get("after", "")[:320]
        page = refusals(letters_scope_of(g.user), text, after)
        may_edit = self.appbuilder.sm.has_access("can_edit", self.class_permission_name)
        return self.render_template("notices/refusals.html", title=_("Letters"), page=page, q=text, after=after, may_edit=may_edit)

    @expose("/add", methods=["POST"])
    @has_access
    @permission_name("edit")
    def add(self) -> Any:
        address, who = request.form.get("address", "")[:400], actor()
        refused = done(lambda: refuse(address, by=who.name, actor=who, reach=reach_of(g.user)), _("The address gets no letters any more."))
        return redirect(url_for("NoticeRefusalView.list", q=None if refused else address or None))

    @expose("/remove", methods=["POST"])
    @has_access
    @permission_name("edit")
    def remove(self) -> Any:
        address = request.form.get("address", "")[:400]
        done(lambda: accept_again(address, actor=actor(), reach=reach_of(g.user)), _("The address may get letters again."))
        return redirect(url_for("NoticeRefusalView.list"))


def _typed() -> DomainRule:
    form = request.form
    return DomainRule(
        domain=form.get("domain", "")[:300].strip().lower(),
        times=typed_times(form),
        everybody="everybody" in form,
        language=form.get("language", "")[:10],
        watchers=tuple(form.get("watchers", "")[:20_000].replace(",", " ").split()),
        watch_times=typed_times(form, "watch_"),
    )
