"""The mail log: every scanned mail, newest first, searched and read; and the page of one."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Response, current_app, g, jsonify, redirect, render_template, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from app.clock import utcnow
from app.errors import BadRequest
from app.forms.audit import VERBS
from app.forms.labels import FIELD_LABELS, OP_LABELS, offered, term_label
from app.forms.map_words import WHYS
from app.forms.maps import READY_MADE
from app.forms.search import Term, as_pairs, read_terms
from app.ids import TIME_SHIFT, id_time
from app.models import Mail, Verb
from app.queries.audit import openings_of
from app.queries.fields import Filter, Op
from app.queries.mail import detail_of
from app.queries.map_offers import offers_for
from app.queries.related import related_mails
from app.queries.scope import NOBODY, Scope
from app.queries.search import Found, find
from app.queries.searches import searches_of
from app.queries.visibility import get_mail, is_admin_here, scope_of
from app.security.actor import actor
from app.services.audit import recorded
from app.services.released import origin_of
from app.views.base import ScopedModelView
from app.views.bulk_page import bar_of
from app.views.datamodel import ScopedInterface
from app.views.deletion_page import deletion_of
from app.views.export import exported
from app.views.filters import SeenMail
from app.views.holds import holds_of
from app.views.learning_page import learning_for
from app.views.mail_page import page_of, symbols_of
from app.views.mail_search import asked_key, asked_page, asked_search, asked_size, asked_statistics, asked_terms, chips, hidden_fields
from app.views.opening import opened
from app.views.release_page import release_of
from app.views.request_page import requests_on
from app.views.row_acts import acts_of
from app.views.zone import viewer_zone

log = logging.getLogger(__name__)
_OVERLAP_MS = 10_000


class MailLogView(ScopedModelView):
    route_base = "/mails"
    datamodel = ScopedInterface(Mail)
    base_filters = [["id", SeenMail, None]]
    include_route_methods = {"list", "find", "newer", "statistics", "export", "show", "symbols", "related"}
    list_title = _l("Mails")
    show_columns = ["id"]
    search_columns = ["id"]

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """What cannot be searched for is said above an empty list, with the search as it was typed."""
        terms: Sequence[Term] = []
        try:
            terms = asked_terms()
            search = asked_search(terms)
            return self._page(terms, asked_page(search), search.scope)
        except BadRequest as error:
            return self._page(terms, Found([]), NOBODY, str(error)), 400

    def _page(self, terms: Sequence[Term], found: Found, scope: Scope, error: str = "") -> Any:
        return self.render_template(
            "mails/list.html",
            title=self.list_title,
            terms=terms,
            chips=chips(terms),
            query=as_pairs(terms),
            found=found,
            acts=acts_of(g.user, found.rows, scope, self.appbuilder.sm),
            error=error,
            offered=offered(hidden_fields()),
            all_ops=OP_LABELS,
            searches=searches_of(g.user.id),
            is_admin=is_admin_here(g.user),
            may_export=self.appbuilder.sm.has_access("can_export", self.class_permission_name),
            size=request.args.get("size"),
            today=utcnow().astimezone(viewer_zone()).date(),
            url=search_url,
            bulk=bar_of(g.user, self.appbuilder.sm, as_pairs(terms)),
            live="before" not in request.args and "after" not in request.args,
        )

    @expose("/find")
    @has_access
    @permission_name("list")
    def find(self) -> Any:
        """The search form without a script: lists of fields, operators and values become the one URL of that search."""
        args: MultiDict[str, str] = request.args
        pairs = [("q", args["q"])] if args.get("q") else []
        for field, op, value in zip(args.getlist("f"), args.getlist("o"), args.getlist("v"), strict=False):
            if field and (value.strip() or op == "empty"):
                pairs.append((f"{field}.{op}", value))
        return redirect(search_url("list", as_pairs(read_terms(pairs, hidden_fields())), size=args.get("size") or None))

    @expose("/newer")
    @has_access
    @permission_name("list")
    def newer(self) -> Any:
        """The newest rows since shortly before the newest on screen: a mail may be committed after a later one.

        `more` says that they are not all: the page is better loaded anew."""
        newest = asked_key("after") or 0
        search = asked_search(asked_terms())
        since = Filter("time", Op.GE, (id_time(max(0, newest - (_OVERLAP_MS << TIME_SHIFT))), None))
        found = find(replace(search, filters=(*search.filters, since)), asked_size(), seconds=current_app.config["SEARCH_SECONDS"], cap=1)
        last = max([newest, *(row.id for row in found.rows)])
        ticks = bar_of(g.user, self.appbuilder.sm, ()) is not None
        acts = acts_of(g.user, found.rows, search.scope, self.appbuilder.sm)
        rows = render_template("mails/_rows.html", rows=found.rows, ticks=ticks, acts=acts)
        return jsonify(rows=rows, newest=str(last), more=found.older is not None)

    @expose("/statistics")
    @has_access
    @permission_name("list")
    def statistics(self) -> Any:
        terms = asked_terms()
        found = asked_statistics(asked_search(terms))
        template = "mails/_statistics.html" if "X-Fragment" in request.headers else "mails/statistics.html"
        return self.render_template(
            template, title=_("Statistics"), statistics=found, query=as_pairs(terms), chips=chips(terms), url=search_url
        )

    @expose("/export")
    @has_access
    @permission_name("export")
    def export(self) -> Response:
        terms = asked_terms()
        search = asked_search(terms)
        kind = request.args.get("format", "csv")
        log.info("%s exports as %s: %s", g.user.username, kind, "; ".join(map(term_label, terms)) or "all mails")
        recorded(actor(), Verb.LOG_EXPORTED, "log", kind, after={"search": [term_label(term) for term in terms]})
        return exported(search, kind)

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> Any:
        mail = get_mail(g.user, _mail_id(pk))
        openings = () if opened(mail, Verb.MAIL_OPENED) else openings_of(mail.id)
        sm, name = self.appbuilder.sm, self.class_permission_name
        may_see_symbols = sm.has_access("can_symbols", name)
        may_read = mail.is_stored and sm.has_access("can_read", "MessageView")
        values = page_of(mail, g.user) | {"may_see_symbols": may_see_symbols, "may_read": may_read, "openings": openings, "verbs": VERBS}
        offers = offers_for(g.user, mail) if sm.has_access("can_edit", "MapView") else ()
        values |= {"offers": offers, "whys": WHYS, "ready_made": READY_MADE, "release": release_of(g.user, mail, sm)}
        values |= {"requests": requests_on(g.user, mail, sm), "origin": origin_of(detail_of(mail.id))}
        values["learning"] = learning_for(g.user, mail, sm)
        values["holds"] = holds_of(mail, sm)
        values["deletion"] = deletion_of(g.user, mail, sm)
        return self.render_template("mails/show.html", title=_("Mail"), mail=mail, url=search_url, **values)

    @expose("/symbols/<pk>")
    @has_access
    def symbols(self, pk: str) -> Any:
        mail = get_mail(g.user, _mail_id(pk))
        opened(mail, Verb.MAIL_OPENED, is_piece=True)
        template = "mails/_symbols.html" if "X-Fragment" in request.headers else "mails/symbols.html"
        return self.render_template(template, title=_("Symbols"), mail=mail, symbols=symbols_of(detail_of(mail.id)))

    @expose("/related/<pk>")
    @has_access
    @permission_name("list")
    def related(self, pk: str) -> Any:
        mail = get_mail(g.user, _mail_id(pk))
        opened(mail, Verb.MAIL_OPENED, is_piece=True)
        found = related_mails(mail, scope_of(g.user))
        template = "mails/_related.html" if "X-Fragment" in request.headers else "mails/related.html"
        return self.render_template(template, title=_("Related mails"), mail=mail, related=found, labels=FIELD_LABELS, url=search_url)


def _mail_id(text: str) -> int:
    """0, which no mail has, for what is no id."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def search_url(door: str, pairs: Sequence[tuple[str, str]], **more: Any) -> str:
    """A search as a URL of the list, or of another of its doors."""
    values: dict[str, Any] = {**MultiDict(pairs).to_dict(flat=False), **more}
    return url_for(f"MailLogView.{door}", **values)
