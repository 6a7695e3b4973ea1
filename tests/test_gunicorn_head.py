"""What is read at one glance is read as gunicorn reads it; all else is left to gunicorn."""

import ast
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import ParseException
from gunicorn.http.parser import RequestParser
from gunicorn.http.wsgi import create
from hypothesis import given
from hypothesis import strategies as st

from gunicorn_head import LARGEST, Early, Environ, Sight
from tests.rspamd.captures import every
from tests.servers.gunicorn import ROOT

# As gunicorn.conf.py has them; run, it would make folders.
_SETTINGS = {
    node.targets[0].id: eval(compile(ast.Expression(node.value), "", "eval"), {})
    for node in ast.parse((ROOT / "gunicorn.conf.py").read_text()).body
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.startswith(("forward", "limit_"))
}
_UNDERSCORED = _SETTINGS["forwarder_headers"].split(",")
_PLAIN = [
    b"Host: x",
    b"Connection: close",
    b"Content-Length: 5",
    b"X-Rspamd-Symbols: []",
    b"X-Rspamd-scan_time: 3",
    b"Content-Type: text/plain",
]


def request(*lines: bytes, first: bytes = b"POST /ingest/mx1 HTTP/1.1", body: bytes = b"hello") -> bytes:
    return b"\r\n".join((first, *lines, b"", b"")) + body


def look(*pieces: bytes) -> tuple[Sight, Early]:
    early = Early(_UNDERSCORED)
    sight = Sight.PART
    for piece in pieces:
        sight = early.add(piece)
    return sight, early


def as_gunicorn_reads(content: bytes) -> tuple[Environ, bytes, bytes]:
    """Its environ, the body, and what is left over."""
    cfg = Config()
    for name, value in _SETTINGS.items():
        cfg.set(name, value)
    parser = RequestParser(cfg, iter([content]), ("127.0.0.1", 1))
    found = next(parser)
    any_socket: Any = None
    _response, environ = create(found, any_socket, ("127.0.0.1", 1), ("127.0.0.1", 80), cfg)
    assert found.should_close()
    body = found.body.read()
    return environ, body, parser.unreader.take_buffered()


def test_a_post_of_rspamds_is_read_whole_and_as_gunicorn_reads_it() -> None:
    content = request(*_PLAIN)
    sight, early = look(content)
    assert sight is Sight.WHOLE
    environ = early.environ()
    body = environ.pop("wsgi.input").read()
    theirs, their_body, _rest = as_gunicorn_reads(content)
    assert environ == {name: theirs[name] for name in environ}
    assert body == their_body == b"hello"
    assert environ["HTTP_X_RSPAMD_SCAN_TIME"] == "3"


def test_every_post_that_a_rspamd_has_made_is_read_so() -> None:
    for capture in every() + every("odd"):
        content = capture.path.read_bytes()
        sight, early = look(content)
        assert sight is Sight.WHOLE, capture
        environ = early.environ()
        theirs, body, _rest = as_gunicorn_reads(content)
        assert environ.pop("wsgi.input").read() == body, capture
        assert environ == {name: theirs[name] for name in environ}, capture


