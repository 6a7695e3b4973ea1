"""A private mail relay that keeps what it is sent, in this process; and one that says nothing at all."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

from tests.servers.process import free_port
from tests.servers.slapd import Authority

USER, PASSWORD = "mailkeep", "Relay-Horse-1"


class _Chunking(SMTP):
    """aiosmtpd knows no BDAT, and refuses long lines, which others take."""

    line_length_limit = 1 << 20

    async def smtp_BDAT(self, arg: str) -> None:  # noqa: N802
        size, _blank, last = arg.partition(" ")
        self.envelope.content = bytes(self.envelope.content or b"") + await self._reader.readexactly(int(size))  # type: ignore[attr-defined]
        if not last:
            await self.push(f"250 {size} octets")
            return
        await self.push(await self.event_handler.handle_DATA(self, self.session, self.envelope))
        self._set_post_data_state()


class _Controller(Controller):
    def __init__(self, *arguments: Any, **more: Any) -> None:
        self.made: list[SMTP] = []
        super().__init__(*arguments, **more)

    def factory(self) -> SMTP:
        self.made.append(_Chunking(self.handler, **self.SMTP_kwargs))
        return self.made[-1]

    async def hang_up(self) -> None:
        """Whoever is still connected: what is left open here would be found in another test."""
        for each in self.made:
            if each.transport is not None:
                each.transport.abort()
        await asyncio.sleep(0.01)


class Relay:
    """`refuse` has recipients it does not take, `later` those it does not take now; `answers` what it says to the next mails, and
    nothing at all where that is empty; `offers` and `hides` change what it says it can. `authority` gives TLS, `tls` from the first byte on, else by StartTLS."""

    def __init__(self, authority: Authority | None = None, tls: bool = False, asks_password: bool = False, **more: Any) -> None:
        self.envelopes: list[Envelope] = []
        self.refuse: set[str] = set()
        self.later: set[str] = set()
        self.refusal, self.not_now = "550 5.1.1 no such user here", "450 4.2.1 come back later"
        self.answers: list[str] = []
        self.offers: set[str] = set()
        self.hides: set[str] = set()
        self.port = free_port()
        context = None
        if authority is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(authority.folder / "server.pem", authority.folder / "server.key")
        more["ssl_context" if tls else "tls_context"] = context
        if asks_password:
            more |= {"authenticator": self._knows, "auth_required": True, "auth_require_tls": authority is not None and not tls}
        self.scheme = "smtps" if tls else "smtp+starttls" if authority else "smtp"
        self._controller = _Controller(self, hostname="127.0.0.1", port=self.port, **more)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._controller.hang_up(), self._controller.loop).result(10)
        self._controller.stop()

    @property
    def sessions(self) -> list[SMTP]:
        return self._controller.made

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(bytes(each.content or b""), policy=SMTPUTF8) for each in self.envelopes]  # type: ignore[misc]

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:  # noqa: N802
        if address in self.refuse:
            return self.refusal
        if address in self.later:
            return self.not_now
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_EHLO(self, _server: Any, session: Any, _envelope: Envelope, hostname: str, responses: list[str]) -> list[str]:  # noqa: N802
        session.host_name = hostname
        kept = [line for line in responses if line[4:].split()[0] not in self.hides]
        return [*kept[:-1], *(f"250-{word}" for word in self.offers), kept[-1]]

    async def handle_DATA(self, server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        if self.answers and (answer := self.answers.pop(0))[:1] != "2":
            if not answer:  # taken or not: who asked will not know
                self.envelopes.append(envelope)
                server.transport.abort()
            return answer
        self.envelopes.append(envelope)
        return "250 2.0.0 kept as number 7"

    def _knows(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)


@contextmanager
def silent_port() -> Iterator[int]:
    """Connections are taken, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
