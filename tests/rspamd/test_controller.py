"""Whatever answers in a controller's place: one sentence, soon, and nothing followed or believed."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.errors import MailkeepError, NotAllowed, Unavailable
from app.rspamd.controller import Controller

ANSWERS: dict[str, tuple[int, bytes]] = {
    "login": (401, b"{}"),
    "forbidden": (403, b"{}"),
    "failed": (500, b'{"error":"x"}'),
    "moved": (302, b""),
    "page": (200, b"<html>hello</html>"),
    "list": (200, b"[1, 2]"),
    "text": (200, b'"text"'),
    "deep": (200, b"[" * 100_000),
    "short": (200, b'[{"symbol":'),
    "binary": (200, b"\xff\xfe\x00"),
    "numbers": (200, b'[{"group": 1, "rules": [{"symbol": "A", "weight": "x"}, 3, {"symbol": "B", "weight": 2}]}, {"rules": null}]'),
    "huge": (200, b"[" + b" " * (17 * 1024 * 1024) + b"]"),
}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.server.hangs.wait(20)  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        name = self.path.split("/")[1]
        if name == "hang":
            return self.server.hangs.wait(20) and None  # type: ignore[attr-defined, no-any-return]
        if name in ("drip", "drip-head"):
            self.wfile.write(b"HTTP/1.0 200 OK\r\n" + (b"\r\n[" if name == "drip" else b""))
            while not self.server.hangs.wait(0.05):  # type: ignore[attr-defined]
                self.wfile.write(b" " if name == "drip" else b"X-A: b\r\n")
            return None
        if name == "garbage":
            self.wfile.write(b"\x00\x01 no HTTP at all\r\n\r\n")
            return None
        status, body = ANSWERS[name]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", "/numbers/symbols")
        self.end_headers()
        self.wfile.write(body)
        return None

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.hangs = threading.Event()  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.hangs.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", [*(name for name in ANSWERS if name != "numbers"), "hang", "garbage", "drip", "drip-head"])
def test_an_odd_answer_is_an_error_of_ours(base: str, name: str) -> None:
    controller = Controller(f"{base}/{name}", "pw", seconds=0.5)
    with pytest.raises(MailkeepError) as raised:
        controller.scores()
    assert isinstance(raised.value, NotAllowed if name in ("login", "forbidden") else Unavailable)
    assert base in str(raised.value)
    assert len(str(raised.value)) < 300


def test_who_takes_a_mail_and_says_nothing_is_left_in_time(base: str) -> None:
    with pytest.raises(Unavailable, match=r"not within 0\.3 seconds"):
        Controller(f"{base}/hang", seconds=0.3).ask("POST", "/learnspam", b"x" * (8 << 20))


def test_odd_rows_are_passed_over(base: str) -> None:
    assert Controller(f"{base}/numbers").scores() == {"B": (2.0, "1")}
