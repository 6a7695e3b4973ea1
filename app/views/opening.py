"""Opening somebody else's mail: an event each time, and where the site wants it, not before a reason was given."""

from datetime import datetime, timedelta
from typing import Any

from flask import abort, current_app, g, redirect, request, session, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _

from app.clock import stored_now
from app.errors import NotAllowed
from app.models import Mail, Verb
from app.queries.audit import reason_given, was_opened
from app.queries.visibility import get_mail, is_addressed_to
from app.security.acting import acting
from app.security.actor import actor
from app.services.audit import recorded

_COUNTS_FOR = timedelta(minutes=15)
_LONGEST = 500
_MOST_KEPT = 20
HEADER = "X-Reason"


def opened(mail: Mail, verb: Verb, *, is_piece: bool = False) -> bool:
    """Called before anything of the mail is shown: whether it came to somebody else, as all mail does to who acts as another. A piece
    of a page is no further event when the page was one shortly before."""
    both = acting()
    if both is None and is_addressed_to(g.user, mail.id):
        return False
    reason = both.reason if both else _reason(mail.id) if current_app.config["AUDIT_REASON"] else ""
    if not (is_piece and was_opened(mail.id, both.admin_id if both else g.user.id, verb, _shortly_before())):
        recorded(actor(), verb, "mail", mail.id, reason=reason)
    return True


def _reason(mail_id: int) -> str:
    if request.path.startswith("/api/"):
        if not (told := reason_in_header()):
            raise NotAllowed(_("Say in the header %(name)s why you open this mail.", name=HEADER))
        return told
    event_id = session.get("reasons", {}).get(str(mail_id), 0)
    found = reason_given(event_id, mail_id, g.user.id, _shortly_before())
    if not found:
        abort(redirect(url_for("ReasonView.reason", mail_id=mail_id)))
    return found


def reason_in_header() -> str:
    """As programs give it."""
    return _told(request.headers.get(HEADER, ""))


class ReasonView(BaseView):
    route_base = "/mails"
    default_view = "reason"
    class_permission_name = "MailLogView"

    @expose("/<int:mail_id>/reason", methods=["GET", "POST"])
    @has_access
    @permission_name("show")
    def reason(self, mail_id: int) -> Any:
        """What is given counts for this mail, in this session, for a while."""
        mail = get_mail(g.user, mail_id)
        told = _told(request.form.get("reason", ""))
        if told:
            event_id = recorded(actor(), Verb.REASON_GIVEN, "mail", mail_id, reason=told)
            kept = [pair for pair in session.get("reasons", {}).items() if pair[0] != str(mail_id)]
            session["reasons"] = dict([*kept, (str(mail_id), event_id)][-_MOST_KEPT:])
            return redirect(url_for("MailLogView.show", pk=mail_id))
        is_empty = request.method == "POST"
        page = self.render_template("mails/reason.html", title=_("Why do you open this mail?"), mail=mail, is_empty=is_empty, most=_LONGEST)
        return page, 400 if is_empty else 200


def _told(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]


def _shortly_before() -> datetime:
    return stored_now() - _COUNTS_FOR
