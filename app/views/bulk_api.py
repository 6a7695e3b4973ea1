"""/api/v1/mail/bulk: an act on many mails, begun, watched, cancelled and undone by programs."""

import secrets
from typing import Any

from flask import Response, g, jsonify
from flask_appbuilder.api import expose
from flask_appbuilder.security.decorators import permission_name, protect
from flask_babel import gettext as _
from flask_babel import ngettext

from app.clock import stored_now
from app.errors import BadRequest, NotAllowed, NotFound
from app.forms.bulk import read_id, read_ids, read_search
from app.models import BulkRun
from app.queries.bulk import results_of, run_of, run_of_token, runs_of, undoable_until
from app.security.actor import actor
from app.services.acts import ACTS, Act
from app.services.bulk import MOST_TICKED, Order, begin, cancel, undo_all
from app.views.api import MailActApi, asked_words
from app.views.bulk_page import LONGEST_TOKEN, Meant, meant_by_ids, meant_by_search, needs_reason, order_of
from app.views.mail_search import asked_key, asked_size, hidden_fields
from app.views.opening import HEADER, reason_in_header


class BulkApi(MailActApi):
    class_permission_name = "BulkView"

    @expose("/bulk", methods=["POST"])
    @protect()
    @permission_name("act")
    def begin(self) -> Any:
        """Do something to many mails
        ---
        post:
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [act]
                  properties:
                    act: {type: string, enum: [release, learn_spam, learn_ham, delete_copy, delete_mail]}
                    ids: {type: array, items: {type: string}, description: The mails; or else `search`}
                    search: {type: object, description: "All that it finds: filters as in the list, and their values"}
                    options: {type: array, items: {type: string, enum: [viruses]}}
                    count: {type: integer, description: So many are meant; a search needs it}
                    before: {type: string, description: Only mails older than this id; as it was told with the number}
                    token: {type: string, description: Letters and digits of yours. A second time with the same one nothing more is done}
          responses:
            202:
              description: It is begun, or was with this `token`
          refusals: [400, 404, 409]
        """
        return self._begin(self.asked())

    def _begin(self, asked: dict[str, Any]) -> Any:
        act, token, options = self._act(asked_words(asked, "act")), _token(asked), asked.get("options", [])
        if not isinstance(options, list) or not all(each in act.options for each in options):
            choices = ", ".join(act.options)
            raise BadRequest(_("“%(name)s” has to be one of: %(choices)s.", name="options", choices=choices))
        known = run_of_token(g.user.id, token)
        if known is None:
            meant, count = _meant(asked), _count(asked)
            if not meant.total:
                raise NotFound(_("There is no such mail."))
            if not (_is_true(count, meant) or (count is None and meant.ids)):
                return self.unconfirmed(
                    _how_many(meant), "count", count=meant.total, is_exact=meant.is_exact, more=meant.more, before=str(meant.before)
                )
            known = begin(_order(act, token, options, meant), actor=actor())
        return jsonify(result=_told(_run(known))), 202

    def _act(self, name: str) -> Act:
        if name not in ACTS:
            raise BadRequest(_("“%(name)s” has to be one of: %(choices)s.", name="act", choices=", ".join(ACTS)))
        if not self.appbuilder.sm.has_access(*ACTS[name].grant) or not ACTS[name].is_offered(g.user):
            raise NotAllowed(_("This cannot be done here, or not by you."))
        return ACTS[name]

    @expose("/bulk", methods=["GET"])
    @protect()
    @permission_name("act")
    def runs(self) -> Response:
        """Your acts on many mails; everybody's, for admins
        ---
        get:
          parameters:
          - {in: query, name: before, schema: {type: integer}, description: Only those with a lower number}
          - {in: query, name: size, schema: {type: integer}, description: At most so many}
          responses:
            200:
              description: Newest first; `older` is the `before` of the next page
          refusals: [400]
        """
        size = asked_size()
        found = runs_of(g.user, size + 1, asked_key("before"))
        return jsonify(result=[_told(run) for run in found[:size]], older=found[size - 1].id if len(found) > size else None)

    @expose("/bulk/<int:run_id>", methods=["GET"])
    @protect()
    @permission_name("act")
    def run(self, run_id: int) -> Response:
        """How far it is
        ---
        get:
          parameters:
          - {in: path, name: run_id, schema: {type: integer}, required: true}
          - {in: query, name: after, schema: {type: integer, format: int64}, description: Of `left_out` only mails newer than this id}
          - {in: query, name: size, schema: {type: integer}, description: Of `left_out` at most so many}
          responses:
            200:
              description: >-
                Its state (waiting, running, done, cancelled or failed) and numbers; until when something of it can be undone; and in
                `left_out` each mail to which it was not done, with the reason. `next` is the `after` of the next ones.
          refusals: [400, 404]
        """
        run, size = _run(run_id), asked_size()
        rows = results_of(run_id, size, asked_key("after") or 0)
        left_out = [{"id": str(row.mail_id), "kind": row.kind, "words": row.words} for row in rows]
        until = undoable_until(run_id, stored_now()) if run.act in ACTS and ACTS[run.act].undo is not None else None
        told = _told(run) | {"undo_until": until.isoformat() if until else None, "left_out": left_out}
        return jsonify(result=told, next=left_out[-1]["id"] if len(left_out) == size else None)

    @expose("/bulk/<int:run_id>", methods=["DELETE"])
    @protect()
    @permission_name("act")
    def cancel(self, run_id: int) -> Any:
        """Cancel it: the rest is not done
        ---
        delete:
          parameters:
          - {in: path, name: run_id, schema: {type: integer}, required: true}
          responses:
            200:
              description: It is cancelled
          refusals: [404, 409]
        """
        cancel(_run(run_id).id, actor=actor())
        return jsonify(message=_("It is cancelled: the rest is not done."), result=_told(_run(run_id)))

    @expose("/bulk/<int:run_id>/undo", methods=["POST"])
    @protect()
    @permission_name("act")
    def undo(self, run_id: int) -> Any:
        """Cancel it, and undo what of it waits still
        ---
        post:
          parameters:
          - {in: path, name: run_id, schema: {type: integer}, required: true}
          responses:
            200:
              description: To how many mails it is undone, and for how many it was too late
          refusals: [400, 404]
        """
        undone, late = undo_all(g.user, _run(run_id).id, actor=actor())
        words = ngettext("It is undone for %(num)s mail.", "It is undone for %(num)s mails.", undone)
        return jsonify(message=words, undone=undone, late=late, result=_told(_run(run_id)))


