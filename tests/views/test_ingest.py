"""POST /ingest/<node> and Rqwatch's two URLs: who may post, what is kept, and one clear line for what is refused."""

import base64
import gzip
import logging

import msgpack
import pytest
import zstandard
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.actor import SYSTEM
from app.extensions import db
from app.models import Mail
from app.storage import store_for
from app.storage.local import digest_of
from tests.apps import close, make_app
from tests.make import AUTHORIZATION, as_json, make_headers, make_node, make_raw, post
from tests.rspamd.captures import every


@pytest.fixture
def node(app: Flask) -> Flask:
    make_node(app)
    return app


def mails(app: Flask) -> list[Mail]:
    with app.app_context():
        return list(db.session.scalars(select(Mail).order_by(Mail.id)))


def stored(app: Flask, mail: Mail) -> bytes:
    assert mail.copy_digest
    return store_for(app.config["STORE_URL"]).open(mail.copy_digest).read()


def test_a_post_is_a_row_and_a_copy_byte_for_byte(node: Flask, client: FlaskClient) -> None:
    raw = make_raw() + bytes(range(256))
    answer = post(client, raw, user="bob@example.com", rcpt='["A@x.example","b@x.example"]')
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    [mail] = mails(node)
    assert answer.text == f"committed {mail.id}\n"
    assert stored(node, mail) == raw
    assert (mail.node, mail.action, mail.score, mail.direction, mail.user) == ("mx1", "reject", 15.5, "out", "bob@example.com")
    assert (mail.copy_state, mail.copy_node, mail.copy_digest) == ("stored", "mx1", digest_of(raw))
    assert (mail.first_rcpt, mail.rcpt_count) == ("a@x.example", 2)


@pytest.mark.parametrize(
    "path", ["/ingest/mx1", "/api/metadata_importer.php?server=mx1", "/api/metadata_importer_multipart.php?server=MX1"]
)
def test_every_capture_is_taken_at_every_door(node: Flask, client: FlaskClient, path: str) -> None:
    for capture in every():
        headers, body = capture.request()
        sent = {name: value for name, value in headers.items() if name not in ("host", "content-length", "connection", "authorization")}
        answer = client.post(path, data=body, headers=sent | {"Authorization": AUTHORIZATION})
        assert answer.status_code == 200, (capture, answer.text)
    assert {mail.node for mail in mails(node)} == {"mx1"}


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress)])
def test_a_compressed_body_is_taken(node: Flask, client: FlaskClient, encoding: str, pack) -> None:
    raw = make_raw()
    assert post(client, pack(raw), headers={"Content-Encoding": encoding}).status_code == 200
    assert stored(node, mails(node)[0]) == raw


@pytest.mark.parametrize(
    ("path", "headers", "status", "says"),
    [
        ("/ingest/mx1", {"Authorization": ""}, 401, "HTTP Basic"),
        ("/ingest/mx1", {"Authorization": "Basic !!!"}, 401, "not HTTP Basic"),
        ("/ingest/mx1", {"Authorization": "Bearer x"}, 401, "not HTTP Basic"),
        ("/ingest/mx1", {"Authorization": "Basic " + base64.b64encode(b"rspamd:wrong").decode()}, 401, "wrong user or password"),
        ("/ingest/mx1", {"Authorization": "Basic " + base64.b64encode(b"root:secret").decode()}, 401, "wrong user or password"),
        ("/ingest/mx9", {}, 403, "no node 'mx9'"),
        ("/api/metadata_importer.php", {}, 403, "no node ''"),
        ("/ingest/mx1", {"Content-Encoding": "br"}, 415, "'br' is not read"),
        ("/ingest/mx1", {"X-Rspamd-symbols": "x" * 3_000_000}, 413, "MAX_HEADER_BYTES"),
        ("/ingest/mx1", {"X-Rspamd-rcpt": str([f"u{n}@x.example" for n in range(5001)]).replace("'", '"')}, 413, "MAX_RECIPIENTS = 5000"),
        ("/ingest/mx1", {"X-Rspamd-symbols": "[" + ",".join(['{"name":"A"}'] * 2001) + "]"}, 413, "MAX_SYMBOLS = 2000"),
    ],
)
def test_a_refusal_is_one_plain_line(
    node: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture, path: str, headers: dict[str, str], status: int, says: str
) -> None:
    with caplog.at_level(logging.WARNING, "app.views.ingest"):
        answer = post(client, path=path, headers=headers)
    assert (answer.status_code, answer.mimetype, answer.text.count("\n")) == (status, "text/plain", 1)
    assert says in answer.text
    assert [record.levelname for record in caplog.records if record.name == "app.views.ingest"] == ["WARNING"]
    assert "127.0.0.1" in caplog.text
    assert mails(node) == []


