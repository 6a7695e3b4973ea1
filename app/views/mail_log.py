"""The mail log: every scanned mail, newest first, and the page of one."""

import json
from typing import Any

from flask import abort, current_app
from flask_appbuilder.widgets import ListWidget, ShowWidget
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape
from wtforms import StringField

from app.models import Mail, MailDetail
from app.queries.mail import detail_of, recipients_of
from app.rspamd.actions import tone_of
from app.views.base import KeysetModelView
from app.views.datamodel import ScopedInterface
from app.views.filters import SeenMail


class MailListWidget(ListWidget):
    template = "mails/list.html"


class MailShowWidget(ShowWidget):
    template = "mails/show.html"


class MailLogView(KeysetModelView):
    route_base = "/mails"
    datamodel = ScopedInterface(Mail)
    base_filters = [["id", SeenMail, None]]
    include_route_methods = {"list", "show"}
    list_title = _l("Mails")
    show_title = _l("Mail")
    list_widget = MailListWidget
    show_widget = MailShowWidget
    list_columns = ["id", "action", "score", "mail_from", "first_rcpt", "subject", "size", "node"]
    list_query_columns = [
        *list_columns,
        "mime_from",
        "rcpt_count",
        "copy_state",
        "has_virus",
        "direction",
        "release_state",
        "notice_state",
    ]
    show_columns = ["id"]
    search_columns = [
        "first_rcpt",
        "mail_from",
        "mail_from_domain",
        "mime_from",
        "mime_from_domain",
        "ip",
        "action",
        "queue_id",
        "message_id",
    ]
    search_form_extra_fields = {"ip": StringField(_l("IP address"))}
    label_columns = {
        "id": _l("Time"),
        "action": _l("Action"),
        "score": _l("Score"),
        "mail_from": _l("From"),
        "mail_from_domain": _l("Sender domain"),
        "mime_from": _l("Header From"),
        "mime_from_domain": _l("Header From domain"),
        "first_rcpt": _l("To"),
        "subject": _l("Subject"),
        "size": _l("Size"),
        "node": _l("Node"),
        "ip": _l("IP address"),
        "queue_id": _l("Queue id"),
        "message_id": _l("Message id"),
    }

    def _get_show_widget(self, pk: Any, item: Any, widgets: Any = None, actions: Any = None, show_fieldsets: Any = None) -> Any:  # noqa: ARG002
        detail = detail_of(item.id)
        widgets = widgets or {}
        widgets["show"] = self.show_widget(
            pk=str(item.id),
            mail=item,
            detail=detail,
            recipients=recipients_of(item.id),
            symbols=_symbols(detail),
            modelview_name=type(self).__name__,
        )
        return widgets

    def _show(self, pk: Any) -> Any:
        item = self.datamodel.get(pk, self._base_filters)
        if item is None:
            abort(404, _("There is no such mail."))
        return self._get_show_widget(pk, item, {"related_views": []})


def _symbols(detail: MailDetail | None) -> list[dict[str, Any]]:
    """Heaviest first, in either direction."""
    try:
        found = json.loads(detail.symbols) if detail else []
    except ValueError:
        return []
    return sorted(found, key=lambda symbol: -abs(symbol.get("score", 0)))


def badge(action: str) -> Markup:
    """The word counts; the colour only repeats it."""
    return Markup('<span class="badge-action tone-{}">{}</span>').format(tone_of(action), escape(action or _("unknown")))


def size(count: int | None) -> str:
    if count is None:
        return ""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def capped(count: int) -> str:
    cap = current_app.config["COUNT_CAP"]
    return f"{cap:,}+" if count > cap else f"{count:,}"


FILTERS = {"badge": badge, "bytes": size, "capped": capped}
