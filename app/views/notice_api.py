"""/api/v1/notices: one's own choice of letters, and the letters there are, for programs."""

from typing import Any

from flask import Response, g, jsonify
from flask_appbuilder.api import expose
from flask_appbuilder.security.decorators import permission_name, protect
from flask_babel import gettext as _

from app.errors import BadRequest
from app.models import Notice
from app.queries.notice_choices import standing_of
from app.queries.people import reach_of
from app.security.actor import actor
from app.services.notice_acts import Unsure, try_again, try_failed_again
from app.services.notice_choices import choose
from app.views.api import MailActApi, OurApi, asked_flag, asked_words
from app.views.mail_search import asked_key
from app.views.notice_letters import asked_letters


class NoticeChoiceApi(OurApi):
    resource_name = "notices"
    openapi_spec_tag = "NoticeApi"
    class_permission_name = "ProfileView"

    @expose("/choice", methods=["GET"])
    @protect()
    @permission_name("edit")
    def choice(self) -> Response:
        """When letters about kept mail come to you
        ---
        get:
          responses:
            200:
              description: >-
                `chosen` is empty where `usual` holds, which is what the site says; `times` is the one of the two that holds.
                Where the address itself `refuses` letters, `usual` is never.
                `next_at` (UTC) is when the next letter comes, if mails wait for one. Hours are those of `zone`.
        """
        return jsonify(result=_choice())

    @expose("/choice", methods=["PUT"])
    @protect()
    @permission_name("edit")
    def choose(self) -> Response:
        """Choose when letters about kept mail come to you
        ---
        put:
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [times]
                  properties:
                    times:
                      type: string
                      description: "never, at once, hourly, daily at 07:00 or weekly on monday at 07:00; empty: as the site says"
          responses:
            200:
              description: It counts from now on, for what waits, too
          refusals: [400]
        """
        asked = MailActApi.asked()
        if "times" not in asked:
            raise BadRequest("“times” is missing.")
        who = actor()
        choose(g.user.id, asked_words(asked, "times"), by=who.name, actor=who)
        return jsonify(result=_choice())


class NoticeApi(OurApi):
    resource_name = "notices"
    class_permission_name = "NoticeView"
    responses = MailActApi.responses

    @expose("", methods=["GET"])
    @protect()
    @permission_name("list")
    def letters(self) -> Response:
        """The letters about kept mail: those that wait, and those that were sent
        ---
        get:
          parameters:
          - {in: query, name: state, schema: {type: string, enum: [waiting, sending, sent, failed, unknown, empty]}}
          - {in: query, name: address, schema: {type: string}, description: "The whole one, or how it begins with a * after it"}
          - {in: query, name: before, schema: {type: integer}, description: Only those with a lower number}
          - {in: query, name: size, schema: {type: integer}, description: At most so many}
          responses:
            200:
              description: Newest first. `older` is the `before` of the next page, which there may be after an empty one, too
          refusals: [400]
        """
        page, _state, _address = asked_letters()
        return jsonify(result=[_told(row) for row in page.rows], older=page.older)

    @expose("/<int:notice_id>/again", methods=["POST"])
    @protect()
    @permission_name("edit")
    def again(self, notice_id: int) -> Any:
        """Try a letter again that failed
        ---
        post:
          parameters:
          - {in: path, name: notice_id, schema: {type: integer, format: int64}, required: true}
          requestBody:
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    sure: {type: boolean, description: Also where nobody knows whether it arrived and it may come twice}
          responses:
            200:
              description: It is tried again with the next letters that go
          refusals: [400, 404, 409]
        """
        try:
            try_again(reach_of(g.user), notice_id, sure=asked_flag(MailActApi.asked(), "sure"), actor=actor())
        except Unsure as why:
            return MailActApi.unconfirmed(why)
        return jsonify(message=_("It is tried again with the next letters that go."))

    @expose("/again", methods=["POST"])
    @protect()
    @permission_name("edit")
    def failed_again(self) -> Response:
        """Try the letters again that failed, some hundreds at once
        ---
        post:
          parameters:
          - {in: query, name: after, schema: {type: integer}, description: Only those with a higher number}
          responses:
            200:
              description: How many `letters` are tried again; `more` is the `after` of the next request
        """
        count, more = try_failed_again(reach_of(g.user), after=asked_key("after") or 0, actor=actor())
        return jsonify(result={"letters": count}, more=more)


def _choice() -> dict[str, Any]:
    standing = standing_of(g.user)
    values = {name: getattr(standing, name) for name in ("times", "chosen", "usual", "refuses", "zone", "waiting")}
    return values | {"next_at": standing.next_at.isoformat() if standing.next_at else None}


def _told(row: Notice) -> dict[str, Any]:
    moments = {name: getattr(row, name) for name in ("made_at", "next_try_at", "ended_at", "revoked_at")}
    values = {name: getattr(row, name) for name in ("id", "kind", "address", "mails", "state", "tries", "answer")}
    return values | {name: moment.isoformat() if moment else None for name, moment in moments.items()}
