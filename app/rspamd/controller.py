"""A client of Rspamd's controller: a few questions, with bounded answers and no patience for ever."""

import http.client
import json
import ssl
from typing import Any
from urllib.parse import urlsplit

from app.errors import BadRequest, NotAllowed, Unavailable

_MOST_BYTES = 16 * 1024 * 1024
_SECONDS = 10.0


class Controller:
    def __init__(self, url: str, password: str = "", *, seconds: float = _SECONDS) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadRequest(f"{url!r} is no address of a controller, such as http://127.0.0.1:11334.")
        if "\n" in password or "\r" in password:
            raise BadRequest("A password has no line ends.")
        self.url = url
        self._secure = parts.scheme == "https"
        self._place = (parts.hostname, port or (443 if self._secure else 11334))
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
        connection = self._connection()
        try:
            connection.request("GET", self._path + path, headers=self._headers)
            with connection.getresponse() as answer:
                status, body = answer.status, answer.read(_MOST_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Unavailable(f"The controller at {self.url} does not answer: {reason}.") from error
        finally:
            connection.close()
        if status in (401, 403):
            raise NotAllowed(f"The controller at {self.url} wants another password, or does not know this address (secure_ip).")
        if status != 200 or len(body) > _MOST_BYTES:
            raise self._strange(path)
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise self._strange(path) from None

    def _connection(self) -> http.client.HTTPConnection:
        if self._secure:
            return http.client.HTTPSConnection(*self._place, timeout=self._seconds, context=ssl.create_default_context())
        return http.client.HTTPConnection(*self._place, timeout=self._seconds)

    def _strange(self, path: str) -> Unavailable:
        return Unavailable(f"What {self.url} answers to {path} is none of a controller's answers.")
