"""A small S3 server that checks signatures and keeps its objects on disk, so that it can be killed and started again."""

import os
import pathlib
import signal
import sys

from tests.servers.process import Server, answers

BUCKET = "mails"
KEYS = {
    "AWS_ACCESS_KEY_ID": "mailkeep",
    "AWS_SECRET_ACCESS_KEY": "the-secret-of-the-store",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
}


class S3(Server):
    name = "s3"

    def __init__(self) -> None:
        super().__init__()
        (self.folder / "data" / BUCKET).mkdir(parents=True)

    def command(self) -> list[str]:
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--data-dir", str(self.folder / "data")]
        return [sys.executable, "-m", "nanio", "serve", *where, "--log-level", "warning"]

    def environment(self) -> dict[str, str]:
        keys = {"NANIO_ACCESS_KEY": KEYS["AWS_ACCESS_KEY_ID"], "NANIO_SECRET_KEY": KEYS["AWS_SECRET_ACCESS_KEY"]}
        return dict(os.environ) | keys

    def is_ready(self) -> bool:
        return answers(self.port)

    def url(self, prefix: str, **words: object) -> str:
        said = "".join(f"&{name}={value}" for name, value in words.items())
        return f"s3://{BUCKET}/{prefix}?endpoint=http://127.0.0.1:{self.port}{said}"

    def file(self, key: str) -> pathlib.Path:
        """Of an object, to spoil it."""
        return self.folder / "data" / BUCKET / key

    def hang(self) -> None:
        """It takes connections and says nothing."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self.process
        os.killpg(self.process.pid, number)
