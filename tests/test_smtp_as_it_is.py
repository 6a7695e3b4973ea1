"""A mail handed over as it is: its bytes, its envelope, and what becomes of it where the relay cannot or will not take it."""

import contextlib
import hashlib
import pathlib
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import UnixSocketController
from aiosmtpd.lmtp import LMTP

from app.smtp import Answer, Kind, Round
from app.smtp import Relay as Named
from tests.mime.test_release import ODD
from tests.servers.process import free_port
from tests.servers.relay import Relay, silent_port

RAW = b"Subject: hello\r\n\r\n.a line that begins with a dot\r\n"
FROM, TO = "eve@example.net", "bob@example.com"
FITS_DATA = {"plain", "dots", "eight bits", "nul", "long", "no headers", "no body", "utf-8", "blank first"}


@pytest.fixture(scope="module")
def running() -> Iterator[Relay]:
    with Relay(data_size_limit=80 << 20) as relay:
        yield relay


@pytest.fixture
def relay(running: Relay) -> Relay:
    running.envelopes.clear()
    for words in (running.refuse, running.later, running.offers, running.hides):
        words.clear()
    running.answers.clear()
    return running


def pass_on(raw: bytes, sender: str, recipient: str, relay: Named) -> Answer:
    with contextlib.closing(Round(relay)) as alone:
        return alone.give(raw, sender, recipient)


def kind_of(raw: bytes, relay: Relay, sender: str = FROM, recipient: str = TO) -> tuple[Kind, str]:
    answer = pass_on(raw, sender, recipient, Named(relay.url, timeout=2))
    return answer.kind, answer.words


@pytest.mark.parametrize("name", [*ODD])
def test_every_byte_arrives(relay: Relay, name: str) -> None:
    raw = ODD[name]
    if name not in FITS_DATA:
        relay.offers.add("CHUNKING")
    assert kind_of(raw, relay) == (Kind.SENT, "250 2.0.0 kept as number 7")
    content = bytes(relay.envelopes[0].content or b"")
    wanted = raw if b"\r" in raw else raw.replace(b"\n", b"\r\n")
    assert hashlib.sha256(content).digest() == hashlib.sha256(wanted).digest()


def test_lines_of_unix_are_those_of_smtp_on_their_way(relay: Relay) -> None:
    assert kind_of(ODD["unix"], relay)[0] is Kind.SENT
    assert relay.envelopes[0].content == ODD["plain"]
    assert kind_of(b"Subject: no end", relay)[0] is Kind.SENT
    assert relay.envelopes[1].content == b"Subject: no end\r\n"


def test_what_a_relay_cannot_take_is_not_changed_for_it(relay: Relay) -> None:
    relay.hides |= {"8BITMIME", "SMTPUTF8", "SIZE"}
    kind, words = kind_of(ODD["bare"], relay)
    assert kind is Kind.NEVER
    assert "CHUNKING" in words
    assert kind_of(ODD["eight bits"], relay) == (Kind.NEVER, "The relay does not offer 8BITMIME, and this mail has bytes beyond ASCII.")
    assert kind_of(RAW, relay, recipient="jörg@example.com")[0] is Kind.NEVER
    assert relay.envelopes == []
    with Relay(data_size_limit=20) as small:
        assert kind_of(RAW, small) == (Kind.NEVER, f"The relay takes 20 bytes at most, and this mail has {len(RAW)}.")


@pytest.mark.parametrize("sender", ["", FROM, "Jörg@exämple.org", '"a b"@example.net', "prvs=1234567890=eve@example.net"])
def test_the_envelope_is_said_as_it_was(relay: Relay, sender: str) -> None:
    assert kind_of(RAW, relay, sender, "Bob+Shop@Example.com")[0] is Kind.SENT
    assert (relay.envelopes[0].mail_from, relay.envelopes[0].rcpt_tos) == (sender or "<>", ["Bob+Shop@Example.com"])


@pytest.mark.parametrize(
    "address", ["", "bob", "bob@example.com>\r\nRCPT TO:<eve@example.net", "<bob@example.com>", "b ob@example.com", "b@cut…"]
)
def test_what_is_no_address_is_not_said_to_the_relay(relay: Relay, address: str) -> None:
    assert kind_of(RAW, relay, recipient=address)[0] is Kind.NEVER
    assert relay.envelopes == []


def test_what_the_relay_says_is_told_as_it_is(relay: Relay) -> None:
    relay.refuse.add(TO)
    assert pass_on(RAW, FROM, TO, Named(relay.url)) == Answer(Kind.NEVER, 550, "550 5.1.1 no such user here", to_recipient=True)
    relay.refuse.clear()
    relay.later.add(TO)
    assert pass_on(RAW, FROM, TO, Named(relay.url)) == Answer(Kind.LATER, 450, "450 4.2.1 come back later", to_recipient=True)
    relay.later.clear()
    relay.answers = ["451 4.3.0 full", "554 5.7.1 spam", "554 5.7.1 a\0b"]
    assert kind_of(RAW, relay) == (Kind.LATER, "451 4.3.0 full")
    assert kind_of(RAW, relay) == (Kind.NEVER, "554 5.7.1 spam")
    assert kind_of(RAW, relay) == (Kind.NEVER, "554 5.7.1 a\ufffdb")


def test_a_relay_that_is_away_may_be_asked_later(relay: Relay) -> None:
    assert pass_on(RAW, FROM, TO, Named(f"smtp://127.0.0.1:{free_port()}")).kind is Kind.LATER
    assert pass_on(RAW, FROM, TO, Named(relay.url, "somebody", "secret")).kind is Kind.LATER, "it asks for no login"
    with silent_port() as port:
        assert pass_on(RAW, FROM, TO, Named(f"smtp://127.0.0.1:{port}", timeout=0.2)).kind is Kind.LATER


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_relay_that_hangs_up_with_the_mail_leaves_it_unknown(relay: Relay) -> None:
    relay.answers = [""]
    assert kind_of(RAW, relay) == (Kind.UNKNOWN, "The relay hung up.")
    assert len(relay.envelopes) == 1


class _Lmtp(UnixSocketController):
    def factory(self) -> LMTP:
        return LMTP(self.handler, **self.SMTP_kwargs)


def test_over_lmtp(relay: Relay, tmp_path: pathlib.Path) -> None:
    controller = _Lmtp(relay, unix_socket=tmp_path / "lmtp")
    controller.start()
    try:
        assert pass_on(RAW, "", TO, Named(f"lmtp+unix://{tmp_path}/lmtp", timeout=2)).kind is Kind.SENT
    finally:
        controller.stop()
    assert (relay.envelopes[0].mail_from, relay.envelopes[0].content) == ("<>", RAW)
