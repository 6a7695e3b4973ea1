"""A private Redis, one that follows another, and a Sentinel that watches them."""

from redis import Redis as Client

from tests.servers.process import Server, answers, need


class Redis(Server):
    name = "redis"

    def __init__(self, follows: "Redis | None" = None) -> None:
        super().__init__()
        self.follows = follows

    def command(self) -> list[str]:
        program = need("redis-server")
        quiet = ["--save", "", "--appendonly", "no"]
        followed = ["--replicaof", f"127.0.0.1 {self.follows.port}", "--repl-diskless-sync-delay", "0"] if self.follows else []
        return [program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), *quiet, *followed]

    def is_ready(self) -> bool:
        if not answers(self.port):
            return False
        return self.follows is None or self.client().info("replication")["master_link_status"] == "up"  # type: ignore[index]

    def client(self) -> Client:
        return Client(port=self.port, decode_responses=True)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"


class Sentinel(Server):
    name = "sentinel"

    def __init__(self, watched: Redis, quorum: int) -> None:
        super().__init__()
        self.settings = self.folder / "sentinel.conf"
        self.settings.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self.folder}\n"
            f"sentinel monitor panel 127.0.0.1 {watched.port} {quorum}\n"
            "sentinel down-after-milliseconds panel 500\n"
            "sentinel failover-timeout panel 3000\n"
        )

    def command(self) -> list[str]:
        return [need("redis-server"), str(self.settings), "--sentinel"]

    def is_ready(self) -> bool:
        return answers(self.port)

    def sees(self, sentinels: int) -> bool:
        """The others, and the one that follows."""
        master = Client(port=self.port, decode_responses=True).execute_command("SENTINEL", "MASTER", "panel")
        found = master if isinstance(master, dict) else dict(zip(master[::2], master[1::2], strict=True))
        return int(found["num-slaves"]) >= 1 and int(found["num-other-sentinels"]) >= sentinels - 1
