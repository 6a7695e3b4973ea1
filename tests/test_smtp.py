"""The door to SMTP: TLS, passwords, refusals, and relays that are away or say nothing."""

import pytest

from app import smtp
from app.errors import Unavailable
from app.smtp import Relay as Named
from app.smtp import send
from tests.servers.process import free_port
from tests.servers.relay import PASSWORD, USER, Relay, silent_port
from tests.servers.slapd import Authority

MESSAGE = b"Subject: hello\r\n\r\n.a line that begins with a dot\r\n"
FROM, TO = "keep@example.com", "bob@example.com"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def test_a_message_arrives_as_it_is(relay: Relay) -> None:
    assert send(MESSAGE, FROM, [TO, "carol@example.com"], Named(relay.url)) == "250 2.0.0 kept as number 7"
    envelope = relay.envelopes[0]
    assert (envelope.mail_from, envelope.rcpt_tos, envelope.content) == (FROM, [TO, "carol@example.com"], MESSAGE)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # the server does not count TLS from the first byte
@pytest.mark.parametrize("tls", [True, False], ids=["smtps", "starttls"])
def test_over_tls_with_a_password(authority: Authority, tls: bool) -> None:
    with Relay(authority, tls=tls, asks_password=True) as relay:
        send(MESSAGE, FROM, [TO], Named(relay.url, USER, PASSWORD, authority.file))
        assert len(relay.envelopes) == 1
        with pytest.raises(Unavailable, match="535"):
            send(MESSAGE, FROM, [TO], Named(relay.url, USER, "wrong", authority.file))
        with pytest.raises(Unavailable, match="530"):
            send(MESSAGE, FROM, [TO], Named(relay.url, ca_file=authority.file))
        with pytest.raises(Unavailable, match="No TLS with the relay"):
            send(MESSAGE, FROM, [TO], Named(relay.url, USER, PASSWORD))
        assert len(relay.envelopes) == 1


def test_a_certificate_for_somebody_else_is_not_believed() -> None:
    other = Authority("DNS:elsewhere.example")
    with Relay(other, tls=True) as relay, pytest.raises(Unavailable, match="No TLS with the relay: IP address mismatch"):
        send(MESSAGE, FROM, [TO], Named(relay.url, ca_file=other.file))


def test_without_starttls_nothing_is_sent(relay: Relay) -> None:
    with pytest.raises(Unavailable, match="does not fit: STARTTLS"):
        send(MESSAGE, FROM, [TO], Named(relay.url.replace("smtp:", "smtp+starttls:"), USER, PASSWORD))
    assert relay.envelopes == []


def test_one_refused_recipient_and_nobody_gets_it(relay: Relay) -> None:
    relay.refuse.add(TO)
    with pytest.raises(Unavailable, match=r"The relay said: 550 5\.1\.1 no such user here"):
        send(MESSAGE, FROM, ["carol@example.com", TO], Named(relay.url))
    assert relay.envelopes == []


@pytest.mark.parametrize(
    "address", ["bob@example.com\r\nRCPT TO:<eve@example.net>", "<bob@example.com>", "bob", "a b@example.com", "b(c)@d.e"]
)
def test_what_is_no_plain_address_is_not_said_to_the_relay(relay: Relay, address: str) -> None:
    with pytest.raises(Unavailable, match="no address that mail can be sent to"):
        send(MESSAGE, FROM, [address], Named(relay.url))
    assert relay.envelopes == []


def test_letters_beyond_ascii_need_a_relay_that_takes_them() -> None:
    with Relay(enable_SMTPUTF8=False) as relay, pytest.raises(Unavailable, match="beyond ASCII"):
        send(MESSAGE, FROM, ["jörg@example.com"], Named(relay.url))
    with Relay() as other:
        send("Subject: grüße\r\n\r\n".encode(), FROM, ["jörg@example.com"], Named(other.url))
        assert other.envelopes[0].rcpt_tos == ["jörg@example.com"]


def test_a_relay_that_is_away_or_says_nothing() -> None:
    with pytest.raises(Unavailable, match="cannot be reached: Connection refused"):
        send(MESSAGE, FROM, [TO], Named(f"smtp://127.0.0.1:{free_port()}"))
    with silent_port() as port:
        for scheme in ("smtp", "smtps"):
            with pytest.raises(Unavailable, match=r"did not answer within 0\.2 seconds"):
                send(MESSAGE, FROM, [TO], Named(f"{scheme}://127.0.0.1:{port}", timeout=0.2))


def test_a_password_is_not_shown() -> None:
    assert PASSWORD not in repr(Named("smtp://relay.example", USER, PASSWORD))


def test_our_own_name_is_asked_for_once(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()
    monkeypatch.setattr("socket.getfqdn", lambda *_: asked.append("") or "keep.example.net")
    smtp._own_name.cache_clear()
    for _number in range(3):
        send(MESSAGE, FROM, [TO], Named(relay.url))
    assert len(asked) - 3 <= 1, "aiosmtpd asks for each session, too"
    smtp._own_name.cache_clear()
