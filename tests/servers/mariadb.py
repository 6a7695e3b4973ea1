"""A private MariaDB: small, and as durable as in production (a flush at each commit) where that is asked for.

Else what it committed outlives its own death alone, as it is in the kernel's hands: no test takes the machine away.
"""

import subprocess

from tests.servers.process import Server, need


class MariaDB(Server):
    name = "mariadb"
    user = "mysql"

    def __init__(self, *, is_durable: bool = True) -> None:
        self.flushes = (
            ["--innodb-flush-log-at-trx-commit=1"] if is_durable else ["--innodb-flush-log-at-trx-commit=2", "--skip-innodb-doublewrite"]
        )
        self.program, self.client = need("mariadbd", "mysqld"), need("mariadb", "mysql")
        install = need("mariadb-install-db", "mysql_install_db")
        super().__init__()
        self.run(install, "--no-defaults", f"--datadir={self.folder}/data", "--auth-root-authentication-method=normal", "--skip-test-db")

    def command(self) -> list[str]:
        return [
            self.program,
            "--no-defaults",
            f"--datadir={self.folder}/data",
            f"--socket={self.folder}/socket",
            f"--port={self.port}",
            f"--pid-file={self.folder}/pid",
            f"--tmpdir={self.folder}",  # one that starts takes away what it finds of others in a folder that they share
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=32M",
            *self.flushes,
            "--character-set-server=utf8mb4",
        ]

    def is_ready(self) -> bool:
        return self.sql("SELECT 1", check=False) == "1"

    def sql(self, statement: str, *, check: bool = True) -> str:
        command = [self.client, "--no-defaults", "-uroot", f"--socket={self.folder}/socket", "-N", "-B", "-e", statement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def create(self, database: str) -> str:
        self.sql(
            f"CREATE DATABASE {database} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;"
            f"CREATE USER IF NOT EXISTS mailkeep@'127.0.0.1' IDENTIFIED BY 'mailkeep'; GRANT ALL ON {database}.* TO mailkeep@'127.0.0.1'"
        )
        return self.url(database)

    def url(self, database: str) -> str:
        return f"mysql://mailkeep:mailkeep@127.0.0.1:{self.port}/{database}"

    def copy_tables(self, source: str, target: str) -> None:
        """Without their rows: in a tenth of the time that the migrations take."""
        dump = [need("mariadb-dump", "mysqldump"), "--no-defaults", "-uroot", f"--socket={self.folder}/socket", "--no-data", source]
        self.sql(f"USE {target}; {subprocess.run(dump, capture_output=True, text=True, check=True).stdout}")

    def drop(self, database: str) -> None:
        self.sql(f"DROP DATABASE IF EXISTS {database}")
