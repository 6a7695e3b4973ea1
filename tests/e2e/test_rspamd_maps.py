"""A real Rspamd with the files that are made for it, as they are: each kind of map gives its symbol and its score."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from app.rspamd.controller import Controller
from app.rspamd.map_kinds import PARTS, MapKind, MapPart, MapRule
from app.rspamd.site_check import State, check_site
from app.rspamd.site_config.files import config_files
from app.rspamd.site_config.site import Site
from tests.e2e.map_cases import ADDRESS, BOTH, CASES, FROM, LINK, MIME_GMAIL, PAIR, Case
from tests.servers.dns import Dns
from tests.servers.map_source import MapSource
from tests.servers.process import wait_for
from tests.servers.rspamd import Rspamd

IP = "198.51.100.7"
RECORDS = {
    "7.100.51.198.asn.rspamd.com": "64500|198.51.100.0/24|GR|ripencc|",
    "proven.example": f"v=spf1 ip4:{IP} -all",
    "bounce.example": f"v=spf1 ip4:{IP} -all",
    "dmarc.example": f"v=spf1 ip4:{IP} -all",
    "_dmarc.dmarc.example": "v=DMARC1; p=none",
}
PAIRS = """bob@sender.example|ann@here.example
sender.example|carol@here.example
bob@sender.example|there.example
firm.example|firms.example
xn--bcher-kva.example|ann@here.example
plus+tag@sender.example|ann@here.example
"""
OWN = """plain@own.example
scored@own.example 0.5
named@own.example OWN_NAME:4.5
"""
SCORE = 7.0
RELEASES_FROM = "192.0.2.25"
# What the antivirus module would find.
VIRUS_RULE = """
CLAM_VIRUS { type = "header"; header = "X-Virus"; regexp = true; map = "%s/virus.re"; symbol = "CLAM_VIRUS"; score = 1; }
"""
PROVEN = (("mail-from", MapPart.MAIL_FROM, "T_PROVEN"), ("mime-from", MapPart.MIME_FROM, "T_PROVEN_MIME"))


def rule(name: str, kind: MapKind, part: MapPart, symbol: str, *, score: float = SCORE, proof: bool = False) -> MapRule:
    return MapRule(name, f'What is "{name}"', kind, part, "X-List" if part is MapPart.HEADER else "", symbol, score, "neutral", proof, True)


class Running:
    def __init__(self, rspamd: Rspamd, source: MapSource, site: Site) -> None:
        self.rspamd, self.source, self.site = rspamd, source, site

    def asked(self, mail: dict[str, Any]) -> dict[str, Any]:
        headers = {"From": "<nobody@else.example>", "To": "x@y.example", "Subject": "none", "Message-ID": "<1@x.example>"}
        headers |= mail.get("headers", {})
        lines = [f"{name}: {value}" for name, value in headers.items()]
        body = mail.get("body", "nothing")
        if "filename" in mail:
            body = f'--b\r\nContent-Type: application/octet-stream; name="{mail["filename"]}"\r\n\r\nxx\r\n--b--\r\n'
            lines += ["MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b"]
        raw = "\r\n".join([*lines, "", body, ""]).encode()
        envelope = {"from": "nobody@else.example", "rcpt": ["nobody@y.example"], "ip": IP} | mail
        found: dict[str, Any] = self.rspamd.scan(raw, envelope, "Q")
        return found

    def scan(self, mail: dict[str, Any]) -> dict[str, float]:
        """The symbols with their scores."""
        return {name: symbol["score"] for name, symbol in self.asked(mail)["symbols"].items()}

    def action(self, mail: dict[str, Any]) -> str:
        return str(self.asked(mail)["action"])

    def has_the_others(self) -> bool:
        """The maps that are none of CASES."""
        mail = {"from": "a@proven.example", "rcpt": ["x@firms.example"]}
        headers = {"From": "<a@proven.example>"}
        found = [
            mail | {"headers": headers},
            MIME_GMAIL | {"rcpt": ["ann@here.example"]},
            {"from": "plain@own.example"},
            FROM | {"rcpt": ["ann@here.example"]},
        ]
        wanted = {"T_PROVEN", "T_PROVEN_MIME", "T_MIME_PAIR", "T_OWN", "T_PAIR"}
        return wanted <= {name for mail in found for name in self.scan(mail)}

    def pair(self, sender: str, *rcpts: str) -> float | None:
        """The score of the map of pairs."""
        return self.scan({"from": sender, "rcpt": list(rcpts)}).get("T_PAIR")


def maps() -> list[tuple[MapRule, str]]:
    made = [(rule(case.name, case.kind, case.part, case.symbol), case.line) for case in CASES]
    made += [(rule("pair", PAIR, MapPart.MAIL_FROM, "T_PAIR", score=-SCORE), PAIRS)]
    made += [(rule("mime-pair", PAIR, MapPart.MIME_FROM, "T_MIME_PAIR"), "j.doe@gmail.com|ann@here.example")]
    made += [(rule(name, BOTH, part, symbol, score=-SCORE, proof=True), "proven.example\ndmarc.example") for name, part, symbol in PROVEN]
    return [*made, (rule("own", ADDRESS, MapPart.MAIL_FROM, "T_OWN"), OWN)]


def run(root: str, version: tuple[int, ...]) -> Iterator[Running]:
    rspamd = Rspamd("", root=root)
    with MapSource() as source, Dns(RECORDS) as dns:
        source.texts = {f"/maps/{made.name}.txt": f"# {made.name}\n{text}\n" for made, text in maps()}
        site = Site("mx1", source.url, "rspamd", "secret", version, release_from=(RELEASES_FROM, "2001:db8::25"))
        files = {file.name: file.text for file in config_files(site, [made for made, _text in maps()])}
        files["multimap.conf"] += VIRUS_RULE % rspamd.inside
        (rspamd.folder / "virus.re").write_text("/.+/\n")
        rspamd.use(
            {name: text for name, text in files.items() if name.endswith(".conf")}, dns=dns.port, modules=("asn", "dkim", "dmarc", "spf")
        )
        assert re.fullmatch(r"0\s+syntax OK\s*", rspamd.configtest()), rspamd.configtest()
        with rspamd:
            running = Running(rspamd, source, site)
            wait_for(source.are_fetched, 20, rspamd.output)
            wait_for(running.has_the_others, 20, rspamd.output)
            yield running


@pytest.fixture(scope="module")
def rspamd_3() -> Iterator[Running]:
    yield from run("", (3, 4))


@pytest.fixture(scope="module")
def rspamd_4() -> Iterator[Running]:
    yield from run(os.environ["RSPAMD4_ROOT"], (4, 1, 5))


@pytest.fixture(params=["rspamd_3", pytest.param("rspamd_4", marks=pytest.mark.rspamd4)])
def running(request: pytest.FixtureRequest) -> Running:
    found: Running = request.getfixturevalue(request.param)
    return found


def test_every_kind_is_tried_with_every_part() -> None:
    assert {(case.kind, case.part) for case in CASES} == {(kind, part) for kind in PARTS if kind is not PAIR for part in PARTS[kind]}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_entry_gives_the_symbol_and_the_score_of_its_map(running: Running, case: Case) -> None:
    # The worker that scans learns of a map a moment after the one that fetches.
    wait_for(lambda: running.scan(case.mail).get(case.symbol) == SCORE, 10, lambda: running.rspamd.output()[-3000:])


@pytest.mark.parametrize("address", [RELEASES_FROM, "2001:db8::25"])
def test_what_was_released_is_not_held_back_again_but_only_from_where_mailkeep_sends(running: Running, address: str) -> None:
    bad = LINK | {"headers": {"Subject": "=?utf-8?q?GR=C3=96=C3=9FE_now?=", "X-List": "Some LIST"}, "filename": "Invoice.EXE"}
    marked = bad | {"headers": bad["headers"] | {"X-Mailkeep-Release": "id=1;\r\n sha256=00;\r\n mac=00"}}
    assert running.action(bad | {"ip": address}) == "reject"
    assert running.action(marked | {"ip": IP}) == "reject"
    assert running.action(marked | {"ip": address}) == "no action"


def test_a_mail_that_no_entry_is_of_gets_none_of_the_symbols(running: Running) -> None:
    found = running.scan({"ip": "192.0.2.1"})
    assert not [name for name in found if name.startswith("T_")]


def test_the_local_part_of_a_stranger_is_no_domain(running: Running) -> None:
    assert "T_DOMAIN_MAIL_FROM" not in running.scan({"from": "sender.example@evil.example"})
    assert "T_ADDRESS_OR_DOMAIN_MIME_FROM" not in running.scan({"headers": {"From": '"j.doe@gmail.com" <gmail.com@evil.example>'}})


def test_a_pair_counts_in_each_of_its_four_forms_and_once(running: Running) -> None:
    assert running.pair("BOB@sender.example", "Ann@HERE.example") == -SCORE
    assert running.pair("other@sender.example", "carol@here.example") == -SCORE
    assert running.pair("bob@sender.example", "other@there.example") == -SCORE
    assert running.pair("other@firm.example", "other@firms.example") == -SCORE
    assert running.pair("u@xn--bcher-kva.example", "ann@here.example") == -SCORE
    assert running.pair("other@sender.example", "ann@here.example") is None
    assert running.pair("", "ann@here.example") is None
    assert running.pair("ann@here.example", "bob@sender.example") is None


def test_a_pair_of_one_recipient_never_decides_for_another(running: Running) -> None:
    assert running.pair("bob@sender.example", "ann@here.example", "ANN@here.example") == -SCORE, "the same one twice"
    assert running.pair("bob@sender.example", "ann@here.example", "dora@here.example") is None
    assert running.pair("bob@sender.example", "dora@here.example", "ann@here.example") is None
    assert running.pair("bob@sender.example", "x@there.example", "y@THERE.example") == -SCORE, "a domain's entry is for all of the domain"
    assert running.pair("bob@sender.example", "x@there.example", "y@elsewhere.example") is None
    assert running.pair("bob@sender.example", "x@there.example", "y@nothere.example") is None
    assert running.pair("bob@sender.example", "x@there.example", "y@there.example.org") is None
    many = [f"user{number}@there.example" for number in range(900)]
    assert running.pair("bob@sender.example", *many) == -SCORE
    assert running.pair("bob@sender.example", *many, "z@elsewhere.example") is None
    assert running.pair("bob@sender.example", '"x@there.example,y"@elsewhere.example') is None


def test_tags_of_addresses_do_not_keep_a_pair_from_matching(running: Running) -> None:
    assert running.pair("bob@sender.example", "ann+tag@here.example") == -SCORE, "Rspamd takes recipients without their tags"
    assert running.pair("bob+list@sender.example", "ann@here.example") == -SCORE
    assert running.pair("plus+tag@sender.example", "ann@here.example") == -SCORE
    assert running.pair("plus@sender.example", "ann@here.example") is None
    dotted = running.scan(MIME_GMAIL | {"rcpt": ["ann@here.example"]})
    assert dotted.get("T_MIME_PAIR") == SCORE, "as it is written, though Rspamd takes Google's dots away"


def test_an_entry_may_have_a_score_and_a_symbol_of_its_own(running: Running) -> None:
    assert running.scan({"from": "plain@own.example"})["T_OWN"] == SCORE
    assert running.scan({"from": "scored@own.example"})["T_OWN"] == SCORE / 2
    named = running.scan({"from": "named@own.example"})
    assert named["OWN_NAME"] == 4.5
    assert "T_OWN" not in named


def test_an_allowed_sender_counts_only_where_it_is_proven(running: Running) -> None:
    proven = {"from": "a@proven.example", "headers": {"From": "<a@proven.example>"}}
    forged = proven | {"ip": "192.0.2.66"}
    assert {name: running.scan(proven).get(name) for name in ("T_PROVEN", "T_PROVEN_MIME")} == {"T_PROVEN": -SCORE, "T_PROVEN_MIME": -SCORE}
    assert not {"T_PROVEN", "T_PROVEN_MIME"} & set(running.scan(forged))
    borrowed = running.scan({"from": "a@bounce.example", "headers": {"From": "<a@proven.example>"}})
    assert "R_SPF_ALLOW" in borrowed, "the test proves nothing"
    assert "T_PROVEN_MIME" not in borrowed, "another domain's SPF proves nothing of the header"
    by_dmarc = running.scan({"from": "bounces@dmarc.example", "headers": {"From": "<a@dmarc.example>"}})
    assert by_dmarc.get("T_PROVEN_MIME") == -SCORE


def test_the_controller_tells_whether_all_of_it_runs(running: Running) -> None:
    controller = Controller(f"http://127.0.0.1:{running.rspamd.controller}", "tests")
    rules = [made for made, _text in maps()]
    found = check_site(running.site, rules, controller)
    assert not [finding for finding in found if finding.is_wrong]
    assert sum(finding.state is State.GOOD for finding in found) >= len(rules) + 2

    others = [replace(rules[0], score=1.5), replace(rules[1], symbol="T_UNHEARD_OF"), *rules[2:]]
    wrong = [finding for finding in check_site(replace(running.site, version=(3, 14, 2)), others, controller) if finding.is_wrong]
    assert any(finding.state is State.DIFFERS and "its score is 7, not 1.5" in finding.text for finding in wrong)
    assert any(finding.state is State.MISSING and "T_UNHEARD_OF" in finding.text for finding in wrong)
    assert any(finding.state is State.EXTRA and rules[1].symbol in finding.text for finding in wrong)
    assert any("the files are for" in finding.text for finding in wrong) is (not running.site.has_multipart)


def test_z_an_entry_that_is_gone_matches_no_more(running: Running) -> None:
    """Removed, disabled and expired ones are alike to Rspamd: they are not in the text."""
    source = running.source
    source.texts = dict.fromkeys(source.texts, "# empty\n")
    wait_for(source.are_fetched, 25, running.rspamd.output)
    for case in CASES:
        wait_for(lambda case=case: case.symbol not in running.scan(case.mail), 10, lambda case=case: case.name)  # type: ignore[misc]
    assert running.pair("bob@sender.example", "ann@here.example") is None
