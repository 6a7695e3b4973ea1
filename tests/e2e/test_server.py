"""What only the real server shows: big headers, cut-off bodies, chunked posts, limits, a start without a database."""

import base64
import http.client
import json
import pathlib
import socket
from collections.abc import Iterator

import pytest

from tests.make import make_headers, make_raw
from tests.servers.gunicorn import Mailkeep


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailkeep]:
    server = Mailkeep(f"sqlite:///{tmp_path_factory.mktemp('db')}/mailkeep.db", MAX_BODY_BYTES=1_000_000).prepare()
    server.start()
    yield server
    server.close()


def send(server: Mailkeep, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.request("POST", "/ingest/mx1", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_seventy_kilobytes_of_symbols_pass(server: Mailkeep) -> None:
    symbols = [{"name": f"SYMBOL_{n}", "score": 0.1, "options": ["o" * 60]} for n in range(700)]
    headers = make_headers(symbols=json.dumps(symbols))
    assert len(headers["X-Rspamd-symbols"]) > 70_000
    status, text = send(server, make_raw(), headers)
    assert (status, text.split()[0]) == (200, "committed")


def test_raw_utf8_in_a_header_passes_as_rspamd_3_4_sends_it(server: Mailkeep) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in make_headers(subject="Καλημέρα").items())
    body = make_raw()
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(
            f"POST /ingest/mx1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body
        )
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200")


def test_a_body_past_the_limit_gets_its_answer(server: Mailkeep) -> None:
    status, text = send(server, b"x" * 1_500_000, make_headers())
    assert (status, "MAX_BODY_BYTES = 1000000" in text) == (413, True)


def test_a_chunked_post_is_taken_whole(server: Mailkeep) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    raw = make_raw(size=100_000)
    connection.request("POST", "/ingest/mx1", iter([raw[:5000], raw[5000:]]), make_headers(), encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.status, answer.read().split()[0]) == (200, b"committed")
    connection.close()


def test_a_body_that_breaks_off_is_no_mail(server: Mailkeep) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in make_headers().items())
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(f"POST /ingest/mx1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n{head}\r\nhalf".encode())
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").read()
    assert b" 200 " not in answer.split(b"\r\n")[0]


def test_health_and_metrics_answer(server: Mailkeep) -> None:
    assert server.get("/healthz") == (200, b"ok\n")
    status, body = server.get("/readyz")
    state = json.loads(body)
    assert (status, state["database"]["ok"], state["node"]) == (200, True, "mx1")
    status, body = server.get("/metrics")
    assert status == 200
    assert b"mailkeep_ingest_requests_total" in body


def test_the_login_page_opens(server: Mailkeep) -> None:
    status, body = server.get("/login/")
    assert status == 200
    assert b"csrf_token" in body


def test_it_starts_and_spools_without_a_database(tmp_path: pathlib.Path) -> None:
    url = f"sqlite:///{tmp_path}/mailkeep.db"
    server = Mailkeep(url, WORKERS=1).prepare()
    try:
        server.start()
        assert send(server, make_raw(), make_headers())[0] == 200
        server.stop()
        (tmp_path / "mailkeep.db").rename(tmp_path / "elsewhere")
        for path in tmp_path.glob("mailkeep.db-*"):
            path.unlink()
        (tmp_path / "mailkeep.db").mkdir()  # a file that cannot be opened as a database
        server.start()
        status, text = send(server, make_raw(), make_headers())
        assert (status, text.split()[0]) == (200, "spooled")
        assert server.get("/login/")[0] == 503 or b"Traceback" not in server.get("/login/")[1]
    finally:
        server.close()


def test_a_wrong_setting_stops_the_start_with_one_line(tmp_path: pathlib.Path) -> None:
    server = Mailkeep(f"sqlite:///{tmp_path}/x.db", MAX_RECIPIENTS="many")
    with pytest.raises(RuntimeError, match="MAX_RECIPIENTS: 'many' is not a whole number"):
        server.start()
    assert "Traceback" not in server.output()
    server.close()


def test_a_wrong_password_is_refused(server: Mailkeep) -> None:
    headers = make_headers() | {"Authorization": "Basic " + base64.b64encode(b"rspamd:no").decode()}
    assert send(server, make_raw(), headers)[0] == 401
