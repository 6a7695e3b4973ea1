"""The only door to SMTP: a letter of ours for all of its recipients or for none, or mails as they are for one each."""

import contextlib
import functools
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum, unique
from urllib.parse import urlsplit

from app.errors import Unavailable

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465, "lmtp": 24, "lmtp+unix": 0}
# Nothing that means something in a command: an address goes to where it says, or nowhere.
_PLAIN = re.compile(r"[^\s()<>\[\]:;@\\,\"\x00-\x1f\x7f]{1,64}@[^\s()<>\[\]:;@\\,\"\x00-\x1f\x7f]{1,255}")
# What can stand between the angle brackets as it is, a quoted name and an address in brackets too.
_ENVELOPE = re.compile(
    r"(?:[^\s()<>\[\]:;@\\,\"]{1,64}|\"(?:[^\"\\]|\\.){1,62}\")@(?:[^\s()<>\[\]:;@\\,\"]{1,255}|\[[0-9A-Za-z:.]{3,60}\])"
)
_CUT = "…"  # at the end of what was too long to be kept whole
_LONGEST_ANSWER, _PIECE, _PATIENCE_SECONDS = 300, 1 << 16, 60.0


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


@unique
class Kind(StrEnum):
    SENT = "sent"
    LATER = "later"  # trying again may help
    NEVER = "never"
    UNKNOWN = "unknown"  # the relay had all of it, and did not say whether it took it


@dataclass(frozen=True, slots=True)
class Answer:
    kind: Kind
    code: int
    """0 where the relay was not asked, or did not answer."""
    words: str
    to_recipient: bool = False
    """It was said of the address, and of nothing else."""


def send(message: bytes, sender: str, recipients: Sequence[str], relay: Relay) -> str:
    """What the relay said when it took the message. Unavailable, with its own words, where it did not: then nobody gets it."""
    for address in (sender, *recipients) if sender else recipients:
        if not _PLAIN.fullmatch(address):
            raise Unavailable(f"{address!r} is no address that mail can be sent to.")
    try:
        with _session(relay) as session:
            return _hand_over(session, message, sender, recipients)
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise Unavailable(_why(error, relay)) from error


