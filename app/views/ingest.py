"""POST /ingest/<node>: where every Rspamd sends its scanned mails. Rqwatch's two URLs lead here too.

The door stands in front of Flask: a post needs no session, no cookie and no page, and what Flask would do for it costs as much as
reading the report.
"""

import functools
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from http import HTTPStatus
from typing import IO, Any
from urllib.parse import parse_qs

from flask import Blueprint, Flask, Response, current_app, request

from app.clock import monotonic
from app.errors import BadRequest, MailkeepError, TooLarge
from app.later import Environ, Headers, Later
from app.rspamd.body import decode_body
from app.rspamd.metadata import parse
from app.rspamd.report import Limits, Received, TakesTime
from app.services import meter
from app.services.rescan_mark import MARK, mail_rescanned
from app.services.sealing import key_for
from app.services.ticket import Accepted, Outcome, Ticket
from app.views.errors import STATUS

log = logging.getLogger(__name__)
ingest = Blueprint("ingest", __name__)

_DRAIN_BYTES = 16 << 20
_PREFIX = "HTTP_"
_PATH = "/ingest/"
_RQWATCH = ("/api/metadata_importer.php", "/api/metadata_importer_multipart.php")


class IngestDoor:
    def __init__(self, app: Flask) -> None:
        self._nodes = app.extensions["mailkeep_nodes"]
        self._assembly = app.extensions["mailkeep_intake"]
        with app.app_context():
            self._rescan_key = key_for(MARK)
        self._limits: Limits = app.extensions["mailkeep_limits"]
        self._hurried = replace(self._limits, is_hurried=True)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes] | None:
        """None for what is no post of a mail: that is Flask's."""
        node = _node_of(environ) if environ["REQUEST_METHOD"] == "POST" else None
        if node is None:
            return None
        status, line, headers = self.answer(environ, node)
        start_response(_status(status), headers)
        return (line,)

    def answer(self, environ: Environ, node: str) -> tuple[int, bytes, Headers]:
        """One line, whatever happens: Rspamd logs it. Each refusal is logged once, with the node and the address."""
        started = monotonic()
        try:
            return _accepted(self._take(environ, node), started)
        except Exception as error:  # noqa: BLE001 - told below
            return _refused(error, node, environ.get("REMOTE_ADDR", ""), started)

    def take_later(self, environ: Environ, later: Later) -> None:
        """The same without a thread that waits. Left alone is what could take its time: who is not known from memory, what is packed or
        odd, an intake that has not begun."""
        started = monotonic()
        node, address = _node_of(environ), environ.get("REMOTE_ADDR", "")
        if not node or environ.get("HTTP_CONTENT_ENCODING") or (intake := self._assembly.running) is None:
            return
        name = self._nodes.known(node, address, environ.get("HTTP_AUTHORIZATION"))
        if name is None:
            return

        def tell(ticket: Ticket) -> None:
            try:
                _answer_later(later, _accepted(ticket.accepted(), started))
            except Exception as error:  # noqa: BLE001 - told as well
                _answer_later(later, _refused(error, name, address, started))

        try:
            received = self._received(environ, self._hurried)
            later.is_taken = True
            if (rescanned := self._rescanned(received)) is not None:
                _answer_later(later, _accepted(rescanned, started))
            else:
                intake.take(name, received, tell)
        except TakesTime:
            return
        except Exception as error:  # noqa: BLE001 - told below
            later.is_taken = True
            _answer_later(later, _refused(error, name, address, started))

    def _take(self, environ: Environ, node: str) -> Accepted:
        name = self._nodes.check(node, environ.get("REMOTE_ADDR", ""), environ.get("HTTP_AUTHORIZATION"))
        received = self._received(environ, self._limits)
        accepted: Accepted = self._rescanned(received) or self._assembly.get().accept(name, received)
        return accepted

    def _received(self, environ: Environ, limits: Limits) -> Received:
        headers = _headers(environ, limits.header_bytes)
        body = decode_body(_read(environ, limits.body_bytes), headers.get("content-encoding", ""), limits.body_bytes)
        return parse(headers, body, limits)

    def _rescanned(self, received: Received) -> Accepted | None:
        """Asked for by us: it is no mail that came."""
        mail_id = mail_rescanned(self._rescan_key, received.report.queue_id)
        return None if mail_id is None else Accepted(mail_id, Outcome.RESCANNED)


def _accepted(accepted: Accepted, started: float) -> tuple[int, bytes, Headers]:
    _count(accepted.outcome.value, started)
    return 200, *_line(f"{accepted.outcome} {accepted.mail_id}", 200)


def _refused(error: Exception, node: str, address: str, started: float) -> tuple[int, bytes, Headers]:
    if isinstance(error, MailkeepError):
        status, line = STATUS.get(type(error), 400), f"{error}"
        log.warning("ingest: refused %s from %s: %d %s", node[:64], address, status, error)
    else:
        status, line = 500, "Something went wrong on our side; it has been logged."
        log.error("ingest: a post by %s from %s failed", node[:64], address, exc_info=error)
    _count(str(status), started)
    return status, *_line(line, status)


def _count(result: str, started: float) -> None:
    meter.requests.labels(result).inc()
    meter.request_seconds.observe(monotonic() - started)


def _answer_later(later: Later, answer: tuple[int, bytes, Headers]) -> None:
    status, line, headers = answer
    later.answer(_status(status), headers, line)


def _status(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}"


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
    headers = {name: value for key, value in environ.items() if (name := _name_of(key))}
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    size = sum(map(len, headers)) + sum(map(len, headers.values()))
    if size > limit:
        raise TooLarge(f"the request headers have {size} bytes, more than MAX_HEADER_BYTES = {limit}")
    return headers


@functools.lru_cache(maxsize=512)
def _name_of(key: str) -> str:
    return key[len(_PREFIX) :].lower().replace("_", "-") if key.startswith(_PREFIX) else ""


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


def _line(text: str, status: int) -> tuple[bytes, Headers]:
    line = ("".join(c if c.isprintable() else " " for c in text)[:500] + "\n").encode("utf-8", "replace")
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(line))),
        ("X-Content-Type-Options", "nosniff"),
    ]
    if status == 401:
        headers.append(("WWW-Authenticate", 'Basic realm="Mailkeep ingest", charset="UTF-8"'))
    return line, headers
