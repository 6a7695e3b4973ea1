"""Requests: asked on a mail's page, decided in a queue one by one or several at once, and everybody's own."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from flask import current_app, flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.errors import BadRequest, MailkeepError
from app.models import Decision, Verb
from app.queries.requests import asking_of, deciding_of, own_requests, queue_of, requests_called
from app.queries.visibility import get_mail
from app.security.actor import actor
from app.services.release import Unconfirmed
from app.services.request_letters import tell_later
from app.services.requests import approve, ask_for, close, deny
from app.views.back import address_before
from app.views.doing import done
from app.views.mail_search import asked_key
from app.views.opening import opened
from app.views.request_page import WORDS, decided_words

_PAGE = 50
_ACTS = ("approve", "deny", "close")


class RequestView(BaseView):
    route_base = "/requests"
    default_view = "list"

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> Any:
        """What is theirs to decide; for who decides nothing, their own."""
        deciding = deciding_of(g.user)
        if deciding.is_nothing:
            return redirect(url_for("RequestView.own"))
        is_open = request.args.get("state") != "decided"
        page = queue_of(deciding, is_open=is_open, before=asked_key("before"), size=_PAGE)
        tab = "open" if is_open else "decided"
        return self.render_template("requests/list.html", title=_l("Requests"), page=page, tab=tab, decides=True, **WORDS)

    @expose("/own")
    @has_access
    @permission_name("list")
    def own(self) -> Any:
        page = own_requests(g.user.id, before=asked_key("before"), size=_PAGE)
        decides = not deciding_of(g.user).is_nothing
        return self.render_template("requests/list.html", title=_l("Requests"), page=page, tab="own", decides=decides, **WORDS)

    @expose("/ask/<int:mail_id>", methods=["POST"])
    @has_access
    @permission_name("ask")
    def ask(self, mail_id: int) -> Any:
        mail = get_mail(g.user, mail_id)
        opened(mail, Verb.MAIL_OPENED, is_piece=True)
        ask = partial(ask_for, asking_of(g.user, mail), mail_id, request.form.get("comment", ""), actor=actor())
        done(ask, _("The release is requested. This page will say how it was decided."))
        return redirect(url_for("MailLogView.show", pk=mail_id, _anchor="request"))

    @expose("/decide", methods=["POST"])
    @has_access
    @permission_name("decide")
    def decide(self) -> Any:
        """Each by itself: what fails keeps none of the others from being decided."""
        act, words = request.form.get("act", ""), request.form.get("words", "")
        ids = _ticked()
        if act not in _ACTS:
            raise BadRequest(_("That is no decision."))
        if not 1 <= len(ids) <= current_app.config["MAX_PAGE_SIZE"]:
            flash(_("Choose some rows first."), "warning")
            return redirect(_back())
        sure = request.form.get("sure") == "yes"
        unsure = _decided(ids, _act_of(act, words, sure))
        if unsure:
            title = _("Release these mails?")
            return self.render_template(
                "requests/confirm.html", title=title, rows=requests_called(deciding_of(g.user), unsure), words=words, back=_back()
            )
        return redirect(_back())


def _act_of(act: str, words: str, sure: bool) -> Callable[[int], Decision]:
    deciding, who = deciding_of(g.user), actor()

    def decided(request_id: int) -> Decision:
        if act == "approve":
            return approve(deciding, request_id, words, sure=sure, actor=who)
        (deny if act == "deny" else close)(deciding, request_id, words, actor=who)
        return Decision.DENIED if act == "deny" else Decision.CLOSED

    return decided


def _decided(ids: Sequence[int], act: Callable[[int], Decision]) -> Sequence[int]:
    """Those that have to be confirmed first."""
    came: dict[Decision, int] = {}
    unsure, wrong = [], dict[str, None]()
    for request_id in ids:
        try:
            decision = act(request_id)
        except Unconfirmed:
            unsure.append(request_id)
        except MailkeepError as error:
            wrong[str(error)] = None
        else:
            came[decision] = came.get(decision, 0) + 1
            tell_later(request_id)
    for decision, count in came.items():
        flash(decided_words(decision, count), "success")
    for sentence in wrong:
        flash(sentence, "danger")
    return unsure


def _ticked() -> list[int]:
    """Nobody ticks a row twice."""
    return [int(text) for text in dict.fromkeys(request.form.getlist("rowid")) if text.isascii() and text.isdigit() and len(text) < 20]


def _back() -> str:
    return address_before() if request.form.get("mk_back") or request.referrer else url_for("RequestView.list")