@pytest.mark.parametrize("content", [b"G", b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST /ingest/mx1 HTTP/1.1\r\n\r", b"\x16\x03\x01"])
def test_a_head_without_its_end_is_a_part_whatever_it_asks_for(content: bytes) -> None:
    assert look(content)[0] is Sight.PART


def test_it_may_come_in_two_pieces() -> None:
    content = request(*_PLAIN)
    for cut in range(1, len(content)):
        early = Early(_UNDERSCORED)
        assert early.add(content[:cut]) is Sight.PART, cut
        assert early.add(content[cut:]) is Sight.WHOLE, cut
        assert early.content == content
        assert early.environ()["wsgi.input"].read() == b"hello"


@pytest.mark.parametrize(
    "content",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        request(*_PLAIN, first=b"GET /ingest/mx1 HTTP/1.1"),
        request(*_PLAIN, first=b"PROXY TCP4 127.0.0.1"),
        request(*_PLAIN, first=b"POST /ingest/mx%31 HTTP/1.1"),
        request(*_PLAIN, first=b"POST //ingest/mx1 HTTP/1.1"),
        request(*_PLAIN, first=b"POST http://x/ingest/mx1 HTTP/1.1"),
        request(*_PLAIN, first=b"POST /ingest/mx1  HTTP/1.1"),
        request(*_PLAIN, first=b"POST /ingest/mx1 HTTP/2.0"),
        request(*_PLAIN, first=b"POST /ingest/mx1"),
        request(*_PLAIN, b"Transfer-Encoding: chunked"),
        request(*_PLAIN, b"Expect: 100-continue"),
        request(*_PLAIN, b"Upgrade: h2c"),
        request(*_PLAIN, b"Content-Length: 5"),
        request(*_PLAIN, b"content-length: 3"),
        request(*_PLAIN, b"X-Rspamd-scan-time: 3"),
        request(*_PLAIN, b"Content_Length: 3"),
        request(*_PLAIN, b"X_Forwarded_For: 192.0.2.1"),
        request(*_PLAIN, b"Authorization : Basic eA=="),
        request(*_PLAIN, b" folded"),
        request(*_PLAIN, b"no colon"),
        request(*_PLAIN, b": no name"),
        request(*_PLAIN, b"X" * 65 + b": x"),
        request(*_PLAIN, b"X: line\nX-Other: smuggled"),
        request(*_PLAIN, b"X: line\rX-Other: smuggled"),
        request(*_PLAIN, b"X: nul\0"),
        request(*[line for line in _PLAIN if b"close" not in line]),
        request(*[line for line in _PLAIN if b"close" not in line], b"Connection: keep-alive"),
        request(*[line for line in _PLAIN if b"Length" not in line]),
        request(*[line for line in _PLAIN if b"Length" not in line], b"Content-Length: +5"),
        request(*[line for line in _PLAIN if b"Length" not in line], b"Content-Length: 5, 5"),
        request(*[line for line in _PLAIN if b"Length" not in line], b"Content-Length: 99999999"),
        request(*_PLAIN, *(b"X-%d: x" % number for number in range(200))),
        request(*_PLAIN, body=b"hello, and another request"),
        b"POST /" + b"x" * LARGEST,
    ],
)
def test_what_is_written_in_another_way_is_left_to_gunicorn(content: bytes) -> None:
    sight, early = look(content)
    assert sight is Sight.OTHER
    assert early.content == content


_words = st.text("abcXYZ019-_:;, \t\r\n\0\x0b\x85\xa0\xe9%/?#&=+\"'", max_size=12).map(lambda text: text.encode("latin-1"))
_said = st.one_of(st.text("abXY09-_:;, \t\xa0\xe9%/?#&=+\"'", max_size=12).map(lambda text: text.encode("latin-1")), _words)
_more = [b"X-Rspamd-Qid", b"X-Rspamd-Rcpt", b"X-Rspamd-rspamd_server", b"User-Agent", b"Authorization", b"Accept", b"X.Dotted", b"Te"]
_names = st.one_of(
    st.sampled_from(_more),
    st.sampled_from(_more),
    st.sampled_from([b"Content-Length", b"Connection", b"Transfer-Encoding", b"X_R"]),
    _words,
)
_field = st.tuples(_names, st.sampled_from([b": ", b":", b":\t", b" : "]), _said).map(b"".join)
_paths = st.one_of(st.just(b"ingest/mx1"), st.just(b"api/metadata_importer.php?server=mx1"), _words)
_bodies = st.sampled_from([b"hello", b"hello", b"hello", b"hello", b"hell", b"hello\r\n"])


@given(lines=st.lists(_field, max_size=3), path=_paths, body=_bodies, version=st.sampled_from([b"1.1", b"1.1", b"1.0", b"1.2"]))
def test_whatever_comes_is_read_as_gunicorn_does_or_left_to_it(lines: list[bytes], path: bytes, body: bytes, version: bytes) -> None:
    content = request(*_PLAIN[:3], *lines, *_PLAIN[4:], first=b"POST /" + path + b" HTTP/" + version, body=body)
    sight, early = look(content)
    assert early.content == content
    if sight is not Sight.WHOLE:
        return
    environ = early.environ()
    ours = environ.pop("wsgi.input").read()
    try:
        theirs, their_body, rest = as_gunicorn_reads(content)
    except ParseException as error:
        raise AssertionError(f"gunicorn refuses {content!r}") from error
    assert {name: value for name, value in theirs.items() if name.startswith(("HTTP_", "CONTENT_"))} == {
        name: value for name, value in environ.items() if name.startswith(("HTTP_", "CONTENT_"))
    }
    assert environ == {name: theirs[name] for name in environ}
    assert (ours, rest) == (their_body, b"")
