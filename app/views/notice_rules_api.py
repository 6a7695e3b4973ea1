"""/api/v1/notices/domains and /refusals: what holds for letters beside each account's own choice, for programs."""

from collections.abc import Mapping
from typing import Any

from flask import Response, g, jsonify, request
from flask_appbuilder.api import expose
from flask_appbuilder.security.decorators import permission_name, protect
from flask_babel import gettext as _

from app.errors import BadRequest
from app.queries.notice_choices import domain_rules, letters_scope_of, refusals
from app.queries.people import reach_of
from app.security.actor import actor
from app.services.notice_choices import accept_again, refuse
from app.services.notice_domains import MOST_WATCHERS, DomainRule, remove_domain, rule_of, set_domain
from app.views.api import MailActApi, OurApi, asked_flag, asked_words
from app.views.mail_search import asked_size

_LONGEST_ADDRESS = 400


class NoticeDomainApi(OurApi):
    resource_name = "notices/domains"
    openapi_spec_tag = "NoticeApi"
    class_permission_name = "NoticeView"
    responses = MailActApi.responses

    @expose("", methods=["GET"])
    @protect()
    @permission_name("list")
    def domains(self) -> Response:
        """What holds for mail to domains, where their recipients have chosen nothing
        ---
        get:
          responses:
            200:
              description: Each domain of which something is set; for domain admins those that are theirs
        """
        return jsonify(result=[_told(rule_of(row)) for row in domain_rules(letters_scope_of(g.user))])

    @expose("/<domain>", methods=["PUT"])
    @protect()
    @permission_name("edit")
    def set(self, domain: str) -> Response:
        """Set what holds for mail to a domain
        ---
        put:
          parameters:
          - {in: path, name: domain, schema: {type: string}, required: true}
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  description: The whole rule. What is not named is not so any more
                  properties:
                    times: {type: string, description: "As in /notices/choice; empty: as the site says"}
                    everybody: {type: boolean, description: Addresses without an account are told too}
                    language: {type: string, description: "For who has chosen none; empty: the language of the site"}
                    watchers:
                      type: array
                      items: {type: string}
                      description: Who is told of all its mail. `postmaster` is that of the domain
                    watch_times: {type: string, description: "When watchers are told; empty: daily at 07:00"}
          responses:
            200:
              description: It counts from now on, for what waits, too
          refusals: [400, 409]
        """
        typed = _rule(domain, MailActApi.asked())
        return jsonify(result=_told(set_domain(reach_of(g.user), typed, actor=actor())))

    @expose("/<domain>", methods=["DELETE"])
    @protect()
    @permission_name("edit")
    def remove(self, domain: str) -> Response:
        """Set nothing for a domain any more
        ---
        delete:
          parameters:
          - {in: path, name: domain, schema: {type: string}, required: true}
          responses:
            200:
              description: What the site says holds there again
          refusals: [400, 404]
        """
        remove_domain(reach_of(g.user), domain[:255], actor=actor())
        return jsonify(message=_("Nothing is set for %(domain)s any more.", domain=domain[:255]))


class NoticeRefusalApi(OurApi):
    resource_name = "notices/refusals"
    openapi_spec_tag = "NoticeApi"
    class_permission_name = "NoticeView"
    responses = MailActApi.responses

    @expose("", methods=["GET"])
    @protect()
    @permission_name("list")
    def refusals(self) -> Response:
        """Addresses without an account that want no letters
        ---
        get:
          parameters:
          - {in: query, name: q, schema: {type: string}, description: How the address begins}
          - {in: query, name: after, schema: {type: string}, description: Only those behind this address}
          - {in: query, name: size, schema: {type: integer}, description: At most so many}
          responses:
            200:
              description: By address. `more` is the `after` of the next page
          refusals: [400]
        """
        text, after = request.args.get("q", "").strip()[:320], request.args.get("after", "")[:320]
        page = refusals(letters_scope_of(g.user), text, after, asked_size())
        rows = [{"address": row.address, "refused_at": row.refused_at.isoformat(), "by": row.by} for row in page.rows]
        return jsonify(result=rows, more=page.more)

    @expose("", methods=["POST"])
    @protect()
    @permission_name("edit")
    def refuse(self) -> Response:
        """An address gets no letters any more
        ---
        post:
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [address]
                  properties:
                    address: {type: string}
          responses:
            200:
              description: As it is kept, which is without tag and alias
          refusals: [400, 409]
        """
        who = actor()
        address = asked_words(MailActApi.asked(), "address")[:_LONGEST_ADDRESS]
        return jsonify(result={"address": refuse(address, by=who.name, actor=who, reach=reach_of(g.user))})

    @expose("", methods=["DELETE"])
    @protect()
    @permission_name("edit")
    def accept(self) -> Response:
        """An address may get letters again
        ---
        delete:
          parameters:
          - {in: query, name: address, schema: {type: string}, required: true}
          responses:
            200:
              description: It does not refuse any more
          refusals: [400, 404]
        """
        accept_again(request.args.get("address", "")[:_LONGEST_ADDRESS], actor=actor(), reach=reach_of(g.user))
        return jsonify(message=_("The address may get letters again."))


def _told(rule: DomainRule) -> dict[str, Any]:
    return {"domain": rule.domain} | rule.told()


def _rule(domain: str, asked: Mapping[str, Any]) -> DomainRule:
    """What is written wrong is refused: half a rule would hold for everybody there."""
    known = ("times", "everybody", "language", "watchers", "watch_times")
    if unknown := sorted(asked.keys() - set(known)):
        raise BadRequest(_("“%(name)s” is nothing that can be set here: %(names)s.", name=unknown[0][:100], names=", ".join(known)))
    watchers = asked.get("watchers", [])
    if not isinstance(watchers, list) or not all(isinstance(each, str) and "\0" not in each for each in watchers):
        raise BadRequest(_("“%(name)s” has to be a list of texts.", name="watchers"))
    return DomainRule(
        domain=domain[:300].strip().lower(),
        times=asked_words(asked, "times"),
        everybody=asked_flag(asked, "everybody"),
        language=asked_words(asked, "language")[:10],
        watchers=tuple(each[:_LONGEST_ADDRESS] for each in watchers[: MOST_WATCHERS + 1]),
        watch_times=asked_words(asked, "watch_times"),
    )
