"""GET and HEAD /maps/<name>.txt: where every Rspamd fetches its maps.

Like the door for mails this one stands in front of Flask. Anything with status 200 becomes the map in Rspamd, so that there is no other
answer with it than a whole text; each other one is a line, after which Rspamd keeps what it has.
"""

import logging
import re
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import Any

from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.http import parse_date

from app.clock import utcnow
from app.errors import MailkeepError, NotFound
from app.later import Environ
from app.security.map_access import MapAccess
from app.security.proxy import UNNAMED
from app.services import meter
from app.services.map_feed import MapFeed, Served
from app.services.map_fetches import FetchNotes
from app.storage.map_texts import TextHead
from app.views.errors import STATUS

log = logging.getLogger(__name__)
map_feed = Blueprint("map_feed", __name__)

_PATH, _END = "/maps/", ".txt"
_AGAIN_SECONDS = 15
_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_OURS = re.compile(r"(\d{1,10})-[0-9a-f]{40}")
_MOST_TAGS = 8192
_LONGEST_DATE = len("Wednesday, 06-Nov-94 08:49:37 GMT")
_WORDS = {200: "OK", 304: "Not Modified", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 503: "Service Unavailable"}
Headers = list[tuple[str, str]]
Answer = tuple[int, Headers, Iterable[bytes]]


class MapDoor:
    def __init__(self, app: Flask) -> None:
        self._access: MapAccess = app.extensions["mailkeep_map_access"]
        self._feed: MapFeed = app.extensions["mailkeep_maps"]
        self._notes: FetchNotes = app.extensions["mailkeep_map_fetches"]

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes] | None:
        """None for what asks for no map: that is Flask's."""
        path: str = environ.get("PATH_INFO", "")
        if not path.startswith(_PATH) or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return None
        status, headers, body = self.answer(environ, path[len(_PATH) :])
        start_response(f"{status} {_WORDS.get(status, 'Answer')}", headers)
        return body

    def answer(self, environ: Environ, file: str) -> Answer:
        is_head = environ["REQUEST_METHOD"] == "HEAD"
        try:
            status, headers, body = self._answer(environ, file, is_head)
        except MailkeepError as error:
            status, headers, body = _line(STATUS.get(type(error), 400), f"{error}", is_head)
        except Exception:
            log.exception("maps: a fetch by %s failed", environ.get("REMOTE_ADDR"))
            status, headers, body = _line(500, "Something went wrong on our side; it has been logged.", is_head)
        meter.map_requests.labels(status).inc()
        return status, headers, body

    def _answer(self, environ: Environ, file: str, is_head: bool) -> Answer:
        address = environ.get("REMOTE_ADDR", "")
        if environ.get(UNNAMED):  # then the address is the proxy's, and whoever asks has any
            self._access.refuse(address, "it sends X-Forwarded-For and TRUSTED_PROXIES does not name it")
        node = self._access.name_of(address, environ.get("HTTP_AUTHORIZATION"))
        if not file.endswith(_END):
            raise NotFound("There is no such map.")
        served = self._feed.get(file.removesuffix(_END))
        head = served.text.head
        tags = environ.get("HTTP_IF_NONE_MATCH")
        if is_same(head, tags, environ.get("HTTP_IF_MODIFIED_SINCE")):
            self._note(environ, node, head, head.revision)
            return 304, headers_of(served, head), ()
        if is_head:
            if (had := revision_of(tags, head)) is not None:
                self._note(environ, node, head, had)
            return 200, [*headers_of(served, head), ("Content-Length", str(head.length))], ()
        text, body = self._feed.opened(served.text, lambda head: self._note(environ, node, head, head.revision))
        return 200, [*headers_of(served, text.head), ("Content-Length", str(text.head.length))], body

    def _note(self, environ: Environ, node: str, head: TextHead, revision: int) -> None:
        agent, address = environ.get("HTTP_USER_AGENT", ""), environ.get("REMOTE_ADDR", "")
        self._notes.note(node, head.map_id, revision, head.etag, agent, address)


@map_feed.get("/maps/<name>.txt")
def fetch(name: str) -> Response:
    """The same through Flask, where something stands before the door."""
    status, headers, body = current_app.extensions["mailkeep_map_door"].answer(request.environ, f"{name}{_END}")
    return Response(body, status, headers)


def is_same(head: TextHead, tags: str | None, since: str | None) -> bool:
    """RFC 9110, 13.2.2: with tags the date does not count, whatever stands in them."""
    if tags is not None:
        return tags.strip() == "*" or head.etag in _TAG.findall(tags[:_MOST_TAGS])
    date = parse_date(since) if since and len(since) <= _LONGEST_DATE else None  # two of them are none
    # While its second lasts, another change may come within it.
    return date is not None and head.modified <= date.timestamp() and head.modified <= utcnow().timestamp()


def revision_of(tags: str | None, head: TextHead) -> int | None:
    """Which one of ours they say they have; a later one than ours nobody can have."""
    ours = [int(match[1]) for tag in _TAG.findall((tags or "")[:_MOST_TAGS]) if (match := _OURS.fullmatch(tag))]
    return max((revision for revision in ours if revision <= head.revision), default=None)


def headers_of(served: Served, head: TextHead) -> Headers:
    headers = [("ETag", f'"{head.etag}"'), ("Accept-Ranges", "none"), *_always(f"private, max-age={_AGAIN_SECONDS}")]
    if head.modified <= utcnow().timestamp():
        headers.append(("Last-Modified", formatdate(head.modified, usegmt=True)))
    if served.stale_since is not None:
        headers.append(("X-Mailkeep-Stale", served.stale_since.strftime("%Y-%m-%dT%H:%M:%SZ")))
        headers.append(("Warning", '110 - "the database does not answer"'))
    return headers


def _always(cache: str) -> Headers:
    """Without a near Expires Rspamd asks again after ten minutes, whatever else is said."""
    return [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Expires", formatdate(int(utcnow().timestamp()) + _AGAIN_SECONDS, usegmt=True)),
        ("Cache-Control", cache),
        ("Vary", "Authorization"),
        ("X-Content-Type-Options", "nosniff"),
    ]


def _line(status: int, text: str, is_head: bool) -> Answer:
    line = ("".join(sign if sign.isprintable() else " " for sign in text)[:500] + "\n").encode("utf-8", "replace")
    headers = [*_always("no-store"), ("Content-Length", str(len(line)))]
    if status == 401:
        headers.append(("WWW-Authenticate", 'Basic realm="Mailkeep maps", charset="UTF-8"'))
    return status, headers, () if is_head else (line,)
