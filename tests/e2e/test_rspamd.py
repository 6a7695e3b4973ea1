"""A real Rspamd posts to a real gunicorn of ours: rows and raw copies are what was sent."""

import json
import os
import pathlib
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine, select

from app.models import Mail, MailDetail, MailRecipient
from app.storage import store_for
from app.storage.local import digest_of
from tests.databases import driver_url
from tests.rspamd.captures import DATA, envelope, message
from tests.servers.gunicorn import Mailkeep
from tests.servers.mariadb import MariaDB
from tests.servers.process import wait_for
from tests.servers.rspamd import Rspamd

MAILS = sorted(path.stem for path in (DATA / "mails").glob("*.eml"))
GTUBE = "02-gtube"  # a pre-result: the exporter is never called for it
KEPT = {"add header", "rewrite subject", "discard", "reject", "quarantine"}


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.long)])
def running(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Mailkeep]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/mailkeep.db"
    else:
        mariadb: MariaDB = request.getfixturevalue("mariadb")
        url = mariadb.create(f"e{uuid.uuid4().hex[:10]}")
    server = Mailkeep(url).prepare()
    server.start()
    yield server
    server.close()


def check_all_mails(running: Mailkeep, rspamd: Rspamd, *, drops_smtputf8: bool) -> None:
    verdicts = {mail: rspamd.scan(message(mail), envelope(mail), f"{mail}-{uuid.uuid4().hex[:6]}") for mail in MAILS}
    expected = [mail for mail in MAILS if mail != GTUBE]
    engine = create_engine(driver_url(running.settings["DATABASE_URL"]))

    def rows() -> list[Mail]:
        with engine.connect() as connection:
            return list(connection.execute(select(Mail.__table__)).all())

    wait_for(lambda: len(rows()) >= len(expected), 30, lambda: f"{len(rows())} rows\n{running.output()}\n{rspamd.output()}")
    assert len(rows()) == len(expected)
    by_digest = {row.copy_digest: row for row in rows()}
    store = store_for(running.settings["STORE_URL"])
    for mail in expected:
        raw, sent = message(mail), envelope(mail)
        row = by_digest[digest_of(raw)]
        assert row.action == verdicts[mail]["action"]
        assert row.score == pytest.approx(verdicts[mail]["score"], abs=0.01)
        assert row.size in (len(raw), 0)
        assert (row.copy_state == "stored") is (row.action in KEPT)
        if row.copy_state == "stored":
            assert store.open(row.copy_digest).read() == raw
        with engine.connect() as connection:
            detail = connection.execute(select(MailDetail.__table__).where(MailDetail.mail_id == row.id)).one()
            found = connection.execute(
                select(MailRecipient.address).where(MailRecipient.mail_id == row.id).order_by(MailRecipient.position)
            ).scalars()
            addresses = list(found)
        assert detail.scan_ms is not None  # its header has an underscore, which gunicorn drops unless told
        assert detail.rspamd_host
        assert {symbol["name"] for symbol in json.loads(detail.symbols)} == set(verdicts[mail]["symbols"])
        assert detail.headers == raw.split(b"\r\n\r\n")[0].decode("utf-8", "replace")
        if not (drops_smtputf8 and mail == "14-smtputf8"):
            assert addresses == list(dict.fromkeys(address.lower() for address in sent["rcpt"]))
            assert row.mail_from == sent["from"].lower()
    assert {row.action for row in rows()} & KEPT, "no mail was kept: the test proves nothing"
    engine.dispose()


def test_rspamd_3_posts_every_mail(running: Mailkeep) -> None:
    rspamd = Rspamd(f"http://127.0.0.1:{running.port}/ingest/mx1")
    try:
        rspamd.start()
        check_all_mails(running, rspamd, drops_smtputf8=True)
    finally:
        rspamd.close()


@pytest.mark.rspamd4
@pytest.mark.parametrize(
    ("formatter", "rule"), [("multipart", {}), ("json_with_message", {}), ("msgpack", {}), ("default", {}), ("multipart", {"gzip": "true"})]
)
def test_rspamd_4_posts_every_mail(tmp_path: pathlib.Path, formatter: str, rule: dict[str, str]) -> None:
    server = Mailkeep(f"sqlite:///{tmp_path}/mailkeep.db").prepare()
    server.start()
    rspamd = Rspamd(f"http://127.0.0.1:{server.port}/ingest/mx1", formatter, os.environ["RSPAMD4_ROOT"], **rule)
    try:
        rspamd.start()
        check_all_mails(server, rspamd, drops_smtputf8=False)
    finally:
        rspamd.close()
        server.close()


