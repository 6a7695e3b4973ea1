"""From the screen to the verdict and back: a real Rspamd has, as its files were made, what was typed into a real Mailkeep."""

import html
import os
import pathlib
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.cookiejar import CookieJar
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Engine, create_engine, select

from app.models import Mail, MailRecipient
from app.rspamd.map_kinds import PARTS, MapKind
from tests.databases import driver_url
from tests.e2e.test_rspamd_maps import IP, RECORDS
from tests.servers.dns import Dns
from tests.servers.gunicorn import Mailkeep
from tests.servers.process import wait_for
from tests.servers.rspamd import Rspamd

PASSWORD = "Chain-Pass-4711"
DENY, ALLOW, PAIRS = "mail_from_blacklist", "mime_from_whitelist", "mail_from_rcpt_to_blacklist"
SYMBOLS = {DENY: "RQWATCH_SMTP_FROM_BLACKLIST", ALLOW: "RQWATCH_MIME_FROM_WHITELIST", PAIRS: "RQWATCH_SMTP_FROM_RCPT_TO_BLACKLIST"}
# Of each kind a map is made, and one mail is on all of them.
MADE = {
    "address": ("mail_from", "Bob+News@Sender.Example"),
    "domain": ("helo", "BÜCHER.example"),
    "address_or_domain": ("mime_from", "@Proven.example"),
    "ip": ("ip", "198.51.100.77/24"),
    "asn": ("asn", "as64500"),
    "country": ("country", "gr"),
    "url": ("url", "HTTP://Www.Linked.example/Path?q=1"),
    "host": ("url_host", "www.LINKED.example."),
    "text": ("subject", "GRÖSSE now"),
    "regexp": ("body", r"/two\s+lines/i"),
    "virus": ("virus", "Win.Test.EICAR_HDB-1"),
    "pair": ("mail_from", "Bob@Sender.example|Ann@Bücher.example"),
}
SCORE = 1.5
MAIL = b"""From: <News@PROVEN.example>
To: ann@xn--bcher-kva.example
Subject: =?utf-8?q?Gr=C3=B6sse_NOW?=
Message-ID: <chain@proven.example>

These are two lines, see http://Www.Linked.example/Path?q=1
"""
SENT = {"from": "bob+news@SENDER.example", "rcpt": ["Ann+tag@xn--bcher-kva.example"], "helo": "mx.xn--bcher-kva.example", "ip": IP}
VIRUS = 'rspamd_config.CLAM_VIRUS = { score = 1, callback = function(task) return true, 1, "Win.Test.EICAR_HDB-1" end }\n'


class Panel:
    """An admin's browser, without a screen."""

    def __init__(self, server: Mailkeep) -> None:
        self.base = f"http://127.0.0.1:{server.port}"
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar()))
        self.token = ""
        self.token = self._token(self.open("/login/"))
        self.token = self._token(self.send("/login/", username="admin", password=PASSWORD))

    def open(self, path: str, body: bytes | None = None) -> str:
        with self.opener.open(self.base + path, body, timeout=20) as answer:
            page: str = answer.read().decode()
        return page

    def send(self, path: str, **fields: Any) -> str:
        return self.open(path, urllib.parse.urlencode({"csrf_token": self.token} | fields, doseq=True).encode())

    def make(self, kind: str, part: str) -> None:
        fields = {"title": f"All of {kind}", "name": f"all_{kind}", "kind": kind, "part": part, "colour": "neutral", "editors": "admins"}
        page = self.send("/map-settings/new", **fields, symbol=f"ALL_{kind.upper()}", score=str(SCORE), enabled="1")
        assert f"/lists/all_{kind}/new" in page, page

    def add(self, name: str, value: str, **fields: str) -> None:
        assert "The entry is added." in self.send(f"/lists/{name}/new", value=value, enabled="1", **fields)

    def act(self, action: str, name: str, value: str, **fields: str) -> None:
        page = self.open(f"/lists/{name}?q={value}")
        [row] = set(re.findall(r'name="rowid" value="(\d+)"', page))
        assert "1 entry " in self.send(f"/lists/{name}/act", action=action, rowid=row, **fields)

    @staticmethod
    def _token(page: str) -> str:
        found = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page)
        assert found, page
        return html.unescape(found[1])


class Chain(NamedTuple):
    mailkeep: Mailkeep
    panel: Panel
    rspamd: Rspamd
    engine: Engine

    def scan(self, queue_id: str = "none", raw: bytes = MAIL, **envelope: Any) -> dict[str, float]:
        found = self.rspamd.scan(raw, SENT | envelope, queue_id)
        return {name: symbol["score"] for name, symbol in found["symbols"].items()}

    def log(self, queue_id: str) -> tuple[str, dict[str, str | None]]:
        """What the log says of that mail: on which list it is, and what each recipient's own says."""
        found: list[Any] = []

        def came() -> bool:
            with self.engine.connect() as connection:
                columns = (Mail.listed, MailRecipient.address, MailRecipient.personal)
                asked = select(*columns).join(MailRecipient, MailRecipient.mail_id == Mail.id).where(Mail.queue_id == queue_id)
                found[:] = connection.execute(asked).all()
            return bool(found)

        wait_for(came, 10, self.told)
        return found[0].listed, {row.address: row.personal for row in found}

    def told(self) -> str:
        return self.mailkeep.output() + self.rspamd.output()


