"""A private Galera cluster: MariaDB nodes that each take writes, on loopback ports."""

import pathlib
from contextlib import ExitStack
from typing import Self

from tests.servers.mariadb import MariaDB
from tests.servers.process import free_port, lacking

PROVIDER = pathlib.Path("/usr/lib/galera/libgalera_smm.so")


class GaleraNode(MariaDB):
    """`first` is who it joins; the first of all joins nobody."""

    name = "galera"

    def __init__(self, first: "GaleraNode | None" = None) -> None:
        super().__init__(is_durable=False)
        self.group_port, self.state_port, self.step_port = free_port(), free_port(), free_port()
        self.joins = "" if first is None else f"127.0.0.1:{first.group_port}"

    def command(self) -> list[str]:
        options = f"base_port={self.group_port};gmcast.listen_addr=tcp://127.0.0.1:{self.group_port};ist.recv_addr=127.0.0.1:{self.step_port};gcache.size=16M"
        return [
            *super().command(),
            "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2",
            "--wsrep-on=ON",
            f"--wsrep-provider={PROVIDER}",
            f"--wsrep-provider-options={options}",
            "--wsrep-cluster-name=mailkeep",
            f"--wsrep-cluster-address=gcomm://{self.joins}",
            "--wsrep-node-address=127.0.0.1",
            f"--wsrep-node-name={self.folder.name}",
            "--wsrep-sst-method=rsync",
            f"--wsrep-sst-receive-address=127.0.0.1:{self.state_port}",
        ]

    def is_ready(self) -> bool:
        return (
            self.sql("SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'wsrep_ready'", check=False) == "ON"
        )


class Galera:
    def __init__(self, size: int = 2) -> None:
        if not PROVIDER.exists():
            lacking("galera-4")
        self._size, self._open = size, ExitStack()
        self.nodes: list[GaleraNode] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for _number in range(self._size):
                node = GaleraNode(self.nodes[0] if self.nodes else None)
                stack.callback(node.close)
                node.start(seconds=60)
                self.nodes.append(node)
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def settle(self) -> None:
        """Until each node has what the others committed."""
        for node in self.nodes:
            node.sql("SET SESSION wsrep_sync_wait = 1; SELECT 1 FROM mysql.user LIMIT 1")