def check_reports_alone(server: Mailkeep, rspamd: Rspamd) -> None:
    """A format that leaves the message out still gives a row of each mail, with nothing kept."""
    named = [mail for mail in MAILS if mail != GTUBE and envelope(mail).get("qid") is None and mail != "14-smtputf8"]
    verdicts = {f"{mail}-alone": rspamd.scan(message(mail), envelope(mail), f"{mail}-alone") for mail in named}
    engine = create_engine(driver_url(server.settings["DATABASE_URL"]))

    def rows() -> dict[str, Any]:
        with engine.connect() as connection:
            return {row.queue_id: row for row in connection.execute(select(Mail.__table__))}

    wait_for(lambda: len(rows()) >= len(named), 30, lambda: f"{len(rows())} rows\n{server.output()}\n{rspamd.output()}")
    for queue_id, row in rows().items():
        sent = envelope(queue_id.removesuffix("-alone"))
        assert row.action == verdicts[queue_id]["action"]
        assert row.score == pytest.approx(verdicts[queue_id]["score"], abs=0.01)
        assert (row.mail_from, row.rcpt_count) == (sent["from"].lower(), len({address.lower() for address in sent["rcpt"]}))
        assert (row.copy_state, row.copy_node) == ("none", None)
    engine.dispose()


def test_rspamd_3_posts_reports_without_the_message(running: Mailkeep) -> None:
    with Rspamd(f"http://127.0.0.1:{running.port}/ingest/mx1", "json") as rspamd:
        check_reports_alone(running, rspamd)


@pytest.mark.rspamd4
@pytest.mark.parametrize(("formatter", "rule"), [("json", {}), ("structured", {}), ("structured", {"zstd_compress": "true"})])
def test_rspamd_4_posts_reports_without_the_message(tmp_path: pathlib.Path, formatter: str, rule: dict[str, str]) -> None:
    with Mailkeep(f"sqlite:///{tmp_path}/mailkeep.db").prepare() as server:
        url = f"http://127.0.0.1:{server.port}/ingest/mx1"
        with Rspamd(url, formatter, os.environ["RSPAMD4_ROOT"], **rule) as rspamd:
            check_reports_alone(server, rspamd)


def check_as_made(server: Mailkeep, version: str, root: str = "") -> None:
    """The files of `flask rspamd config` as they stand; also what is discarded is exported."""
    rspamd = Rspamd("", root=root)
    local = rspamd.folder / "local.d"
    tests_rules = (local / "multimap.conf").read_text()
    for name in ("metadata_exporter.conf", "multimap.conf", "worker-controller.inc"):
        (local / name).rename(rspamd.folder / name)
    asked = ("--node", "mx1", "--url", f"http://127.0.0.1:{server.port}", "--password", "secret", "--version", version)
    server.flask("rspamd", "config", *asked, "--out", str(local))
    (rspamd.folder / "worker-controller.inc").rename(local / "worker-controller.inc")
    with (local / "multimap.conf").open("a") as file:
        file.write(tests_rules)
    (local / "actions.conf").write_text("discard = 40;")
    with rspamd:
        for mail, sender in (("20-wl", "bad@example.net"), ("01-ham", "zoe@example.net")):
            rspamd.scan(message(mail), envelope(mail) | {"from": sender}, f"{mail}-made")
        engine = create_engine(driver_url(server.settings["DATABASE_URL"]))

        def actions() -> set[str]:
            with engine.connect() as connection:
                return set(connection.execute(select(Mail.action)).scalars())

        wait_for(lambda: {"discard", "add header"} <= actions(), 20, lambda: f"{actions()}{server.output()}{rspamd.output()}")
        engine.dispose()


@pytest.fixture
def small(tmp_path: pathlib.Path) -> Iterator[Mailkeep]:
    with Mailkeep(f"sqlite:///{tmp_path}/mailkeep.db").prepare() as server:
        yield server


def test_rspamd_3_takes_the_files_that_are_made_for_it(small: Mailkeep) -> None:
    check_as_made(small, "3.4")


@pytest.mark.rspamd4
@pytest.mark.parametrize("version", ["4.1.5", "3.4"], ids=["its own", "those for all"])
def test_rspamd_4_takes_the_files_that_are_made_for_it(small: Mailkeep, version: str) -> None:
    check_as_made(small, version, os.environ["RSPAMD4_ROOT"])
