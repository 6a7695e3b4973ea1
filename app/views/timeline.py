"""What happened to a mail, in sentences, the newest first: its own times, and what the audit trail has of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import g, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.forms.audit import VERBS
from app.models import CopyState, Mail, Verb
from app.queries.notice_links import LinkAct
from app.queries.timeline import Happened, happened_to
from app.queries.visibility import get_mail, scope_of
from app.rspamd.lessons import Learnt
from app.views.formats import action_word, score
from app.views.learning_page import LESSONS
from app.views.opening import opened

# By verb and step, where there are steps: tone, icon, sentence. What is not here is called as the audit trail calls it.
SENTENCES: dict[tuple[str, str], tuple[str, str, Any]] = {
    (Verb.MAIL_RELEASED, "asked"): ("wait", "fa-share", _l("It was to be released to %(to)s.")),
    (Verb.MAIL_RELEASED, "sent"): ("good", "fa-share", _l("It was sent to %(to)s.")),
    (Verb.MAIL_RELEASED, "failed"): ("bad", "fa-ban", _l("It could not be sent to %(to)s.")),
    (Verb.MAIL_RELEASED, "undone"): ("plain", "fa-undo", _l("The release to %(to)s was undone.")),
    (Verb.MAIL_RELEASED, "unknown"): ("warn", "fa-question-circle", _l("It may have been sent to %(to)s.")),
    (Verb.COPY_DELETED, "asked"): ("wait", "fa-trash", _l("The stored copy was to be deleted.")),
    (Verb.COPY_DELETED, "done"): ("plain", "fa-trash", _l("The stored copy was deleted.")),
    (Verb.COPY_DELETED, "undone"): ("plain", "fa-undo", _l("The stored copy was kept after all.")),
    (Verb.MAIL_DELETED, "asked"): ("wait", "fa-trash", _l("The mail was to be deleted.")),
    (Verb.MAIL_DELETED, "undone"): ("plain", "fa-undo", _l("The mail was kept after all.")),
    (Verb.MAIL_OPENED, ""): ("plain", "fa-eye", _l("The page of the mail was opened.")),
    (Verb.MAIL_READ, ""): ("plain", "fa-eye", _l("The message was read.")),
    (Verb.MAIL_DOWNLOADED, ""): ("plain", "fa-download", _l("The message or a part of it was downloaded.")),
    (Verb.MAIL_FETCHED, ""): ("plain", "fa-exchange", _l("%(through)s had the copy from %(from)s.")),
    (Verb.RELEASE_WANTED, ""): ("wait", "fa-inbox", _l("Its release to %(to)s was requested.")),
    (Verb.RELEASE_APPROVED, ""): ("good", "fa-check", _l("The request for %(to)s was approved.")),
    (Verb.RELEASE_DENIED, ""): ("bad", "fa-ban", _l("The request for %(to)s was denied.")),
    (Verb.MAIL_REPORTED, ""): ("warn", "fa-flag-o", _l("%(to)s told that it was wrongly held back.")),
    (Verb.REPORT_CLOSED, ""): ("plain", "fa-check", _l("What %(to)s told of it was read.")),
    (Verb.LINK_USED, LinkAct.RELEASE): ("plain", "fa-link", _l("%(to)s released it by a link in a letter.")),
    (Verb.LINK_USED, LinkAct.ALLOW): ("plain", "fa-link", _l("%(to)s released it and allowed its sender by a link in a letter.")),
    (Verb.LINK_USED, LinkAct.BLOCK): ("plain", "fa-link", _l("%(to)s blocked its sender by a link in a letter.")),
    (Verb.LINK_USED, LinkAct.REPORT): ("plain", "fa-link", _l("%(to)s reported it by a link in a letter.")),
    (Verb.MAIL_LEARNED, Learnt.ASKED): ("wait", "fa-graduation-cap", _l("Rspamd was to be taught: %(lesson)s.")),
    (Verb.MAIL_LEARNED, Learnt.DONE): ("good", "fa-graduation-cap", _l("Rspamd has learned: %(lesson)s.")),
    (Verb.MAIL_LEARNED, Learnt.KNOWN): ("plain", "fa-graduation-cap", _l("Rspamd knew already: %(lesson)s.")),
    (Verb.MAIL_LEARNED, Learnt.REFUSED): ("warn", "fa-graduation-cap", _l("Rspamd has not learned: %(lesson)s.")),
    (Verb.MAIL_LEARNED, Learnt.FAILED): ("bad", "fa-graduation-cap", _l("Rspamd could not be taught: %(lesson)s.")),
    (Verb.MAIL_RESCANNED, ""): ("plain", "fa-refresh", _l("It was scanned again on %(node)s: %(action)s, %(score)s.")),
    (Verb.REASON_GIVEN, ""): ("plain", "fa-commenting-o", _l("A reason to open it was given.")),
}


@dataclass(frozen=True, slots=True)
class Line:
    at: datetime
    mark: tuple[str, str]
    sentence: str
    event: Happened | None = None


class TimelineView(BaseView):
    route_base = "/mails"
    default_view = "timeline"
    class_permission_name = "MailLogView"

    @expose("/<int:mail_id>/timeline")
    @has_access
    @permission_name("show")
    def timeline(self, mail_id: int) -> Any:
        mail = get_mail(g.user, mail_id)
        opened(mail, Verb.MAIL_OPENED, is_piece=True)
        template = "timeline/_lines.html" if "X-Fragment" in request.headers else "timeline/lines.html"
        return self.render_template(template, title=_("What happened"), mail=mail, lines=lines_of(g.user, mail))


def lines_of(user: Any, mail: Mail) -> list[Line]:
    return [line_of(event) for event in happened_to(mail.id, scope_of(user), user.id)] + _own_times(mail)


def line_of(event: Happened) -> Line:
    tone, icon, sentence = SENTENCES.get((event.verb, str(event.told.get("step", "")))) or _by_label(event.verb)
    return Line(event.at.replace(tzinfo=UTC), (tone, icon), str(sentence) % _Values(event.told), event)


def _by_label(verb: str) -> tuple[str, str, str]:
    return "plain", "fa-circle-o", str(VERBS.get(verb, verb)).replace("%", "%%")  # type: ignore[call-overload]


class _Values(dict[str, str]):
    """Of what an event keeps, as words; nothing for what it does not keep."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        super().__init__({name: ", ".join(map(str, each)) if isinstance(each, list) else _word(name, each) for name, each in told.items()})

    def __missing__(self, name: str) -> str:
        return ""


def _word(name: str, value: Any) -> str:
    if name == "lesson":
        return str(LESSONS.get(value, value))
    if name == "score":
        return score(value) if isinstance(value, int | float) else ""
    return action_word(str(value)) if name == "action" else str(value)


def _own_times(mail: Mail) -> list[Line]:
    kept = [Line(mail.received_at, ("plain", "fa-archive"), _("A copy was stored."))] if mail.copy_state != CopyState.NONE else []
    words = _("It came to %(node)s: %(action)s.", node=mail.node, action=action_word(mail.action))
    return [*kept, Line(mail.received_at, ("plain", "fa-envelope-o"), words)]
