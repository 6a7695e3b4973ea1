"""What can be done with a mail without leaving the list: released to all for whom it is the viewer's to release, its copy deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, g, redirect, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import ngettext

from app.errors import MailkeepError
from app.models import CopyState
from app.queries.deletions import NOTHING, deletings_of, waiting_deletions
from app.queries.releases import releasing_of, releasing_roles
from app.queries.scope import Scope
from app.queries.visibility import get_mail
from app.security.actor import actor
from app.services.release import Unconfirmed, ask, can_release, undo
from app.services.release_sending import send_later
from app.views.opening import reasoned
from app.views.release_page import still_open
from app.views.undoing import back_to, said_with_undo


@dataclass(frozen=True, slots=True)
class RowActs:
    release: bool
    copy: bool
    is_leaving: bool
    undo: bool


def acts_of(user: Any, rows: Sequence[Any], scope: Scope, sm: Any) -> dict[int, RowActs] | None:
    """By mail; None where this viewer has none, whatever the mail. Few questions, however many rows there are."""
    releases = can_release() and sm.has_access("can_release", "ReleaseView")
    deletes = sm.has_access("can_delete", "DeletionView")
    ids = [row.id for row in rows]
    leaving = waiting_deletions(ids)
    asked = [row.id for row in rows if row.copy_state == CopyState.STORED or row.id in leaving] if deletes else []
    deletings = deletings_of(user, asked, scope)
    acts = {}
    for row in rows:
        deleting, waits = deletings.get(row.id, NOTHING), leaving.get(row.id)
        is_free = waits is None and row.copy_state == CopyState.STORED
        acts[row.id] = RowActs(
            release=bool(is_free and releases and releasing_roles(user, row)),
            copy=is_free and deleting.copy,
            is_leaving=waits is not None,
            undo=waits is not None and deleting.allows(waits.extent),
        )
    return acts if releases or deletes or leaving else None


class RowActView(BaseView):
    route_base = "/mails"
    default_view = "release_mine"
    class_permission_name = "ReleaseView"

    @expose("/<int:mail_id>/release-mine", methods=["POST"])
    @has_access
    @permission_name("release")
    def release_mine(self, mail_id: int) -> Any:
        """To whom it went to nobody yet, and whose own list does not block it."""
        mail = get_mail(g.user, mail_id)
        reasoned(mail)
        targets = still_open(g.user, mail)
        try:
            if not targets:
                flash(_("There is nobody to whom it could go still. Its page has more."), "warning")
                return redirect(back_to(mail_id))
            ids = ask(releasing_of(g.user, mail), mail_id, targets, actor=actor())
        except Unconfirmed as question:
            title = _("Release this mail?")
            return self.render_template(
                "releases/confirm.html", title=title, mail=mail, targets=targets, again=question.again, virus=question.virus
            )
        except MailkeepError as error:
            flash(str(error), "danger")
        else:
            send_later(ids)
            words = ngettext("The mail goes to %(num)s recipient.", "The mail goes to %(num)s recipients.", len(ids))
            said_with_undo(words, "RowActView.undo_some", mail_id, ids)
        return redirect(back_to(mail_id))

    @expose("/<int:mail_id>/undo", methods=["POST"])
    @has_access
    @permission_name("release")
    def undo_some(self, mail_id: int) -> Any:
        mail = get_mail(g.user, mail_id)
        releasing = releasing_of(g.user, mail)
        texts = request.form.getlist("release")
        numbers = [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19]

        undone, late = 0, dict[str, None]()
        for number in numbers:
            try:
                undo(releasing, mail_id, number, actor=actor())
                undone += 1
            except MailkeepError as error:
                late[str(error)] = None
        for sentence in late:
            flash(sentence, "danger")
        if undone and not late:
            flash(_("The release is undone: nothing was sent."), "success")
        return redirect(back_to(mail_id))