def _token(asked: dict[str, Any]) -> str:
    token = asked_words(asked, "token")
    if token and not (token.isascii() and token.isalnum() and len(token) <= LONGEST_TOKEN):
        raise BadRequest(_("“%(name)s” has to be of %(most)s letters and digits at most.", name="token", most=LONGEST_TOKEN))
    return token or secrets.token_hex(16)


def _meant(asked: dict[str, Any]) -> Meant:
    if ("ids" in asked) == ("search" in asked):
        raise BadRequest(_("Say which mails are meant: “ids” or “search”, one of them."))
    if "ids" in asked:
        return meant_by_ids((), read_ids(asked["ids"], MOST_TICKED))
    return meant_by_search(read_search(asked["search"], hidden_fields()), read_id(asked.get("before"), "before"))


def _count(asked: dict[str, Any]) -> int | None:
    count = asked.get("count")
    if isinstance(count, bool) or not isinstance(count, int | None):
        raise BadRequest(_("“%(name)s” has to be a whole number.", name="count"))
    return count


def _is_true(count: int | None, meant: Meant) -> bool:
    """Where time ran out before all was counted, the number is another each time: half of it may be missing."""
    return count is not None and (count == meant.total if meant.is_exact else abs(count - meant.total) <= meant.total // 2)


def _how_many(meant: Meant) -> str:
    if meant.is_exact:
        return str(ngettext("This is %(num)s mail: confirm the number.", "These are %(num)s mails: confirm the number.", meant.total))
    return str(_("These are at least %(num)s mails: confirm the number.", num=meant.total))


def _order(act: Act, token: str, options: list[str], meant: Meant) -> Order:
    reason = reason_in_header() if needs_reason() else ""
    if needs_reason() and not reason:
        raise NotAllowed(_("Say in the header %(name)s why you do this.", name=HEADER))
    return order_of(act, token, options, meant, reason)


def _run(run_id: int) -> BulkRun:
    found = run_of(g.user, run_id)
    if found is None:
        raise NotFound(_("There is no such act."))
    return found


def _told(run: BulkRun) -> dict[str, Any]:
    numbers = {
        name: getattr(run, name) for name in ("id", "act", "state", "words", "total", "is_exact", "done", "skipped", "failed", "undone")
    }
    times = {name: getattr(run, name) for name in ("asked_at", "started_at", "ended_at")}
    return numbers | {"asked_by": run.asked_by} | {name: at.isoformat() if at else None for name, at in times.items()}