def test_a_401_says_how_to_log_in(node: Flask, client: FlaskClient) -> None:
    assert post(client, headers={"Authorization": ""}).headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    ("allow", "address", "status"),
    [
        ("10.0.0.0/8", "10.1.2.3", 200),
        ("10.0.0.0/8", "::ffff:10.1.2.3", 200),
        ("10.0.0.0/8", "11.1.2.3", 403),
        ("2001:db8::/32", "2001:db8::25", 200),
        ("2001:db8::/32", "2001:db9::25", 403),
        ("0.0.0.0/0", "2001:db8::1", 403),
        ("192.0.2.7", "192.0.2.7", 200),
        ("192.0.2.7", "192.0.2.8", 403),
    ],
)
def test_the_address_list_holds(app: Flask, client: FlaskClient, allow: str, address: str, status: int) -> None:
    make_node(app, allow=allow)
    assert client.post("/ingest/mx1", data=make_raw(), headers=make_headers(), environ_base={"REMOTE_ADDR": address}).status_code == status


def test_a_forwarded_address_counts_only_from_a_trusted_proxy(sqlite_template, tmp_path) -> None:
    import shutil

    shutil.copy(sqlite_template, tmp_path / "mailkeep.db")
    for trusted, status in (((), 403), (("127.0.0.0/8",), 200)):
        app = make_app(f"sqlite:///{tmp_path}/mailkeep.db", tmp_path, TRUSTED_PROXIES=trusted)
        if not trusted:
            make_node(app, allow="203.0.113.9")
        answer = post(app.test_client(), headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})
        assert answer.status_code == status, answer.text
        close(app)


