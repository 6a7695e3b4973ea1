"""A Rspamd that can be taught: statistics and a fuzzy storage in a Redis, a password asked of everybody, and an exporter."""

from typing import Any

from tests.servers.process import free_port
from tests.servers.redis import Redis
from tests.servers.rspamd import Rspamd

FLAG = 11


class Teacher(Rspamd):
    def __init__(self, redis: Redis, exporter_url: str, **rule: Any) -> None:
        super().__init__(exporter_url, **rule)
        server, fuzzy = f'servers = "127.0.0.1:{redis.port}";', free_port()
        files = {
            "redis.conf": server,
            "greylist.conf": "enabled = false;",
            "classifier-bayes.conf": f'backend = "redis"; {server} min_learns = 1; min_tokens = 11; autolearn = [-5, 5];',
            "worker-fuzzy.inc": f'count = 1; bind_socket = "127.0.0.1:{fuzzy}"; backend = "redis"; {server} allow_update = ["127.0.0.1"]; sync = 0.2s;',
            "fuzzy_check.conf": 'min_bytes = 100; rule "rspamd.com" { enabled = false; } rule "local" { '
            f'servers = "127.0.0.1:{fuzzy}"; algorithm = "mumhash"; symbol = "TAUGHT"; mime_types = ["*"]; read_only = no; skip_unknown = yes; '
            f"fuzzy_map {{ TAUGHT_DENIED {{ max_score = 20; flag = {FLAG}; }} }} }}",
        }
        for name, text in files.items():
            (self.folder / "local.d" / name).write_text(text + "\n")
        exporter = self.folder / "local.d" / "metadata_exporter.conf"
        exporter.write_text(exporter.read_text().replace("MAILKEEP", "SITE"))  # as a site may have called it
        (self.folder / "override.d").mkdir()
        (self.folder / "override.d" / "worker-controller.inc").write_text('secure_ip = "192.0.2.1";\n')
