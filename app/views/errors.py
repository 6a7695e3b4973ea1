"""The one map from what went wrong to an HTTP answer: a page for people, JSON for the API, a line for machines."""

import logging

import sqlalchemy.exc
from flask import Flask, Response, current_app, flash, g, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.orm.exc import ObjectDeletedError
from werkzeug.exceptions import HTTPException

from app.errors import (
    BadRequest,
    Conflict,
    MailkeepError,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    TooLarge,
    TooManyTries,
    Unavailable,
    Unsupported,
)
from app.queries.bounded import TooSlow
from app.services.tries import was_beaten
from app.views.back import local_address

log = logging.getLogger(__name__)

STATUS: dict[type[MailkeepError], int] = {
    BadRequest: 400,
    NotAuthenticated: 401,
    NotAllowed: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    Unsupported: 415,
    TooManyTries: 429,
    Unavailable: 503,
}
# Sentences of the crafts, which know no languages.
TRANSLATED = (_l("The stored copy is gone."), _l("The stored copy is damaged."), _l("The stored copy cannot be read just now."))
SENTENCES = {
    400: _l("This cannot be understood."),
    401: _l("Log in first."),
    403: _l("You may not do this."),
    404: _l("There is nothing here."),
    405: _l("This cannot be done here."),
    413: _l("This is too large."),
    429: _l("Too many tries. Wait a while and try again."),
}
_AWAY = (OperationalError, InterfaceError, sqlalchemy.exc.TimeoutError)
_MACHINES = ("/ingest/", "/api/metadata_importer", "/api/node/", "/maps/", "/healthz", "/readyz", "/metrics")


def register_errors(app: Flask) -> None:
    app.register_error_handler(MailkeepError, _ours)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, _form_too_old)
    app.register_error_handler(SQLAlchemyError, _database)
    app.register_error_handler(TooSlow, _too_slow)
    app.register_error_handler(Exception, _unforeseen)


def _ours(error: MailkeepError) -> Response:
    return answer(STATUS.get(type(error), 500), _(str(error) or error.__class__.__name__))


def _http(error: HTTPException) -> Response:
    if error.response is not None or error.code is None or error.code < 400:
        return make_response(error.get_response())
    says_nothing_of_ours = error.description in (None, type(error).description) or error.code == 429
    told = SENTENCES.get(error.code) if says_nothing_of_ours else None
    response = answer(error.code, str(told or error.description or error.name))
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers.setdefault(name, value)
    return response


def _form_too_old(error: CSRFError) -> Response:
    """Back to the form where its token has ended; what never had one, or comes from elsewhere, came from none of our pages."""
    if not request.form.get(current_app.config["WTF_CSRF_FIELD_NAME"]) or "referrer" in str(error.description):
        return _http(error)
    flash(_("The page had been open for too long. Please try once more."), "warning")
    return make_response(redirect(local_address(request.referrer) or url_for("Home.index")))


def _database(error: SQLAlchemyError) -> Response:
    if isinstance(error, IntegrityError) or (isinstance(error, OperationalError) and was_beaten(error)):  # two at once, this is the second
        log.warning("%s %s: somebody was faster: %s", request.method, request.path, error.orig)
        return answer(409, _("Somebody else has changed the same just now. Look at it again, and try once more."))
    if isinstance(error, ObjectDeletedError):  # somebody else deleted it while this request was at it
        return answer(404, _("There is nothing here."))
    if not isinstance(error, _AWAY):
        return _unforeseen(error)
    log.error("%s %s: database: %s", request.method, request.path, type(error).__name__, exc_info=error)
    return answer(503, _("The database does not answer. Mails that arrive now are kept in the spool and will appear later."))


def _too_slow(_error: TooSlow) -> Response:
    return answer(503, _("The database did not answer in time."))


def _unforeseen(error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return answer(500, _("Something went wrong on our side; it has been logged."))


def answer(status: int, message: str) -> Response:
    """No traceback, no statement, no path: `message` is a sentence."""
    if request.path.startswith(_MACHINES):
        return Response(f"{message}\n", status, mimetype="text/plain")
    if request.path.startswith("/api/") or "appbuilder" not in request_app().extensions:
        response = jsonify(message=message)
        response.status_code = status
        return response
    if "user" not in g:  # a request that ended before FAB had set it
        g.user = current_user
    try:
        appbuilder = request_app().extensions["appbuilder"]
        page = render_template("error.html", status=status, message=message, appbuilder=appbuilder, base_template=appbuilder.base_template)
        return Response(page, status)
    except (SQLAlchemyError, Unavailable):  # the page asks who is logged in, and where that is kept is away
        plain = request_app().jinja_env.get_template("error_plain.html")  # without what Flask adds: who is logged in
        return Response(plain.render(status=status, message=message), status)


def request_app() -> Flask:
    from flask import current_app

    return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]
