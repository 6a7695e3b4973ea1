"""A real Postfix asks a real Rspamd with the files made for it: what it rejects is kept, released, and let pass, byte for byte."""

import json
import pathlib
import smtplib
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.e2e.test_map_chain import DENY, PASSWORD, Panel
from tests.releases import BOB, CAROL
from tests.servers.dns import Dns
from tests.servers.gunicorn import Mailkeep
from tests.servers.postfix import Postfix
from tests.servers.process import wait_for
from tests.servers.rspamd import Rspamd

EVE, WARM = "eve@example.net", "warm@example.com"
ELSEWHERE, HERE = "127.0.0.2", "127.0.0.1"
RAW = (
    b"From: Eve <eve@example.net>\r\nTo: all@example.com\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <chain@example.net>\r\n"
    b"Date: Mon, 2 Nov 2026 10:00:00 +0000\r\n\r\n.\r\n..\r\n.dots\r\n\xff\xfe eight bits\r\n"
    + b"x" * 900
    + b"\r\nFrom the start of a line\r\n"
)


class Site(NamedTuple):
    mailkeep: Mailkeep
    panel: Panel
    rspamd: Rspamd
    postfix: Postfix

    def send(self, raw: bytes, *recipients: str, source: str = ELSEWHERE) -> str:
        """What Postfix said at the end: "accepted", or why not."""
        with smtplib.SMTP(HERE, self.postfix.port, source_address=(source, 0)) as session:
            try:
                session.sendmail(EVE, recipients, raw, mail_options=["BODY=8BITMIME"])
            except smtplib.SMTPDataError as error:
                return f"{error.smtp_code} {error.smtp_error.decode()}"  # type: ignore[union-attr]
        return "accepted"

    def log(self) -> list[dict[str, Any]]:
        """Newest first."""
        found: list[dict[str, Any]] = json.loads(self.api(""))["result"]
        return found

    def api(self, path: str) -> bytes:
        request = urllib.request.Request(f"{self.panel.base}/api/v1/mail/{path}")
        request.add_header("Authorization", "Basic " + b64encode(f"admin:{PASSWORD}".encode()).decode())
        with urllib.request.urlopen(request, timeout=20) as answer:
            body: bytes = answer.read()
        return body

    def told(self) -> str:
        return self.mailkeep.output() + self.rspamd.output() + self.postfix.output()


@pytest.fixture
def site(tmp_path: pathlib.Path) -> Iterator[Site]:
    rspamd = Rspamd("")
    milter = rspamd.serve_milter()
    postfix = Postfix(BOB, CAROL, WARM, milter=milter)
    settings = {"RELEASE_URL": f"smtp://{HERE}:{postfix.port}", "MAIL_FROM": "keep@example.com", "UNDO_SECONDS": 0}
    server = Mailkeep(f"sqlite:///{tmp_path}/mailkeep.db", MAILKEEP_ADMIN_PASSWORD=PASSWORD, **settings)
    with Dns({}) as dns, server.prepare():
        server.flask("mailkeep", "init")
        panel = Panel(server)
        panel.add(DENY, EVE)
        asked = ("--node", "mx1", "--url", panel.base, "--password", "secret", "--version", "3.4", "--release-from", HERE)
        server.flask("rspamd", "config", *asked, "--out", str(tmp_path / "local.d"))
        files = {path.name: path.read_text() for path in (tmp_path / "local.d").iterdir()}
        files.pop("worker-controller.inc")
        rspamd.use(files, dns=dns.port, modules=())
        with rspamd, postfix:
            yield Site(server, panel, rspamd, postfix)


def as_kept(mail: bytes) -> bytes:
    """Of a mail in a maildir what follows the headers that were put before it."""
    return RAW[: RAW.index(b"\r\n")].replace(b"\r\n", b"\n") + mail.partition(RAW[: RAW.index(b"\r\n")])[2]


def test_rejected_kept_released_and_let_pass(site: Site) -> None:
    # Each process of Rspamd reads the map for itself; what counts is the one that Postfix asks.
    wait_for(lambda: "Spam" in site.send(b"Subject: first\r\n\r\n", WARM), 60, site.told)
    assert "Spam" in site.send(RAW, BOB, CAROL)
    wait_for(lambda: site.log()[0]["rcpt_count"] == 2, 10, site.told)
    mail = site.log()[0]
    assert (mail["action"], site.api(f"{mail['id']}/raw")) == ("reject", RAW)
    before = len(site.log())

    site.panel.send(f"/mails/{mail['id']}/release", to=BOB)
    wait_for(lambda: site.postfix.mails_of(BOB), 20, site.told)
    [arrived] = site.postfix.mails_of(BOB)
    assert as_kept(arrived) == RAW.replace(b"\r\n", b"\n")
    assert arrived.startswith(b"Return-Path: <eve@example.net>\n")
    assert site.postfix.mails_of(CAROL) == [], "one recipient's release is nobody else's"
    wait_for(lambda: len(site.log()) == before + 1, 10, site.told)
    again = site.log()[0]
    assert (again["action"], again["copy_state"]) == ("no action", "none"), "it was scanned again, and not held back again"

    site.panel.send(f"/mails/{mail['id']}/release", to=CAROL)
    wait_for(lambda: site.postfix.mails_of(CAROL), 20, site.told)
    assert len(site.postfix.mails_of(BOB)) == 1

    head = arrived[: arrived.index(b"Resent-Date")].replace(b"\n", b"\r\n")
    mark = head[head.index(b"X-Mailkeep-Release") :]
    assert "Spam" in site.send(mark + RAW, BOB), "the mark, copied by somebody else, is worth nothing"
