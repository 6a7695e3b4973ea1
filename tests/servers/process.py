"""A server started by the tests: in a temporary folder, on a loopback port, gone at the end."""

import contextlib
import itertools
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from typing import Any, NoReturn, Self

import pytest

_EACH = 2500
_FIRST = 12_000 + _EACH * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8)
_numbers = itertools.count(secrets.randbelow(_EACH))


def free_port() -> int:
    """Below those that the system gives to whoever asks for any, and each once: nobody else gets it until it is listened on."""
    while True:
        port = _FIRST + next(_numbers) % _EACH
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def need(*programs: str) -> str:
    """The first of the programs that is there; else a skip, or under CI an error."""
    return next(filter(None, map(shutil.which, programs)), None) or lacking(programs[0])


def lacking(name: str) -> NoReturn:
    missing = f"{name} is not installed (scripts/install-test-servers)"
    if os.environ.get("CI"):
        raise RuntimeError(missing)
    pytest.skip(missing)


class Server:
    """start(), stop(), kill() and start() again: the data stays until close()."""

    name = "server"
    user: str | None = None
    """Who runs it where we are root and the program refuses that."""

    def __init__(self, parent: pathlib.Path | None = None) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"mailkeep-{self.name}-", dir=parent))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.log = self.folder / "output.log"
        if self.user and os.geteuid() == 0:
            owner = pwd.getpwnam(self.user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def command(self) -> list[str]:
        raise NotImplementedError

    def is_ready(self) -> bool:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def start(self, seconds: float = 30) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=self.environment(),
                start_new_session=True,
                **self._owner(),
            )
        wait_for(lambda: self._alive() and self.is_ready(), seconds, lambda: f"{self.name} did not start:\n{self.output()}")

    def stop(self, signal_number: int = signal.SIGTERM, seconds: float = 20) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal_number)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """SIGKILL to it and all it started."""
        if self.process:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait(10)

    def close(self) -> None:
        self.stop()
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def output(self) -> str:
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def run(self, *command: str) -> None:
        """A preparing command as the server's user."""
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, cwd=self.folder, **self._owner())
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stdout.decode()} {done.stderr.decode()}")

    def _alive(self) -> bool:
        if self.process and self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{self.output()}")
        return True

    def _owner(self) -> dict[str, Any]:
        if not self.user or os.geteuid() != 0:
            return {}
        owner = pwd.getpwnam(self.user)
        return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def wait_for(condition: Callable[[], object], seconds: float = 10, otherwise: Callable[[], str] | str = "it did not happen") -> None:
    """What takes long is asked for less and less often: the asking itself keeps busy whoever is waited for."""
    end, pause = time.monotonic() + seconds, 0.02
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(otherwise if isinstance(otherwise, str) else otherwise())
        time.sleep(pause)
        pause = min(pause * 1.3, 0.4)