def run(folder: pathlib.Path, root: str) -> Iterator[Chain]:
    server = Mailkeep(f"sqlite:///{folder}/mailkeep.db", MAILKEEP_ADMIN_PASSWORD=PASSWORD)
    rspamd = Rspamd("", root=root)
    with Dns(RECORDS | {"sender.example": f"v=spf1 ip4:{IP} -all"}) as dns, server.prepare():
        server.flask("mailkeep", "init")
        panel = Panel(server)
        for kind, (part, value) in MADE.items():
            panel.make(kind, part)
            panel.add(f"all_{kind}", value)
        for name in ("gone", "off", "ends"):
            panel.add(DENY, f"{name}@deny.example")
        panel.add(ALLOW, "@proven.example")
        panel.add(PAIRS, "", sender="strict@sender.example", rcpt="ann@xn--bcher-kva.example")
        made = folder / "local.d"
        asked = ("--node", "mx1", "--url", panel.base, "--password", "secret", "--version", "4.1.5" if root else "3.4")
        server.flask("rspamd", "config", *asked, "--out", str(made))
        files = {path.name: path.read_text() for path in made.iterdir()}
        assert files.pop("worker-controller.inc"), "remarks, where the tests have their ports"
        rspamd.use(files, dns=dns.port, modules=("asn", "dkim", "dmarc", "spf"))
        (rspamd.folder / "rspamd.local.lua").write_text(VIRUS)
        assert re.fullmatch(r"0\s+syntax OK\s*", rspamd.configtest())
        engine = create_engine(driver_url(server.settings["DATABASE_URL"]))
        with rspamd:
            yield Chain(server, panel, rspamd, engine)
        engine.dispose()


@pytest.fixture(params=["", pytest.param("RSPAMD4_ROOT", marks=pytest.mark.rspamd4)], ids=["rspamd_3", "rspamd_4"])
def chain(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Chain]:
    yield from run(tmp_path, os.environ[request.param] if request.param else "")


def test_what_is_typed_on_the_screen_decides_in_rspamd(chain: Chain) -> None:
    """One walk, for an Rspamd takes long to start."""
    each_kind_gives_symbol_and_score(chain)
    what_is_taken_back_matches_no_more(chain)
    an_allowed_sender_counts_where_it_is_proven(chain)
    a_pair_of_one_recipient_counts_for_that_one_alone(chain)
    what_was_made_is_what_runs(chain)


def denied(chain: Chain, *names: str) -> set[str]:
    """Which of these senders Rspamd blocks."""
    return {name for name in names if SYMBOLS[DENY] in chain.scan(**{"from": f"{name}@deny.example"})}


def each_kind_gives_symbol_and_score(chain: Chain) -> None:
    assert set(MADE) == {kind.value for kind in MapKind if PARTS[kind]}
    wanted = {f"ALL_{kind.upper()}": SCORE for kind in MADE}
    wait_for(lambda: wanted.items() <= chain.scan().items(), 30, lambda: f"{wanted.items() - chain.scan().items()}{chain.told()}")


def what_is_taken_back_matches_no_more(chain: Chain) -> None:
    wait_for(lambda: denied(chain, "gone", "off", "ends") == {"gone", "off", "ends"}, 20, chain.told)
    panel = chain.panel
    panel.act("remove", DENY, "gone@deny.example")
    panel.act("disable", DENY, "off@deny.example")
    ends = datetime.now(UTC) + timedelta(seconds=2)
    panel.act("expire", DENY, "ends@deny.example", until=ends.strftime("%Y-%m-%dT%H:%M:%S"))
    panel.add(DENY, "late@deny.example")
    # Rspamd asks every 15 seconds.
    wait_for(lambda: denied(chain, "late", "gone", "off", "ends") == {"late"}, 45, chain.told)
    blocked = chain.scan("late", **{"from": "Late@Deny.example"})
    assert blocked[SYMBOLS[DENY]] == 50
    assert chain.log("late")[0] == "deny"


def an_allowed_sender_counts_where_it_is_proven(chain: Chain) -> None:
    proven = {"from": "news@proven.example", "rcpt": ["x@here.example"]}
    wait_for(lambda: SYMBOLS[ALLOW] in chain.scan(**proven), 20, chain.told)
    assert chain.scan("proven", **proven)[SYMBOLS[ALLOW]] == -50
    assert SYMBOLS[ALLOW] not in chain.scan("forged", **proven | {"ip": "192.0.2.66"})
    assert [chain.log(queue_id)[0] for queue_id in ("proven", "forged")] == ["allow", ""]


def a_pair_of_one_recipient_counts_for_that_one_alone(chain: Chain) -> None:
    strict = {"from": "Strict+x@Sender.example"}
    wait_for(lambda: SYMBOLS[PAIRS] in chain.scan(**strict), 20, chain.told)
    assert chain.scan(**strict)[SYMBOLS[PAIRS]] == 50
    ann, bob = "ann@xn--bcher-kva.example", "bob@xn--bcher-kva.example"
    assert SYMBOLS[PAIRS] not in chain.scan("two", **strict, rcpt=[ann, bob])
    assert chain.log("two") == ("", {ann: "deny", bob: None})


def what_was_made_is_what_runs(chain: Chain) -> None:
    """As the command says, and as the page of fetches does."""
    asked = ("--node", "mx1", "--url", chain.panel.base, "--controller", f"http://127.0.0.1:{chain.rspamd.controller}")
    said = chain.mailkeep.flask("rspamd", "check", *asked, "--password", "tests").splitlines()
    assert {line.split()[0] for line in said} == {"ok", "unknown"}
    for symbol in (*SYMBOLS.values(), *(f"ALL_{kind.upper()}" for kind in MADE)):
        assert any(line.startswith("ok ") and f" {symbol} of map " in line for line in said), symbol
    fetched = chain.panel.open("/lists/fetched")
    assert fetched.count("up to date") >= len(MADE) + len(SYMBOLS)
    assert "mx1" in fetched
