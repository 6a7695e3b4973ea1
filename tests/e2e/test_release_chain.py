"""A real Postfix asks a real Rspamd with the files made for it: what it rejects is kept, released, and let pass, byte for byte."""

import json
import re
import smtplib
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import SMTP
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.e2e.test_map_chain import DENY, PASSWORD, Panel
from tests.releases import BOB, CAROL
from tests.servers.dns import Dns
from tests.servers.gunicorn import Mailkeep
from tests.servers.postfix import Postfix
from tests.servers.process import wait_for
from tests.servers.rspamd import Rspamd

EVE, WARM = "eve@example.net", "warm@example.com"
SHOP, HEAVY = "shop@example.net", "heavy"
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

    def send(self, raw: bytes, *recipients: str, source: str = ELSEWHERE, sender: str = EVE) -> str:
        """What Postfix said at the end: "accepted", or why not."""
        with smtplib.SMTP(HERE, self.postfix.port, source_address=(source, 0)) as session:
            try:
                session.sendmail(sender, recipients, raw, mail_options=["BODY=8BITMIME"])
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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for all, for an Rspamd takes long to start; each test has a sender of its own."""
    tmp_path = tmp_path_factory.mktemp("site")
    rspamd = Rspamd("")
    milter = rspamd.serve_milter()
    postfix = Postfix(BOB, CAROL, WARM, milter=milter)
    settings = {"RELEASE_URL": f"smtp://{HERE}:{postfix.port}", "MAIL_FROM": "keep@example.com", "UNDO_SECONDS": 0}
    settings |= {"SMTP_URL": settings["RELEASE_URL"], "NOTICE_TIMES": "Recipient=at once"}
    server = Mailkeep(f"sqlite:///{tmp_path}/mailkeep.db", MAILKEEP_ADMIN_PASSWORD=PASSWORD, **settings)
    server.settings["PUBLIC_URL"] = f"http://{HERE}:{server.port}"
    with Dns({}) as dns, server.prepare():
        server.flask("mailkeep", "init")
        server.flask("users", "add", "bob", BOB)
        panel = Panel(server)
        panel.add(DENY, EVE)
        fields = {"title": "Junk", "name": HEAVY, "kind": "address", "part": "mail_from", "colour": "neutral", "editors": "admins"}
        panel.send("/map-settings/new", **fields, symbol="JUNK", score="30", enabled="1")
        panel.add(HEAVY, SHOP)
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


def test_a_letter_tells_of_it_and_its_link_delivers_it(site: Site) -> None:
    wait_for(lambda: "Spam" in site.send(b"Subject: first\r\n\r\n", WARM, sender=SHOP), 60, site.told)
    assert "Spam" in site.send(RAW, BOB, CAROL, sender=SHOP)
    wait_for(lambda: site.log()[0]["rcpt_count"] == 2, 10, site.told)
    had = {address: set(site.postfix.mails_of(address)) for address in (BOB, CAROL)}

    def arrived() -> set[bytes]:
        return set(site.postfix.mails_of(BOB)) - had[BOB]

    site.mailkeep.flask("jobs", "run", "notices")
    wait_for(arrived, 20, site.told)
    [told] = arrived()
    letter = message_from_bytes(told, policy=SMTP)
    assert (letter["Return-Path"], letter["Auto-Submitted"]) == ("<>", "auto-generated")
    text = letter.get_body(("plain",)).get_content()
    assert (CAROL in text, "gr\u00fc\u00dfe" in text) == (False, True)
    link = re.search(r"\S+/notice\?link=\S+", text[text.index("Release") :])[0]
    wait_for(lambda: site.log()[0]["mail_from"] == "", 10, site.told)
    own = json.loads(site.api(str(site.log()[0]["id"])))["result"]
    assert (own["copy_state"], own["notice_state"]) == ("none", "none"), "of a letter of ours nobody is told"

    with urllib.request.urlopen(link, timeout=20) as answer:
        page = answer.read().decode()
    assert len(arrived()) == 1
    fields = {
        "link": parse_qs(urlsplit(link).query)["link"][0],
        "page": re.search(r'name="page" value="([^"]+)"', page)[1],
        "answer": "yes",
    }
    time.sleep(2.1)  # somebody reads it
    with urllib.request.urlopen(link.partition("?")[0], urlencode(fields).encode(), timeout=20) as answer:
        assert answer.status == 200
    wait_for(lambda: len(arrived()) == 2, 20, site.told)
    assert [as_kept(mail) for mail in arrived() - {told}] == [RAW.replace(b"\r\n", b"\n")]
    assert set(site.postfix.mails_of(CAROL)) == had[CAROL]
    with pytest.raises(urllib.error.HTTPError) as again:
        urllib.request.urlopen(link, timeout=20)
    with again.value as answer:
        assert answer.status == 410
    site.mailkeep.flask("jobs", "run", "notices")
    assert len(arrived()) == 2


def test_rejected_kept_released_and_let_pass(site: Site) -> None:
    # Each process of Rspamd reads the map for itself; what counts is the one that Postfix asks.
    wait_for(lambda: "Spam" in site.send(b"Subject: first\r\n\r\n", WARM), 60, site.told)
    assert "Spam" in site.send(RAW, BOB, CAROL)
    wait_for(lambda: site.log()[0]["rcpt_count"] == 2, 10, site.told)
    mail = site.log()[0]
    assert (mail["action"], site.api(f"{mail['id']}/raw")) == ("reject", RAW)
    before, had = len(site.log()), set(site.postfix.mails_of(BOB))

    site.panel.send(f"/mails/{mail['id']}/release", to=BOB)
    wait_for(lambda: len(site.postfix.mails_of(BOB)) > len(had), 20, site.told)
    [arrived] = set(site.postfix.mails_of(BOB)) - had
    assert as_kept(arrived) == RAW.replace(b"\r\n", b"\n")
    assert arrived.startswith(b"Return-Path: <eve@example.net>\n")
    assert site.postfix.mails_of(CAROL) == [], "one recipient's release is nobody else's"
    wait_for(lambda: len(site.log()) == before + 1, 10, site.told)
    again = site.log()[0]
    assert (again["action"], again["copy_state"]) == ("no action", "none"), "it was scanned again, and not held back again"

    site.panel.send(f"/mails/{mail['id']}/release", to=CAROL)
    wait_for(lambda: site.postfix.mails_of(CAROL), 20, site.told)
    assert len(site.postfix.mails_of(BOB)) == len(had) + 1

    head = arrived[: arrived.index(b"Resent-Date")].replace(b"\n", b"\r\n")
    mark = head[head.index(b"X-Mailkeep-Release") :]
    assert "Spam" in site.send(mark + RAW, BOB), "the mark, copied by somebody else, is worth nothing"
