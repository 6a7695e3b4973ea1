"""A private Rspamd: Debian's own configuration, no module that asks the network, its exporter aimed at us."""

import http.client
import json
import pathlib
import subprocess
from collections.abc import Collection
from typing import Any

from tests.servers.process import Server, answers, free_port, need

_ASK_THE_NETWORK = (
    "arc asn bimi dkim dkim_signing dmarc fuzzy_check hfilter http_headers mx_check once_received phishing rbl spf surbl url_redirector"
).split()

_OPTIONS = """
dns { timeout = 0.1s; retransmits = 1; nameserver = ["127.0.0.1:%(dns)s"]; }
check_all_filters = true; map_watch_interval = %(watch)s; disable_hyperscan = true;
url_tld = "%(inside)s/suffixes"; # the shipped list takes half a minute to compile
control_socket = "%(inside)s/rspamd.sock mode=0600"; rrd = "";
"""
_EXPORTER = """
rules { MAILKEEP {
  backend = "http"; url = "%(url)s"; user = "rspamd"; password = "secret"; selector = "default"; formatter = "%(formatter)s";
  meta_headers = %(headers)s; timeout = 10.0; %(rule)s
} }
"""
_MULTIMAP = """
TESTS_REJECT { type = "from"; extract_from = "smtp"; map = "%(inside)s/reject.map"; score = 50; }
TESTS_HEADER { type = "from"; extract_from = "smtp"; map = "%(inside)s/header.map"; score = 7; }
"""


class Rspamd(Server):
    """`root` is a folder that holds another Debian (make test-rspamd4), or nothing for the Rspamd of this machine."""

    name = "rspamd"

    def __init__(self, exporter_url: str, formatter: str = "default", root: str = "", **rule: Any) -> None:
        self.root = root.rstrip("/")
        self.program = "/usr/bin/rspamd" if self.root else need("rspamd")
        super().__init__(pathlib.Path(self.root) / "tmp" if self.root else None)
        self.inside = str(self.folder).removeprefix(self.root)
        self.controller = free_port()
        self._write_config(exporter_url, formatter, rule)

    def use(self, files: dict[str, str], *, dns: int, modules: Collection[str]) -> None:
        """Before the start: these files in local.d as they are, a name server to ask, modules that ask it, and maps looked at often."""
        local = self.folder / "local.d"
        (local / "multimap.conf").unlink()
        (local / "options.inc").write_text(_OPTIONS % {"inside": self.inside, "dns": dns, "watch": "0.3s"})
        for module in modules:
            (local / f"{module}.conf").unlink()
        for name, text in files.items():
            (local / name).write_text(text)
        if self.root:  # Rspamd 4 keeps what it fetched, and a port may come again
            for kept in pathlib.Path(self.root, "var/lib/rspamd").glob("*.map"):
                kept.unlink()

    def serve_milter(self) -> int:
        """Before the start: the port where a mail server asks."""
        port = free_port()
        text = f'enabled = true; bind_socket = "127.0.0.1:{port}"; milter = yes; upstream "local" {{ default = yes; self_scan = yes; }}'
        (self.folder / "local.d/worker-proxy.inc").write_text(text + "\n")
        return port

    def configtest(self) -> str:
        """What `rspamadm configtest` says of it."""
        variables = self.command()[self.command().index("-i") + 1 :]
        command = ["rspamadm", *variables, "configtest", "-c", "/etc/rspamd/rspamd.conf"]
        done = subprocess.run(
            ["chroot", self.root, *command] if self.root else command, capture_output=True, text=True, timeout=60, check=False
        )
        return f"{done.returncode}\n{done.stdout}{done.stderr}"

    def _write_config(self, url: str, formatter: str, rule: dict[str, Any]) -> None:
        values = {
            "inside": self.inside,
            "url": url,
            "formatter": formatter,
            "headers": str(formatter == "default").lower(),
            "dns": 1,
            "watch": "5s",
            "rule": " ".join(f"{name} = {value};" for name, value in rule.items()),
        }
        files = {
            "options.inc": _OPTIONS % values,
            "logging.inc": 'type = "console"; level = "info";',
            "worker-normal.inc": f'bind_socket = "127.0.0.1:{self.port}"; count = 1;',
            "worker-controller.inc": f'bind_socket = "127.0.0.1:{self.controller}"; password = "tests";',
            "worker-proxy.inc": "enabled = false;",
            "worker-fuzzy.inc": "count = -1;",
            "metadata_exporter.conf": _EXPORTER % values,
            "multimap.conf": _MULTIMAP % values,
        }
        local = self.folder / "local.d"
        local.mkdir()
        for name, text in (files | {f"{module}.conf": "enabled = false;" for module in _ASK_THE_NETWORK}).items():
            (local / name).write_text(text + "\n")
        (self.folder / "suffixes").write_text("com\nnet\norg\nexample\n")
        (self.folder / "reject.map").write_text("bad@example.net\nnews@example.net\nx@example.net\n")
        (self.folder / "header.map").write_text("zoe@example.net\n")

    def command(self) -> list[str]:
        variables = [f"--var={name}={self.inside}" for name in ("DBDIR", "RUNDIR", "LOGDIR", "LOCAL_CONFDIR")]
        command = [self.program, "-c", "/etc/rspamd/rspamd.conf", "-f", "-i", *variables]
        return ["chroot", self.root, *command] if self.root else command

    def is_ready(self) -> bool:
        return answers(self.port) and answers(self.controller)

    def scan(self, raw: bytes, envelope: dict[str, Any], queue_id: str) -> dict[str, Any]:
        """What an MTA asks; the answer has the action, the score and the symbols."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest("POST", "/checkv2", skip_accept_encoding=True)
            for name, value in _envelope_headers(envelope, queue_id):
                connection.putheader(name, value.encode())
            connection.putheader("Content-Length", str(len(raw)))
            connection.endheaders(raw)
            found: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return found


def _envelope_headers(envelope: dict[str, Any], queue_id: str) -> list[tuple[str, str]]:
    headers = [
        ("Queue-Id", envelope.get("qid", queue_id)),
        ("Ip", envelope.get("ip", "198.51.100.7")),
        ("Helo", envelope.get("helo", "mx.example.net")),
        ("Hostname", envelope.get("hostname", "mx.example.net")),
        ("From", envelope.get("from", "")),
    ]
    headers += [("User", envelope["user"])] if envelope.get("user") else []
    return headers + [("Rcpt", recipient) for recipient in envelope["rcpt"]]
