"""A private Rspamd with Debian's own configuration, its exporter aimed at us; nothing in it asks the network."""

import http.client
import json
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.servers.process import Server, answers, free_port, need

SPAMMER = "198.51.100.66"
"""Mails that this address hands in are rejected; GTUBE would never be exported."""
HONEST = "198.51.100.7"

_ASK_THE_NETWORK = "arc asn bimi dkim dkim_signing dmarc fuzzy_check hfilter http_headers mx_check phishing rbl spf surbl url_redirector"
_OPTIONS = """
dns { timeout = 0.1s; retransmits = 1; nameserver = ["127.0.0.1:1"]; }
check_all_filters = true;
"""
_RULE = """%(formatter)s {
  backend = "http"; url = "%(url)s"; user = "rspamd"; password = "secret"; meta_headers = true;
  formatter = "%(formatter)s"; selector = "default"; timeout = 10.0;
}"""
_MULTIMAP = f'TEST_SPAMMER {{ type = "ip"; map = ["{SPAMMER}"]; score = 50.0; }}\n'


@dataclass(frozen=True, slots=True)
class Envelope:
    queue_id: str
    sender: str = "alice@example.net"
    recipients: tuple[str, ...] = ("bob@example.com",)
    ip: str = SPAMMER
    user: str = ""


class Rspamd(Server):
    name = "rspamd"

    def __init__(self, urls: Mapping[str, str], root: str = "") -> None:
        """`urls`: where each formatter posts. `root`: a folder with another Debian, or this one."""
        self.root = root.rstrip("/")
        self.program = need("rspamd") if not self.root else "/usr/bin/rspamd"
        super().__init__(pathlib.Path(f"{self.root}/tmp") if self.root else None)
        self.inside = str(self.folder).removeprefix(self.root)
        self.controller = free_port()
        self._configure(urls)

    def command(self) -> list[str]:
        variables = {"DBDIR": self.inside, "RUNDIR": self.inside, "LOGDIR": self.inside, "LOCAL_CONFDIR": self.inside}
        chroot = ["chroot", self.root] if self.root else []
        return [*chroot, self.program, "-c", "/etc/rspamd/rspamd.conf", "-f", "-i", *(f"--var={k}={v}" for k, v in variables.items())]

    def is_ready(self) -> bool:
        return answers(self.port)

    def send(self, mail: bytes, envelope: Envelope) -> dict[str, Any]:
        """What the MTA does: the scan worker's answer, with action, score and symbols."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest("POST", "/checkv2", skip_accept_encoding=True)
            for name, value in self._headers(envelope):
                connection.putheader(name, value.encode())
            connection.putheader("Content-Length", str(len(mail)))
            connection.endheaders(mail)
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return answer

    def _headers(self, envelope: Envelope) -> list[tuple[str, str]]:
        headers = [("Queue-Id", envelope.queue_id), ("Ip", envelope.ip), ("From", envelope.sender), ("Helo", "mx.example.net")]
        if envelope.user:
            headers.append(("User", envelope.user))
        return headers + [("Rcpt", recipient) for recipient in envelope.recipients]

    def _configure(self, urls: Mapping[str, str]) -> None:
        rules = "\n".join(_RULE % {"formatter": formatter, "url": url} for formatter, url in urls.items())
        files = {f"{module}.conf": "enabled = false;\n" for module in _ASK_THE_NETWORK.split()} | {
            "options.inc": _OPTIONS,
            "logging.inc": 'type = "console"; level = "notice";\n',
            "worker-normal.inc": f'bind_socket = "127.0.0.1:{self.port}"; count = 1;\n',
            "worker-controller.inc": f'bind_socket = "127.0.0.1:{self.controller}"; password = "secret";\n',
            "worker-proxy.inc": "enabled = false;\n",
            "worker-fuzzy.inc": "count = -1;\n",
            "metadata_exporter.conf": f"rules {{\n{rules}\n}}\n",
            "multimap.conf": _MULTIMAP,
        }
        local = self.folder / "local.d"
        local.mkdir()
        for name, text in files.items():
            (local / name).write_text(text)
