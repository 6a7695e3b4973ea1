"""A client of Rspamd's controller: a few questions, with bounded answers and no patience for ever."""

import contextlib
import http.client
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from app.errors import BadRequest, NotAllowed, Unavailable

_MOST_BYTES = 16 * 1024 * 1024
_SECONDS = 10.0
_CONNECT_SECONDS = 3.0
_LONGEST_URL = 255
_PLAIN = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    reason: str
    body: bytes
    headers: Mapping[str, str]
    """By their names as they were sent."""


def checked_url(text: str) -> str:
    """The address of a controller as it is kept, or nothing for nothing; BadRequest for what is none."""
    url = text.strip().rstrip("/")
    if url:
        _parts(url)
    return url


def _parts(url: str) -> Any:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if "@" in parts.netloc:  # not shown: it may be a password
        raise BadRequest("The address of a controller has no user and no password in it: the password is given by itself.")
    good = parts.scheme in ("http", "https") and parts.hostname and _PLAIN.fullmatch(url) and len(url) <= _LONGEST_URL
    if not good or parts.query or parts.fragment:
        raise BadRequest(f"{url[:_LONGEST_URL]!r} is no address of a controller, such as http://127.0.0.1:11334.")
    return parts


class Controller:
    def __init__(self, url: str, password: str = "", *, seconds: float = _SECONDS, name: str = "") -> None:
        """`name`: how it is called to people who need not know its address."""
        parts = _parts(url)
        if "\n" in password or "\r" in password:
            raise BadRequest("A password has no line ends.")
        self.name = name or url
        self._secure = parts.scheme == "https"
        self._place = (parts.hostname, parts.port or (443 if self._secure else 11334))
        self._path = parts.path.rstrip("/")
        self._headers = {"Password": password.encode()} if password else {}
        self._seconds = seconds

    def version(self) -> str:
        found = self._object("/auth").get("version")
        return found if isinstance(found, str) else ""

    def maps(self) -> list[dict[str, Any]]:
        return self._list("/maps")

    def rules(self) -> set[str]:
        """Symbols that something of the running configuration may give."""
        return {str(row.get("symbol")) for row in self._list("/counters")}

    def scores(self) -> dict[str, tuple[float, str]]:
        """Of each symbol its score, and a group it is in."""
        found: dict[str, tuple[float, str]] = {}
        for group in self._list("/symbols"):
            for rule in group.get("rules") or ():
                if isinstance(rule, dict) and isinstance(rule.get("weight"), int | float):
                    found[str(rule.get("symbol"))] = (float(rule["weight"]), str(group.get("group")))
        return found

    def _object(self, path: str) -> dict[str, Any]:
        found = self._get(path)
        if not isinstance(found, dict):
            raise self._strange(path)
        return found

    def _list(self, path: str) -> list[dict[str, Any]]:
        found = self._get(path)
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise self._strange(path)
        return found

    def _get(self, path: str) -> Any:
        found = self.ask("GET", path)
        if found.status != 200:
            raise self._strange(path)
        try:
            return json.loads(found.body)
        except (ValueError, RecursionError):
            raise self._strange(path) from None

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Iterable[tuple[str, Any]] = ()) -> Answered:
        """Whatever it answers, except to a wrong password. All of it within the time that it has: who drips is cut off."""
        late, line = threading.Event(), _Line()
        watch = threading.Timer(self._seconds, _cut, (line, late))
        watch.daemon = True
        watch.start()
        connection = http.client.HTTPConnection(*self._place)
        try:
            connection.sock = self._connected(line)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may have said no before it had all
                self._send(connection, method, path, body, headers)
            with connection.getresponse() as answer:
                found = Answered(answer.status, answer.reason, answer.read(_MOST_BYTES + 1), dict(answer.getheaders()))
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._away(error, late.is_set()) from error
        finally:
            watch.cancel()
            connection.close()
            line.close()
        if late.is_set():  # what was read is a part of it, whatever it looks like
            raise self._away(TimeoutError(), is_late=True)
        if found.status in (401, 403):
            raise NotAllowed(f"The controller at {self.name} wants another password, or does not know this address (secure_ip).")
        if len(found.body) > _MOST_BYTES:
            raise self._strange(path)
        return found

    def _send(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None, headers: Iterable[tuple[str, Any]]
    ) -> None:
        connection.putrequest(method, self._path + path, skip_accept_encoding=True)
        for name, value in (*headers, *self._headers.items()):
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)

    def _away(self, error: Exception, is_late: bool) -> Unavailable:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        reason = f"not within {self._seconds:g} seconds" if is_late or isinstance(error, TimeoutError) else reason[:100]
        return Unavailable(f"The controller at {self.name} does not answer: {reason}.")

    def _connected(self, line: "_Line") -> socket.socket:
        found = socket.create_connection(self._place, min(self._seconds, _CONNECT_SECONDS))
        line.end = found
        found.settimeout(self._seconds)
        if self._secure:
            context = ssl.create_default_context()
            line.end = found = context.wrap_socket(found, server_hostname=self._place[0], do_handshake_on_connect=False)
            found.do_handshake()
        return found

    def _strange(self, path: str) -> Unavailable:
        return Unavailable(f"What {self.name} answers to {path} is none of a controller's answers.")


class _Line:
    """The socket, which http.client forgets as soon as it reads an answer that ends with it."""

    end: socket.socket | None = None

    def close(self) -> None:
        if self.end is not None:
            self.end.close()


def _cut(line: _Line, late: threading.Event) -> None:
    """Ends it beneath whoever reads; an SSL socket's own way to do so would trip the reader up."""
    late.set()
    if line.end is not None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(line.end, socket.SHUT_RDWR)
