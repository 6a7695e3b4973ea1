"""A bucket over a network: away, silent, not ours, not who it says. Each is one sentence within some seconds, and no key is ever told."""

import hashlib
import http.server
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from app.errors import NotFound, Unavailable
from app.storage import is_shared, store_for
from app.storage.local import digest_of, pack
from app.storage.s3 import PARALLEL, Place, S3Store
from app.storage.store import Store
from tests.servers.s3 import BUCKET, KEYS, S3
from tests.servers.slapd import Authority

RAW = b"Subject: far away\r\n\r\n"
DIGEST = digest_of(RAW)
SPOILT = hashlib.md5(b"another")
VERBS: dict[str, Callable[[Store], object]] = {
    "put": lambda store: store.put(DIGEST, pack(RAW, 1)),
    "put_all": lambda store: store.put_all((digest_of(bytes([n])), pack(bytes([n]), 1)) for n in range(10 * PARALLEL)),
    "repair": lambda store: store.repair(DIGEST, pack(RAW, 1)),
    "open": lambda store: store.open(DIGEST),
    "delete": lambda store: store.delete(DIGEST),
    "exists": lambda store: store.exists(DIGEST),
    "set_aside": lambda store: store.set_aside(DIGEST),
    "bring_back": lambda store: store.bring_back(DIGEST),
    "discard": lambda store: store.discard(DIGEST),
    "scan": lambda store: list(store.scan()),
    "prepare": lambda store: store.prepare(),
}


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def test_a_silent_server_is_given_up_by_every_verb(s3: S3) -> None:
    store = store_for(s3.url("silent", timeout=1))
    store.put(DIGEST, pack(RAW, 1))
    s3.hang()
    found: dict[str, Exception] = {}

    def work(name: str) -> None:
        try:
            VERBS[name](store)
        except Exception as error:
            found[name] = error

    try:
        threads = [threading.Thread(target=work, args=(name,)) for name in VERBS]  # at once: each waits for its own time-out
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    finally:
        s3.go_on()
    assert {name: type(error) for name, error in found.items()} == dict.fromkeys(VERBS, Unavailable)
    assert store.open(DIGEST).read() == RAW


def test_a_wrong_key_is_told_without_any_key(s3: S3, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret-of-the-store")
    caplog.set_level("DEBUG")
    store = S3Store(s3.url("refused", region="of-the-wrong-key"))
    for verb in VERBS.values():
        with pytest.raises(Unavailable) as told:
            verb(store)
        assert BUCKET not in str(told.value)
    assert "store: s3://mails" in caplog.text
    assert "not-the-secret" not in caplog.text
    assert KEYS["AWS_ACCESS_KEY_ID"] + "/" not in caplog.text  # as what is signed begins


def test_without_any_key_it_is_unavailable(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(Unavailable):
        store_for(s3.url("nobody", region="nowhere-1")).put(DIGEST, b"")


def test_a_bucket_that_is_not_there_is_named(s3: S3) -> None:
    store = store_for(s3.url("x").replace(f"//{BUCKET}/", "//no-such-bucket/"))
    with pytest.raises(Unavailable, match="There is no bucket no-such-bucket"):
        store.prepare()
    with pytest.raises(Unavailable):
        store.put(DIGEST, b"")
    with pytest.raises(Unavailable):
        store.open(DIGEST)


def test_two_prefixes_share_nothing(s3: S3) -> None:
    one, two = store_for(s3.url("one")), store_for(s3.url("one/two"))
    two.put(DIGEST, pack(RAW, 1))
    assert list(one.scan()) == []
    with pytest.raises(NotFound):
        one.open(DIGEST)


def test_what_was_spoilt_on_the_way_is_refused_by_the_server(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    store = store_for(s3.url("spoilt"))
    monkeypatch.setattr("app.storage.s3.hashlib.md5", lambda _content, **_: SPOILT)
    with pytest.raises(Unavailable):
        store.put(DIGEST, pack(RAW, 1))


@pytest.fixture
def authority() -> Authority:
    return Authority("DNS:localhost")


@pytest.fixture
def over_tls(authority: Authority) -> Iterator[int]:
    """Answers nothing but 501."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.folder / "server.pem", authority.folder / "server.key")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_a_certificate_is_looked_at(
    over_tls: int, authority: Authority, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"s3://{BUCKET}?endpoint=https://localhost:{over_tls}"
    with pytest.raises(Unavailable):
        S3Store(url).prepare()
    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text
    caplog.clear()
    monkeypatch.setenv("AWS_CA_BUNDLE", authority.file)
    with pytest.raises(Unavailable):
        S3Store(url + "&region=of-our-own").prepare()
    assert "501" in caplog.text


def test_an_outage_is_told_of_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    store = S3Store(f"s3://{BUCKET}?endpoint=http://127.0.0.1:9")
    for number in range(5):
        with pytest.raises(Unavailable):
            store.open(digest_of(bytes([number])))
    assert len(caplog.records) == 1


def test_the_url_says_where_the_bucket_is() -> None:
    assert Place.of("s3://mails") == Place("mails", "", None, None, False, 5.0)
    home = "s3://mails/a/b/?endpoint=https://s3.example.com&region=eu&timeout=20"
    assert Place.of(home) == Place("mails", "a/b/", "https://s3.example.com", "eu", True, 20.0)
    assert Place.of("s3://mails?endpoint=https://s3.example.com&path_style=no").path_style is False
    assert (is_shared(home), is_shared("file:///srv/mails")) == (True, False)


def test_who_keeps_files_loads_nothing_of_it() -> None:
    code = "import sys; from app.storage import store_for; store_for('file:///srv'); sys.exit('botocore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
