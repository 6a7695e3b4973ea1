"""A private Rspamd: no network modules, its exporter aimed at us, mails fed to its scan worker."""

import http.client
import json
import os
import pathlib
import shutil
import subprocess
from typing import Any

from tests.servers.process import Server, answers, free_port, need

_OFF = (
    "rbl surbl fuzzy_check phishing dkim arc spf dmarc asn mx_check url_redirector greylist ratelimit replies neural history_redis reputation "
    "bayes_expiry p0f dcc antivirus external_services once_received hfilter elastic clickhouse clustering maillist mid mime_types dkim_signing "
    "whitelist spamtrap rspamd_update bimi known_senders url_suspect contextal aws_s3 http_headers"
).split()


class Rspamd(Server):
    """`root` is a folder that holds another Debian (make test-rspamd4), or nothing for the Rspamd of this machine."""

    name = "rspamd"

    def __init__(self, exporter_url: str, formatter: str = "default", root: str = "", **rule: Any) -> None:
        if not root:
            need("rspamd")
        super().__init__()
        self.root, self.controller = root, free_port()
        self.outside = pathlib.Path(root or "/") / "var/lib" / f"mailkeep-test-{self.port}"
        self.inside = f"/var/lib/mailkeep-test-{self.port}"
        self._write_config(exporter_url, formatter, rule)

    def _write_config(self, url: str, formatter: str, rule: dict[str, Any]) -> None:
        conf = self.outside / "conf"
        shutil.copytree(pathlib.Path(self.root or "/") / "etc/rspamd", conf)
        local = conf / "local.d"
        local.mkdir(exist_ok=True)
        for module in _OFF:
            (local / f"{module}.conf").write_text("enabled = false;\n")
        options = "\n".join(f"{name} = {value};" for name, value in rule.items())
        if formatter == "default":
            options += "\nmeta_headers = true;"
        files = {
            "options.inc": f"""
                dns {{ timeout = 0.1s; retransmits = 1; nameserver = ["127.0.0.1:1"]; }}
                control_socket = "{self.inside}/rspamd.sock mode=0600"; pidfile = "{self.inside}/rspamd.pid"; rrd = "";
                stats_file = "{self.inside}/stats.ucl"; hs_cache_dir = "{self.inside}"; history_file = "{self.inside}/history";
                dynamic_conf = "{self.inside}/dynamic"; check_all_filters = true; map_watch_interval = 5s;""",
            "logging.inc": f'type = "file"; filename = "{self.inside}/rspamd.log"; level = "info";',
            "worker-normal.inc": f'bind_socket = "127.0.0.1:{self.port}"; count = 1;',
            "worker-controller.inc": f'bind_socket = "127.0.0.1:{self.controller}"; password = "tests";',
            "worker-proxy.inc": f'bind_socket = "127.0.0.1:{free_port()}"; upstream "local" {{ default = yes; hosts = "127.0.0.1:{self.port}"; }}',
            "worker-fuzzy.inc": "count = -1;",
            "statistic.conf": "",
            "metadata_exporter.conf": f"""
                rules {{ MAILKEEP {{ backend = "http"; url = "{url}"; user = "rspamd"; password = "secret";
                selector = "default"; formatter = "{formatter}"; timeout = 10.0; {options} }} }}""",
            "multimap.conf": f"""
                TESTS_REJECT {{ type = "from"; extract_from = "smtp"; map = "{self.inside}/reject.map"; score = 50; }}
                TESTS_HEADER {{ type = "from"; extract_from = "smtp"; map = "{self.inside}/header.map"; score = 7; }}""",
        }
        for name, text in files.items():
            (local / name).write_text(text)
        (conf / "override.d").mkdir(exist_ok=True)
        (conf / "override.d/classifier-bayes.conf").write_text("")
        (self.outside / "reject.map").write_text("bad@example.net\nnews@example.net\nx@example.net\n")
        (self.outside / "header.map").write_text("zoe@example.net\n")
        subprocess.run(["chmod", "-R", "a+rwX", str(self.outside)], check=True)

    def command(self) -> list[str]:
        variables = [f"--var={name}={self.inside}" for name in ("DBDIR", "RUNDIR", "LOGDIR")]
        variables += [f"--var={name}={self.inside}/conf" for name in ("CONFDIR", "LOCAL_CONFDIR")]
        who = ["-i", "-u", "_rspamd", "-g", "_rspamd"] if os.geteuid() == 0 else []
        command = ["rspamd", "-c", f"{self.inside}/conf/rspamd.conf", "-f", *who, *variables]
        return ["chroot", self.root, *command] if self.root else command

    def is_ready(self) -> bool:
        return answers(self.port) and answers(self.controller)

    def output(self) -> str:
        log = self.outside / "rspamd.log"
        return super().output() + (log.read_text(errors="replace")[-4000:] if log.exists() else "")

    def close(self) -> None:
        super().close()
        shutil.rmtree(self.outside, ignore_errors=True)

    def scan(self, raw: bytes, envelope: dict[str, Any], queue_id: str) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest("POST", "/checkv2", skip_accept_encoding=True)
        headers = [
            ("Queue-Id", envelope.get("qid", queue_id)),
            ("Ip", envelope.get("ip", "198.51.100.7")),
            ("Helo", "mx.example.net"),
            ("Hostname", "mx.example.net"),
            ("From", envelope.get("from", "")),
        ]
        headers += [("User", envelope["user"])] if envelope.get("user") else []
        headers += [("Rcpt", recipient) for recipient in envelope["rcpt"]]
        for name, value in headers:
            connection.putheader(name, value.encode())
        connection.putheader("Content-Length", str(len(raw)))
        connection.endheaders(raw)
        found: dict[str, Any] = json.loads(connection.getresponse().read())
        connection.close()
        return found
