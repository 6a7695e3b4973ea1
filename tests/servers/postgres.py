"""A private PostgreSQL. What it committed outlives its own death (it is in the kernel's hands), and no more is asked of it here."""

import pathlib
import subprocess

import psycopg

from tests.servers.process import Server, need


class Postgres(Server):
    name = "postgres"
    user = "postgres"

    def __init__(self) -> None:
        homes = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        self.bin = homes[-1] if homes else pathlib.Path(need("initdb")).parent
        super().__init__()
        self.run(str(self.bin / "initdb"), "-D", f"{self.folder}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")

    def command(self) -> list[str]:
        places = ["-D", f"{self.folder}/data", "-p", str(self.port), "-h", "127.0.0.1", "-k", str(self.folder)]
        return [str(self.bin / "postgres"), *places, "-c", "fsync=off", "-c", "full_page_writes=off"]

    def is_ready(self) -> bool:
        done = subprocess.run([str(self.bin / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port)], capture_output=True, check=False)
        return done.returncode == 0

    def sql(self, statement: str) -> str:
        command = [str(self.bin / "psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-X", "-A", "-t", "-c", statement]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def create(self, database: str, template: str = "template1") -> str:
        """As files, which here costs half of what it costs as a log of pages."""
        self._do(f"CREATE DATABASE {database} TEMPLATE {template} STRATEGY FILE_COPY")
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def drop(self, database: str) -> None:
        self._do(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def _do(self, statement: str) -> None:
        with psycopg.connect(f"postgresql://postgres@127.0.0.1:{self.port}/postgres", autocommit=True) as connection:
            connection.execute(statement.encode())