def test_a_forged_hop_left_of_the_proxy_is_not_believed(sqlite_template, tmp_path) -> None:
    import shutil

    shutil.copy(sqlite_template, tmp_path / "mailkeep.db")
    app = make_app(f"sqlite:///{tmp_path}/mailkeep.db", tmp_path, TRUSTED_PROXIES=("127.0.0.0/8",))
    make_node(app, allow="203.0.113.9")
    assert post(app.test_client(), headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.1"}).status_code == 403
    close(app)


def test_the_size_limit_has_a_clear_answer(sqlite_template, tmp_path) -> None:
    import shutil

    shutil.copy(sqlite_template, tmp_path / "mailkeep.db")
    app = make_app(f"sqlite:///{tmp_path}/mailkeep.db", tmp_path, MAX_BODY_BYTES=100_000, MAX_METADATA_BYTES=2000)
    make_node(app)
    client = app.test_client()
    answers = [
        post(client, b"x" * 100_001),
        post(client, gzip.compress(bytes(1_000_000)), headers={"Content-Encoding": "gzip"}),
        client.post("/ingest/mx1", data=as_json(subject="x" * 2000), headers={"Authorization": AUTHORIZATION}),
    ]
    assert [answer.status_code for answer in answers] == [413, 413, 413]
    assert ["MAX_BODY_BYTES" in a.text or "MAX_METADATA_BYTES = 2000" in a.text for a in answers] == [True, True, True]
    assert post(client, make_raw(size=99_000)).status_code == 200
    close(app)


@pytest.mark.parametrize(
    ("settings", "fields", "kept"),
    [
        ({}, {"action": "reject"}, True),
        ({}, {"action": "add header"}, True),
        ({}, {"action": "rewrite subject"}, True),
        ({}, {"action": "discard"}, True),
        ({}, {"action": "quarantine"}, True),
        ({}, {"action": "no action"}, False),
        ({}, {"action": "greylist"}, False),
        ({}, {"action": "soft reject"}, False),
        ({}, {"action": "no action", "symbols": '[{"name":"CLAM_VIRUS","score":9,"options":["Some.Virus"]}]'}, True),
        ({}, {"action": "no action", "symbols": '[{"name":"CLAM_VIRUS_FAIL","score":0}]'}, False),
        ({"STORE_VIRUS": False}, {"action": "no action", "symbols": '[{"name":"CLAM_VIRUS","score":9}]'}, False),
        ({"STORE_SYMBOLS": ("BAYES_SPAM",)}, {"action": "no action"}, True),
        ({"STORE_ONLY_SYMBOLS": ("OTHER",)}, {"action": "reject"}, False),
        ({"STORE_ONLY_SYMBOLS": ("BAYES_SPAM",)}, {"action": "reject"}, True),
        ({"STORE_MIN_SCORE": "15"}, {"action": "no action", "score": "15.0"}, True),
        ({"STORE_MIN_SCORE": "15"}, {"action": "no action", "score": "14.9"}, False),
        ({"STORE_DOMAINS": ("example.com",)}, {"action": "reject"}, True),
        ({"STORE_DOMAINS": ("example.org",)}, {"action": "reject"}, False),
        ({"STORE_ACTIONS": ("no action",)}, {"action": "no action"}, True),
    ],
)
def test_the_policy_says_which_copies_are_kept(
    sqlite_template, tmp_path, settings: dict[str, object], fields: dict[str, str], kept: bool
) -> None:
    import shutil

    shutil.copy(sqlite_template, tmp_path / "mailkeep.db")
    app = make_app(f"sqlite:///{tmp_path}/mailkeep.db", tmp_path, **settings)
    make_node(app)
    assert post(app.test_client(), **fields).status_code == 200
    [mail] = mails(app)
    assert (mail.copy_state == "stored") is kept
    assert len(list(store_for(app.config["STORE_URL"]).scan())) == int(kept)
    close(app)


def test_a_virus_is_named(node: Flask, client: FlaskClient) -> None:
    post(client, symbols='[{"name":"CLAM_VIRUS","score":9,"options":["Win.Trojan.Some"]}]')
    [mail] = mails(node)
    with node.app_context():
        assert mail.has_virus
        assert db.session.merge(mail).detail.virus == "Win.Trojan.Some"


def test_a_doubled_post_makes_one_row(node: Flask, client: FlaskClient) -> None:
    raw, headers = make_raw(), make_headers()
    first, again = (client.post("/ingest/mx1", data=raw, headers=headers) for _ in range(2))
    [mail] = mails(node)
    assert (first.text, again.text) == (f"committed {mail.id}\n", f"duplicate {mail.id}\n")
    assert again.status_code == 200


def test_the_same_queue_id_with_another_mail_is_another_row(node: Flask, client: FlaskClient) -> None:
    for _ in range(3):
        assert post(client, qid="SAME").status_code == 200
    assert len(mails(node)) == 3


def test_without_a_queue_id_other_recipients_are_another_delivery(node: Flask, client: FlaskClient) -> None:
    raw = make_raw()
    for recipient in ("a@example.com", "b@example.com", "a@example.com"):
        post(client, raw, qid="", rcpt=f'["{recipient}"]')
    assert [mail.first_rcpt for mail in mails(node)] == ["a@example.com", "b@example.com"]


def test_without_any_id_another_subject_is_another_mail(node: Flask, client: FlaskClient) -> None:
    for subject in ("Invoice", "Something else", "Invoice"):
        body = as_json(qid="unknown", message_id="undef", subject=subject)
        assert client.post("/ingest/mx1", data=body, headers={"Authorization": AUTHORIZATION}).status_code == 200
    assert [mail.subject for mail in mails(node)] == ["Invoice", "Something else"]


def test_a_node_added_or_shut_out_while_running_is_seen(node: Flask, client: FlaskClient) -> None:
    from app.services.nodes import edit

    assert post(client).status_code == 200
    with node.app_context():
        edit("mx1", enabled=False, actor=SYSTEM)
    node.extensions["mailkeep_nodes"].refresh(0)
    assert post(client).status_code == 403


def test_nothing_else_than_a_post_is_taken(node: Flask, client: FlaskClient) -> None:
    for path in ("/ingest/mx1", "/api/metadata_importer.php"):
        answer = client.get(path)
        assert (answer.status_code, answer.mimetype) == (405, "text/plain")


def test_msgpack_and_json_make_the_row_the_default_format_makes(node: Flask, client: FlaskClient) -> None:
    raw = make_raw()
    fields = {"rcpt": ["bob@example.com"], "from": "s@example.net", "action": "reject", "score": 1.5, "symbols": [], "subject": "Mail"}
    bodies = [
        msgpack.packb(fields | {"qid": "A", "message": raw}),
        as_json(**fields | {"qid": "B", "message": base64.b64encode(raw).decode()}),
    ]
    for body in bodies:
        assert client.post("/ingest/mx1", data=body, headers={"Authorization": AUTHORIZATION}).status_code == 200
    post(client, raw, qid="C", score="1.5", symbols="[]", ip="", rspamd_server="", scan_time="")
    rows = [
        {c.key: getattr(m, c.key) for c in Mail.__table__.columns if c.key not in ("id", "identity", "queue_id", "auth_user")}
        for m in mails(node)
    ]
    assert rows[0] == rows[1] == rows[2]


def test_the_counters_count(node: Flask, client: FlaskClient) -> None:
    post(client)
    post(client, path="/ingest/nobody")
    text = client.get("/metrics").text
    assert 'mailkeep_ingest_requests_total{result="committed"}' in text
    assert 'mailkeep_ingest_requests_total{result="403"}' in text
    for name in ("mailkeep_ingest_seconds_bucket", "mailkeep_batch_rows_count", "mailkeep_spool_bytes", "mailkeep_rows_total"):
        assert name in text


def test_no_row_is_without_its_copy(node: Flask, client: FlaskClient) -> None:
    for _ in range(20):
        post(client)
    with node.app_context():
        assert db.session.scalar(select(func.count()).select_from(Mail)) == 20
    for mail in mails(node):
        stored(node, mail)
