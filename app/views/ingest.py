"""POST /ingest/<node>: where every Rspamd sends its scanned mails. Rqwatch's two URLs lead here too."""

import logging
from typing import IO

from flask import Blueprint, Response, current_app, request

from app.clock import monotonic
from app.errors import BadRequest, MailkeepError, TooLarge
from app.rspamd.body import decode_body
from app.rspamd.metadata import parse
from app.rspamd.report import Limits
from app.security import node_book
from app.services import intake, meter
from app.services.ticket import Accepted
from app.views.errors import STATUS

log = logging.getLogger(__name__)
ingest = Blueprint("ingest", __name__)

_DRAIN_BYTES = 16 << 20
_PREFIX = "HTTP_"


@ingest.post("/ingest/<node>")
def take(node: str) -> Response:
    return _answer(node)


@ingest.post("/api/metadata_importer.php")
@ingest.post("/api/metadata_importer_multipart.php")
def take_as_rqwatch() -> Response:
    return _answer(request.args.get("server", ""))


def _answer(node: str) -> Response:
    """One line, whatever happens: Rspamd logs it. Each refusal is logged once, with the node and the address."""
    started = monotonic()
    try:
        accepted = _take(node)
    except MailkeepError as error:
        status = STATUS.get(type(error), 400)
        log.warning("ingest: refused %s from %s: %d %s", node[:64], request.remote_addr, status, error)
        response = _line(f"{error}", status)
        meter.requests.labels(str(status)).inc()
    else:
        response = _line(f"{accepted.outcome} {accepted.mail_id}", 200)
        meter.requests.labels(accepted.outcome.value).inc()
    meter.request_seconds.observe(monotonic() - started)
    return response


def _take(node: str) -> Accepted:
    name = node_book().check(node, request.remote_addr or "", request.headers.get("Authorization"))
    limits: Limits = current_app.extensions["mailkeep_limits"]
    headers = _headers(limits.header_bytes)
    body = decode_body(_read(limits.body_bytes), headers.get("content-encoding", ""), limits.body_bytes)
    return intake().accept(name, parse(headers, body, limits))


def _headers(limit: int) -> dict[str, str]:
    """As Rspamd wrote them, lower case; gunicorn joins repeated ones with a comma."""
    environ = request.environ
    headers = {name[len(_PREFIX) :].lower().replace("_", "-"): value for name, value in environ.items() if name.startswith(_PREFIX)}
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    size = sum(map(len, headers)) + sum(map(len, headers.values()))
    if size > limit:
        raise TooLarge(f"the request headers have {size} bytes, more than MAX_HEADER_BYTES = {limit}")
    return headers


def _read(limit: int) -> bytes:
    """The body, never more than the limit."""
    length = request.content_length
    stream = request.environ["wsgi.input"]
    if length is None:
        chunked = "chunked" in request.environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        body: bytes = stream.read(limit + 1) if chunked else b""
        length = len(body)
    elif length <= limit:
        body = stream.read(length)
    if length > limit:
        _drain(stream)
        raise TooLarge(f"the body is larger than MAX_BODY_BYTES = {limit}")
    if len(body) != length:
        raise BadRequest(f"the body ended after {len(body)} of {length} bytes")
    return body


def _drain(stream: IO[bytes]) -> None:
    """Read and thrown away for a while: who is still sending would not see the answer."""
    remaining = _DRAIN_BYTES
    while remaining > 0 and (chunk := stream.read(65536)):
        remaining -= len(chunk)


def _line(text: str, status: int) -> Response:
    line = "".join(c if c.isprintable() else " " for c in text)[:500] + "\n"
    response = Response(line, status, mimetype="text/plain")
    response.headers["X-Content-Type-Options"] = "nosniff"
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Mailkeep ingest", charset="UTF-8"'
    return response
