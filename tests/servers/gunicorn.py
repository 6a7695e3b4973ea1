"""Mailkeep itself, as it is deployed: gunicorn with our configuration, in processes that can be killed."""

import http.client
import os
import pathlib
import subprocess
import sys
from typing import Any

from tests.apps import close, make_app
from tests.databases import driver_url, migrate
from tests.make import make_node
from tests.servers.process import Server

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Mailkeep(Server):
    name = "mailkeep"

    def __init__(self, database_url: str, **settings: Any) -> None:
        super().__init__()
        self.settings = {
            "DATABASE_URL": database_url,
            "SECRET_KEY": "tests-only-0123456789abcdef",
            "STORE_URL": f"file://{self.folder}/store",
            "SPOOL_DIR": f"{self.folder}/spool",
            "MAPS_DIR": f"{self.folder}/maps",
            "METRICS_DIR": f"{self.folder}/metrics",
            "NODE_NAME": "mx1",
            "BIND": f"127.0.0.1:{self.port}",
            "WORKERS": "2",
            "THREADS": "8",
            "MIN_FREE_BYTES": "0",
            "MAILKEEP_ENV": "/nonexistent",
        } | {name: str(value) for name, value in settings.items()}

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        return kept | self.settings

    def command(self) -> list[str]:
        return [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "gunicorn.conf.py"), "--chdir", str(ROOT)]

    def is_ready(self) -> bool:
        try:
            return self.get("/healthz")[0] == 200
        except OSError:
            return False

    def flask(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "flask", "--app", "run", *arguments]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=False, cwd=ROOT)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        return done.stdout

    def prepare(self) -> "Mailkeep":
        """Migrated, with the node mx1 that may post from here as rspamd:secret."""
        app = make_app(driver_url(self.settings["DATABASE_URL"]), self.folder)
        migrate(app)
        make_node(app)
        close(app)
        return self

    def get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
