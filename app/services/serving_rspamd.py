"""Another node asks this one's Rspamd, which listens to this server alone: to learn from a mail, or to scan it again, and no more."""

import base64
import logging
from typing import Any

from flask import current_app

from app.actor import Actor
from app.errors import BadRequest, NotAllowed, NotFound, Unavailable
from app.extensions import db
from app.models import Mail
from app.services.controllers import controller_of, scanner_of
from app.services.copies import raw_of

log = logging.getLogger(__name__)

_QUESTIONS = {("POST", path) for path in ("/learnspam", "/learnham", "/fuzzyadd", "/fuzzydel", "/checkv2")} | {("GET", "/counters")}
_HEADERS = frozenset({"content-type", "flag", "weight", "queue-id", "from", "settings", "ip", "user", "helo", "rcpt"})
_MOST_HEADERS = 40_000


def ask_rspamd(told: dict[str, Any], actor: Actor, through: str) -> dict[str, Any]:
    method, path, headers = told.get("method"), told.get("path"), _headers(told.get("headers"))
    if (method, path) not in _QUESTIONS:
        raise BadRequest("Rspamd is not asked this for another node.")
    raw = _raw(told.get("mail"), actor) if method == "POST" else None
    here = current_app.config["NODE_NAME"]
    rspamd = scanner_of(here)[0] if told.get("which") == "scan" else controller_of(here)
    log.info("node API: Rspamd is asked %s of mail %s for %s, through %s", path, told.get("mail"), actor.name or "nobody", through)
    try:
        answer = rspamd.ask(str(method), str(path), raw, headers)
    except NotAllowed as error:  # it is Rspamd that refuses, and not this node
        raise Unavailable(str(error)) from None
    body = base64.b64encode(answer.body).decode()
    return {"status": answer.status, "reason": answer.reason, "headers": answer.headers, "body": body}


def _raw(mail_id: Any, actor: Actor) -> bytes:
    mail = db.session.get(Mail, mail_id) if type(mail_id) is int and 0 < mail_id < 1 << 63 else None
    if mail is None:
        raise NotFound("The stored copy is gone.")
    raw = raw_of(mail, actor=actor)
    db.session.rollback()  # nothing is held while Rspamd is waited for
    return raw


def _headers(found: Any) -> list[tuple[str, bytes]]:
    if not isinstance(found, list) or len(found) > _MOST_HEADERS:
        raise BadRequest("The headers are no list.")
    headers = []
    for each in found:
        if not (isinstance(each, list) and len(each) == 2 and all(isinstance(part, str) for part in each)):
            raise BadRequest("A header is a name and a value.")
        name, value = each
        if name.lower() not in _HEADERS or "\r" in value or "\n" in value or "\0" in value:
            raise BadRequest("There is a header that Rspamd is not sent for another node.")
        headers.append((name, value.encode()))
    return headers