class Round:
    """Mails one after the other through one session, which is opened anew where the relay hung up."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._session: smtplib.SMTP | None = None
        self._is_fresh = False

    def open(self) -> None:
        """Unavailable where the relay is away, or wants nothing of us."""
        try:
            self._ready()
        except OSError as error:  # smtplib's are some
            raise Unavailable(_why(error, self._relay)) from error

    def give(self, raw: bytes, sender: str, recipient: str) -> Answer:
        """As it is, to one recipient; `sender` may be empty. Never raises for what a relay or a mail can do."""
        if not is_envelope_address(recipient) or (sender and not is_envelope_address(sender)):
            return Answer(Kind.NEVER, 0, f"{sender or '<>'} to {recipient} is no envelope that can be sent."[:_LONGEST_ANSWER])
        handing = _Handing()
        try:
            session = self._ready()
            self._is_fresh = False
            handing.open(session, raw, sender, recipient)
            return _judged(handing.finish(session, self._relay))
        except _Misfit as error:
            return Answer(Kind.NEVER, 0, str(error))
        except smtplib.SMTPResponseException as error:
            is_final = handing.is_begun and not handing.is_ended and 500 <= error.smtp_code < 600
            kind = Kind.UNKNOWN if handing.is_ended else Kind.NEVER if is_final else Kind.LATER
            return Answer(kind, error.smtp_code, _words(error.smtp_code, error.smtp_error), handing.is_named)
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            self._hang_up()
            return Answer(Kind.UNKNOWN if handing.is_ended else Kind.LATER, 0, _why(error, self._relay))

    def close(self) -> None:
        with contextlib.suppress(OSError, AttributeError):  # a relay that has taken it may end as it likes
            self._session.quit()  # type: ignore[union-attr]
        self._hang_up()

    def _ready(self) -> smtplib.SMTP:
        """With nothing of the mail before."""
        if self._session is not None and not self._is_fresh:
            try:
                self._session.sock.settimeout(self._relay.timeout)  # type: ignore[union-attr]
                _expect(self._session.rset(), 250)
            except (OSError, AttributeError):  # it has had enough of this session
                self._hang_up()
        if self._session is None:
            self._session = _connected(self._relay)
        self._is_fresh = True
        return self._session

    def _hang_up(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session, self._is_fresh = None, False


def is_envelope_address(text: str) -> bool:
    """Whether it can stand in MAIL FROM and RCPT TO as it is."""
    return _ENVELOPE.fullmatch(text) is not None and text.isprintable() and _CUT not in text


class _Misfit(Exception):
    """This mail cannot go through this relay, whenever it is tried."""


class _Handing:
    """One mail handed over, and how far that has come."""

    def __init__(self) -> None:
        self.is_begun = False
        """What the relay refuses from here on is this mail, and not us."""
        self.is_named = False
        self.is_ended = False
        """The relay may have all of it: only its answer tells."""
        self._end = b""

    def open(self, session: smtplib.SMTP, raw: bytes, sender: str, recipient: str) -> None:
        """All but the last word."""
        session.ehlo_or_helo_if_needed()
        wire, is_chunked = _as_it_travels(session, raw)
        options = _options(session, wire, sender + recipient)
        self.is_begun = True
        _expect(session.docmd("MAIL", " ".join([f"FROM:<{sender}>", *options])), 250)
        self.is_named = True
        _expect(session.docmd("RCPT", f"TO:<{recipient}>"), 250, 251)
        self.is_named = False
        if is_chunked:
            session.putcmd(f"BDAT {len(wire)}")
            _send_all(session, wire)
            _expect(session.getreply(), 250)
            self._end = b"BDAT 0 LAST\r\n"
        else:
            _expect(session.docmd("DATA"), 354)
            # Only what SMTP itself asks for, and takes away again: smtplib would do more.
            stuffed = wire.replace(b"\r\n.", b"\r\n..")
            _send_all(session, b"." + stuffed if wire.startswith(b".") else stuffed)
            self._end = b".\r\n"

    def finish(self, session: smtplib.SMTP, relay: Relay) -> tuple[int, bytes]:
        if session.sock is not None:  # who hangs up too early does not know whether it was taken
            session.sock.settimeout(max(relay.timeout, _PATIENCE_SECONDS))
        self.is_ended = True
        session.send(self._end)
        return session.getreply()


def _as_it_travels(session: smtplib.SMTP, raw: bytes) -> tuple[bytes, bool]:
    """And whether that is by BDAT, which takes every byte as it is. A mail of Unix lines gets those of SMTP."""
    wire = raw if b"\r" in raw else raw.replace(b"\n", b"\r\n")
    has_lines = wire.count(b"\r\n") == wire.count(b"\r") == wire.count(b"\n")
    if has_lines and wire.endswith(b"\r\n"):
        return wire, False
    if session.has_extn("chunking"):
        return wire, True
    if not has_lines:
        raise _Misfit(
            "A CR or LF stands alone in this mail. SMTP forbids that, and the relay does not offer CHUNKING, which would take it."
        )
    return wire + b"\r\n", False  # the end of a mail is the end of a line


def _options(session: smtplib.SMTP, wire: bytes, addresses: str) -> list[str]:
    options = []
    if session.has_extn("size"):
        limit = session.esmtp_features["size"].strip()
        if limit.isascii() and limit.isdigit() and 0 < int(limit) < len(wire):
            raise _Misfit(f"The relay takes {limit} bytes at most, and this mail has {len(wire)}.")
        options.append(f"SIZE={len(wire)}")
    if not wire.isascii():
        if not session.has_extn("8bitmime"):
            raise _Misfit("The relay does not offer 8BITMIME, and this mail has bytes beyond ASCII.")
        options.append("BODY=8BITMIME")
    if not addresses.isascii():
        if not session.has_extn("smtputf8"):
            raise _Misfit("The relay takes no addresses with letters beyond ASCII.")
        session.command_encoding = "utf-8"
        options.append("SMTPUTF8")
    return options


def _send_all(session: smtplib.SMTP, wire: bytes) -> None:
    """In pieces: the time-out counts for each, and not for fifty megabytes together."""
    view = memoryview(wire)
    for start in range(0, len(view), _PIECE):
        session.send(view[start : start + _PIECE])  # type: ignore[arg-type]


def _judged(reply: tuple[int, bytes]) -> Answer:
    """Of the last answer: neither yes nor no leaves it unknown."""
    kind = {2: Kind.SENT, 4: Kind.LATER, 5: Kind.NEVER}.get(reply[0] // 100, Kind.UNKNOWN)
    return Answer(kind, reply[0], _words(*reply))


def _why(error: Exception, relay: Relay) -> str:
    late = f"The relay did not answer within {relay.timeout:g} seconds."
    match error:
        case smtplib.SMTPResponseException():
            return f"The relay said: {_words(error.smtp_code, error.smtp_error)}"
        case smtplib.SMTPServerDisconnected():  # smtplib makes it of a time-out, too
            return late if isinstance(error.__context__, TimeoutError) else "The relay hung up."
        case smtplib.SMTPException():
            return f"The relay does not fit: {error}"
        case ssl.SSLError():
            return f"No TLS with the relay: {getattr(error, 'verify_message', '') or error.reason or error}"
        case TimeoutError():
            return late
    return f"The relay cannot be reached: {getattr(error, 'strerror', '') or error}"


@contextlib.contextmanager
def _session(relay: Relay) -> Iterator[smtplib.SMTP]:
    with contextlib.closing(_connected(relay)) as session:
        yield session
        with contextlib.suppress(OSError):  # a relay that has taken it may end as it likes
            session.quit()


def _connected(relay: Relay) -> smtplib.SMTP:
    """TLS and the password done."""
    parts = urlsplit(relay.url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    if parts.scheme == "smtps":
        session: smtplib.SMTP = smtplib.SMTP_SSL(host, port, _own_name(), timeout=relay.timeout, context=relay.trust())
    else:
        protocol = smtplib.LMTP if parts.scheme.startswith("lmtp") else smtplib.SMTP
        session = protocol(host or parts.path, port, _own_name(), timeout=relay.timeout)
    try:
        if parts.scheme != "lmtp+unix":  # the last line of a mail is not to wait for what came before it
            session.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # type: ignore[union-attr]
        if parts.scheme == "smtp+starttls":
            session.starttls(context=relay.trust())
        if relay.user:
            session.login(relay.user, relay.password)
    except BaseException:
        session.close()
        raise
    return session


@functools.cache
def _own_name() -> str:
    """What we say HELO with, asked once: a name server that is away would keep each mail waiting, and no time-out counts for it."""
    return name if "." in (name := socket.getfqdn()) else "[127.0.0.1]"


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


def _words(code: int, answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return " ".join(f"{code} {text}".replace("\0", "\ufffd").split())[:_LONGEST_ANSWER]  # PostgreSQL keeps no NUL
