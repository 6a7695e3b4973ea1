"""What serves maps to an Rspamd of the tests: texts that can be changed, with an ETag and a near Expires."""

import hashlib
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class MapSource:
    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.fetched: dict[str, str] = {}
        """Of each path the text that was fetched last."""
        self.login = ""
        """The Authorization header that is asked for; nothing: none is."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def are_fetched(self) -> bool:
        return all(self.fetched.get(path) == text for path, text in self.texts.items())

    def _handler(source) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                text = source.texts.get(self.path)
                if source.login and self.headers.get("Authorization") != source.login:
                    self._answer(401, "")
                elif text is None:
                    self._answer(404, "")
                else:
                    etag = f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
                    known = self.headers.get("If-None-Match") == etag
                    self._answer(304 if known else 200, text, etag)
                    if not known and self.command == "GET":
                        source.fetched[self.path] = text

            do_GET = do_HEAD  # noqa: N815

            def _answer(self, status: int, text: str, etag: str = "") -> None:
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(0 if status == 304 else len(body)))
                if etag:
                    self.send_header("ETag", etag)
                    self.send_header("Expires", formatdate(usegmt=True, timeval=time.time() + 1))
                self.end_headers()
                if self.command == "GET" and status == 200:
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
