"""POST /ingest/<node>: where every Rspamd sends its scanned mails. Rqwatch's two URLs lead here too.

The door stands in front of Flask: a post needs no session, no cookie and no page, and what Flask would do for it costs as much as
reading the report.
"""

import logging
from collections.abc import Callable, Iterable
from typing import IO, Any
from urllib.parse import parse_qs

from flask import Blueprint, Flask, Response, current_app, request

from app.clock import monotonic
from app.errors import BadRequest, MailkeepError, TooLarge
from app.rspamd.body import decode_body
from app.rspamd.metadata import parse
from app.rspamd.report import Limits
from app.services import meter
from app.services.rescan_mark import MARK, mail_rescanned
from app.services.sealing import key_for
from app.services.ticket import Accepted, Outcome
from app.views.errors import STATUS

log = logging.getLogger(__name__)
ingest = Blueprint("ingest", __name__)

_DRAIN_BYTES = 16 << 20
_PREFIX = "HTTP_"
_PATH = "/ingest/"
_RQWATCH = ("/api/metadata_importer.php", "/api/metadata_importer_multipart.php")
_WORDS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 413: "Content Too Large", 415: "Unsupported Media Type"}
Environ = dict[str, Any]


class IngestDoor:
    def __init__(self, app: Flask) -> None:
        self._nodes = app.extensions["mailkeep_nodes"]
        self._assembly = app.extensions["mailkeep_intake"]
        with app.app_context():
            self._rescan_key = key_for(MARK)
        self._limits: Limits = app.extensions["mailkeep_limits"]

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes] | None:
        """None for what is no post of a mail: that is Flask's."""
        node = _node_of(environ) if environ["REQUEST_METHOD"] == "POST" else None
        if node is None:
            return None
        status, line, headers = self.answer(environ, node)
        start_response(f"{status} {_WORDS.get(status, 'Answer')}", headers)
        return (line,)

    def answer(self, environ: Environ, node: str) -> tuple[int, bytes, list[tuple[str, str]]]:
        """One line, whatever happens: Rspamd logs it. Each refusal is logged once, with the node and the address."""
        started = monotonic()
        try:
            accepted = self._take(environ, node)
            status, line, result = 200, f"{accepted.outcome} {accepted.mail_id}", accepted.outcome.value
        except MailkeepError as error:
            status, line = STATUS.get(type(error), 400), f"{error}"
            result = str(status)
            log.warning("ingest: refused %s from %s: %d %s", node[:64], environ.get("REMOTE_ADDR"), status, error)
        except Exception:
            log.exception("ingest: a post by %s from %s failed", node[:64], environ.get("REMOTE_ADDR"))
            status, line, result = 500, "Something went wrong on our side; it has been logged.", "500"
        meter.requests.labels(result).inc()
        meter.request_seconds.observe(monotonic() - started)
        return status, *_line(line, status)

    def _take(self, environ: Environ, node: str) -> Accepted:
        name = self._nodes.check(node, environ.get("REMOTE_ADDR", ""), environ.get("HTTP_AUTHORIZATION"))
        headers = _headers(environ, self._limits.header_bytes)
        most = self._limits.body_bytes
        body = decode_body(_read(environ, most), headers.get("content-encoding", ""), most)
        received = parse(headers, body, self._limits)
        if (mail_id := mail_rescanned(self._rescan_key, received.report.queue_id)) is not None:
            return Accepted(mail_id, Outcome.RESCANNED)  # asked for by us: it is no mail that came
        accepted: Accepted = self._assembly.get().accept(name, received)
        return accepted


def _node_of(environ: Environ) -> str | None:
    path = environ.get("PATH_INFO", "")
    if path.startswith(_PATH):
        node: str = path[len(_PATH) :]
        return node if node and "/" not in node else None
    if path in _RQWATCH:
        query: str = environ.get("QUERY_STRING", "")[:2000]
        return parse_qs(query).get("server", [""])[0]
    return None


@ingest.post("/ingest/<node>")
@ingest.post("/api/metadata_importer.php")
@ingest.post("/api/metadata_importer_multipart.php")
def take(node: str = "") -> Response:
    """The same through Flask, where something stands before the door."""
    status, line, headers = current_app.extensions["mailkeep_ingest_door"].answer(request.environ, node or request.args.get("server", ""))
    return Response(line, status, headers)


def _headers(environ: Environ, limit: int) -> dict[str, str]:
    """As Rspamd wrote them, lower case; gunicorn joins repeated ones with a comma."""
    headers = {name[len(_PREFIX) :].lower().replace("_", "-"): value for name, value in environ.items() if name.startswith(_PREFIX)}
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    size = sum(map(len, headers)) + sum(map(len, headers.values()))
    if size > limit:
        raise TooLarge(f"the request headers have {size} bytes, more than MAX_HEADER_BYTES = {limit}")
    return headers


def _read(environ: Environ, limit: int) -> bytes:
    """The body, never more than the limit."""
    length = _length(environ.get("CONTENT_LENGTH", ""))
    stream = environ["wsgi.input"]
    if length is None:
        chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
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


def _length(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _line(text: str, status: int) -> tuple[bytes, list[tuple[str, str]]]:
    line = ("".join(c if c.isprintable() else " " for c in text)[:500] + "\n").encode("utf-8", "replace")
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(line))),
        ("X-Content-Type-Options", "nosniff"),
    ]
    if status == 401:
        headers.append(("WWW-Authenticate", 'Basic realm="Mailkeep ingest", charset="UTF-8"'))
    return line, headers
