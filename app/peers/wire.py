"""One request to another node over HTTP: TLS as it was agreed, an end to every wait, no more bytes than there may be."""

import hashlib
import http.client
import io
import ipaddress
import pathlib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.clock import monotonic

CONNECT_SECONDS = 3.0
FIRST_BYTE_SECONDS = 10.0
BYTES_A_SECOND = 512 << 10
_names = ThreadPoolExecutor(4, "node-names")


class Away(Exception):
    """No answer was had; says why, in the words of whoever knows."""


class TooMuch(Away):
    """More than there may be: of this answer, which says nothing of others."""


class Untrusted(Away):
    """Something answered that is not, for all we know, the node."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node's Mailkeep is, and how it proves that it is."""

    url: str
    ca: str = ""
    """PEM, or the name of a file that holds it."""
    pin: str = ""
    """SHA-256 of its certificate or of its key."""
    plain: bool = False
    """http:// may lead to another host."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    kind: str
    at: float | None
    """What its clock said, in seconds since 1970."""


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def trust_of(place: Place) -> ssl.SSLContext:
    """ValueError where the authorities cannot be read. A pin alone says all there is to say of a certificate."""
    try:
        if place.ca.lstrip().startswith("-----BEGIN"):
            return ssl.create_default_context(cadata=place.ca)
        if place.ca and not pathlib.Path(place.ca).is_file():  # a pipe would be waited for, and for ever
            raise ValueError("there is no such file")
        context = ssl.create_default_context(cafile=place.ca or None)
    except (OSError, ValueError) as error:
        raise ValueError(f"its certificate authority cannot be read: {_words(error)}") from None
    if place.pin and not place.ca:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def ask(place: Place, method: str, path: str, headers: dict[str, str], body: bytes, most: int, seconds: float | None = None) -> Answer:
    """Away where there is no whole answer in time; for its first byte it has so many seconds."""
    try:
        stream = _Stream(_open(place))
        try:
            stream.end = monotonic() + (FIRST_BYTE_SECONDS if seconds is None else seconds)
            return _exchange(stream, place, method, path, headers, body, most)
        finally:
            stream.hang_up()
    except ssl.SSLCertVerificationError as error:
        raise Untrusted(f"its certificate is not trusted: {error.verify_message}") from None
    except TimeoutError:
        raise Away("it did not answer in time") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Away(_words(error)) from None


def _exchange(stream: "_Stream", place: Place, method: str, path: str, headers: dict[str, str], body: bytes, most: int) -> Answer:
    parts = urlsplit(place.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    connection.sock = stream  # type: ignore[assignment]
    host = parts.netloc.rpartition("@")[2]
    connection.request(method, parts.path.rstrip("/") + path, body or None, headers | {"Host": host, "Connection": "close"})
    with connection.getresponse() as response:
        length = response.length if response.length is not None else most
        if length > most:
            raise TooMuch(f"its answer has more than {most} bytes")
        stream.end = monotonic() + FIRST_BYTE_SECONDS + length / BYTES_A_SECOND
        found = response.read(most + 1)
        if len(found) > most:
            raise TooMuch(f"its answer has more than {most} bytes")
        if response.length:
            raise Away("its answer broke off")
        return Answer(response.status, found, response.headers.get_content_type(), _seconds(response.headers.get("Date", "")))


def _open(place: Place) -> socket.socket:
    parts = urlsplit(place.url)
    host, is_secure = parts.hostname or "", parts.scheme == "https"
    if not is_secure and not (place.plain or is_loopback(host)):
        raise Untrusted("its address is http:// and leads to another host: mails would cross the network in the clear (NODES_PLAIN_HTTP)")
    end = monotonic() + CONNECT_SECONDS
    sock = _connected(host, parts.port or (443 if is_secure else 80), end)
    if not is_secure:
        return sock
    try:
        sock.settimeout(max(0.1, end - monotonic()))
        secured = trust_of(place).wrap_socket(sock, server_hostname=host)
    except BaseException:
        sock.close()
        raise
    if place.pin and place.pin not in prints_of(secured.getpeercert(binary_form=True) or b""):
        secured.close()
        raise Untrusted("its certificate is not the one that is pinned")
    return secured


def prints_of(certificate: bytes) -> tuple[str, str]:
    """SHA-256 of a certificate and of the key in it."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    return hashlib.sha256(certificate).hexdigest(), hashlib.sha256(
        key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).hexdigest()


def _connected(host: str, port: int, end: float) -> socket.socket:
    """Of several addresses the first that answers, all within one time."""
    try:
        found = _names.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM).result(CONNECT_SECONDS)
    except NotInTime:
        raise Away(f"the name {host} is not resolved in time") from None
    except UnicodeError:
        raise Away(f"{host} is no name of a host") from None
    trouble: OSError = TimeoutError()
    for family, kind, protocol, _name, address in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(max(0.1, end - monotonic()))
            sock.connect(address)
        except OSError as error:
            sock.close()
            trouble = error
        else:
            return sock
    raise trouble


class _Stream(io.RawIOBase):
    """A socket to http.client, and the one end of all that is waited for on it: a drip of bytes moves nothing."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.end = monotonic() + FIRST_BYTE_SECONDS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(self._left())
        return self._sock.recv_into(buffer)

    def sendall(self, data: Any) -> None:
        self._sock.settimeout(self._left())
        self._sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def close(self) -> None:
        """http.client does this before it has read the answer."""

    def hang_up(self) -> None:
        self._sock.close()

    def _left(self) -> float:
        left = self.end - monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _words(error: Exception) -> str:
    told = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return "".join(letter if letter.isprintable() else " " for letter in told)[:200]
