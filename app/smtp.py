"""The only door to SMTP: one message through the relay, for all of its recipients or for none."""

import contextlib
import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from app.errors import Unavailable

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
# Nothing that means something in a command: an address goes to where it says, or nowhere.
_PLAIN = re.compile(r"[^\s()<>\[\]:;@\\,\"\x00-\x1f\x7f]{1,64}@[^\s()<>\[\]:;@\\,\"\x00-\x1f\x7f]{1,255}")
_LONGEST_ANSWER = 300


@dataclass(frozen=True, slots=True)
class Relay:
    url: str
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    timeout: float = 10.0

    def trust(self) -> ssl.SSLContext:
        """OSError where the file holds no certificates."""
        return ssl.create_default_context(cafile=self.ca_file or None)


def send(message: bytes, sender: str, recipients: Sequence[str], relay: Relay) -> str:
    """What the relay said when it took the message. Unavailable, with its own words, where it did not: then nobody gets it."""
    for address in (sender, *recipients):
        if not _PLAIN.fullmatch(address):
            raise Unavailable(f"{address!r} is no address that mail can be sent to.")
    try:
        with _session(relay) as session:
            return _hand_over(session, message, sender, recipients)
    except smtplib.SMTPResponseException as error:
        raise Unavailable(f"The relay said: {_words(error.smtp_code, error.smtp_error)}") from error
    except smtplib.SMTPServerDisconnected as error:
        if isinstance(error.__context__, TimeoutError):  # smtplib makes one of the other
            raise Unavailable(_late(relay)) from error
        raise Unavailable("The relay hung up.") from error
    except smtplib.SMTPException as error:
        raise Unavailable(f"The relay does not fit: {error}") from error
    except ssl.SSLError as error:
        raise Unavailable(f"No TLS with the relay: {getattr(error, 'verify_message', '') or error.reason or error}") from error
    except TimeoutError as error:
        raise Unavailable(_late(relay)) from error
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"The relay cannot be reached: {getattr(error, 'strerror', '') or error}") from error


@contextlib.contextmanager
def _session(relay: Relay) -> Iterator[smtplib.SMTP]:
    parts = urlsplit(relay.url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    if parts.scheme == "smtps":
        session: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=relay.timeout, context=relay.trust())
    else:
        session = smtplib.SMTP(host, port, timeout=relay.timeout)
    try:
        if parts.scheme == "smtp+starttls":
            session.starttls(context=relay.trust())
        if relay.user:
            session.login(relay.user, relay.password)
        yield session
        with contextlib.suppress(OSError):  # a relay that has taken it may end as it likes
            session.quit()
    finally:
        session.close()


def _hand_over(session: smtplib.SMTP, message: bytes, sender: str, recipients: Sequence[str]) -> str:
    session.ehlo_or_helo_if_needed()
    options = [] if message.isascii() or not session.has_extn("8bitmime") else ["BODY=8BITMIME"]
    if not all(address.isascii() for address in (sender, *recipients)):
        if not session.has_extn("smtputf8"):
            raise Unavailable("The relay takes no addresses with letters beyond ASCII.")
        session.command_encoding = "utf-8"
        options.append("SMTPUTF8")
    _expect(session.mail(sender, options), 250)
    for address in recipients:
        _expect(session.rcpt(address), 250, 251)
    return _words(*_expect(session.data(message), 250))


def _expect(answer: tuple[int, bytes], *good: int) -> tuple[int, bytes]:
    if answer[0] not in good:
        raise smtplib.SMTPResponseException(*answer)
    return answer


def _late(relay: Relay) -> str:
    return f"The relay did not answer within {relay.timeout:g} seconds."


def _words(code: int, answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return " ".join(f"{code} {text}".split())[:_LONGEST_ANSWER]
