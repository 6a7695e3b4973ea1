"""A MariaDB whose data stays in a folder of one's choice, with a buffer pool of one's choice."""

import os
import pathlib
import pwd

from tests.servers.mariadb import MariaDB
from tests.servers.process import free_port, need


class KeptMariaDB(MariaDB):
    def __init__(self, folder: pathlib.Path, pool: str) -> None:
        self.program, self.client = need("mariadbd", "mysqld"), need("mariadb", "mysql")
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "app").mkdir(exist_ok=True)
        self.pool = pool
        self.flushes: list[str] = []
        self.port = free_port()
        self.process = None
        self.log = self.folder / "output.log"
        if os.geteuid() == 0:
            owner = pwd.getpwnam("mysql")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        if not (self.folder / "data").exists():
            install = need("mariadb-install-db", "mysql_install_db")
            self.run(
                install, "--no-defaults", f"--datadir={self.folder}/data", "--auth-root-authentication-method=normal", "--skip-test-db"
            )

    def command(self) -> list[str]:
        sized = ("--innodb-buffer-pool-size", "--innodb-log-file-size")
        kept = [word for word in super().command() if not word.startswith(sized)]
        return [*kept, f"--innodb-buffer-pool-size={self.pool}", "--innodb-log-file-size=1G"]

    def cpu_seconds(self) -> float:
        """The processor's time it has had, in steps of 10 ms."""
        if self.process is None:
            return 0.0
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """Stops; the data stays."""
        self.stop()
