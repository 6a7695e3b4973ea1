"""X-Forwarded-* as real proxies write it: lists, ports, and what a stranger put in front."""

from typing import Any

import pytest

from app.security.proxy import PEER, UNNAMED, TrustedProxies

PROXY = "10.0.0.1"


def seen(peer: str = PROXY, **headers: str) -> dict[str, Any]:
    """What the application behind it sees."""
    found: dict[str, Any] = {}

    def application(environ: dict[str, Any], _start: object) -> list[bytes]:
        found.update(environ)
        return []

    sent = {f"HTTP_X_FORWARDED_{name.upper()}": value for name, value in headers.items()}
    TrustedProxies(application, ["10.0.0.0/8"])({"REMOTE_ADDR": peer, "wsgi.url_scheme": "http"} | sent, lambda *_: None)
    return found


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:5678", "192.0.2.1"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("192.0.2.1, 10.0.0.2:443", "192.0.2.1"),
        ("203.0.113.9, 192.0.2.1:5678, 10.0.0.2", "192.0.2.1"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
    ],
)
def test_the_client_is_the_nearest_stranger_with_or_without_a_port(forwarded: str, address: str) -> None:
    assert seen(**{"for": forwarded})["REMOTE_ADDR"] == address


@pytest.mark.parametrize(
    ("forwarded", "proto", "scheme"),
    [
        ("192.0.2.1", "https", "https"),
        ("192.0.2.1, 10.0.0.2", "https, http", "https"),
        ("192.0.2.1, 10.0.0.2", "https", "https"),
        ("192.0.2.1, 10.0.0.2", "https,http,http", "http"),  # the first word came from the client
        ("192.0.2.1", "https, http", "http"),
        ("", "https", "https"),
        ("192.0.2.1", "gopher", "http"),
        ("192.0.2.1", "", "http"),
    ],
)
def test_the_scheme_is_what_the_proxy_said_that_met_the_client(forwarded: str, proto: str, scheme: str) -> None:
    assert seen(**{"for": forwarded, "proto": proto})["wsgi.url_scheme"] == scheme


def test_nobody_else_is_believed() -> None:
    found = seen("192.0.2.66", **{"for": "192.0.2.1", "proto": "https", "host": "evil.example", "prefix": "/evil"})
    assert found == {"REMOTE_ADDR": "192.0.2.66", "wsgi.url_scheme": "http", PEER: "192.0.2.66", UNNAMED: "192.0.2.66"}


@pytest.mark.parametrize(
    ("prefix", "script_name"),
    [
        ("/mailkeep", "/mailkeep"),
        ("/mail/keep/", "/mail/keep"),
        ("/", None),
        ("", None),
        ("mailkeep", None),
        ("//evil.example", None),
        ("/\\evil.example", None),
        ("/../mailkeep", None),
        ("/mail keep", None),
        ("/one, /two", None),
        ("/a\r\nSet-Cookie: a=b", None),
    ],
)
def test_a_prefix_is_a_plain_path_or_nothing(prefix: str, script_name: str | None) -> None:
    assert seen(prefix=prefix).get("SCRIPT_NAME") == script_name


def test_where_the_connection_comes_from_stays_known() -> None:
    found = seen(**{"for": "192.0.2.1"})
    assert (found["REMOTE_ADDR"], found[PEER]) == ("192.0.2.1", PROXY)


def test_a_proxy_that_is_not_named_is_told_of_once_and_strangers_cannot_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    proxies = TrustedProxies(lambda _environ, _start: [], ["10.0.0.0/8"])
    for number in (*range(20), *range(20)):
        for sent in ({"HTTP_X_FORWARDED_FOR": "203.0.113.5"}, {}):
            proxies({"REMOTE_ADDR": f"192.0.2.{number}"} | sent, lambda *_: None)
    proxies({"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": "203.0.113.5"}, lambda *_: None)
    assert proxies.unnamed == [f"192.0.2.{number}" for number in range(5)]
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 5
    assert "192.0.2.0 sends X-Forwarded-For and is not in TRUSTED_PROXIES" in lines[0]
