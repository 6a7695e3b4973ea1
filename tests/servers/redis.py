"""A private Redis."""

from tests.servers.process import Server, answers, need


class Redis(Server):
    name = "redis"

    def command(self) -> list[str]:
        program = need("redis-server")
        return [program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "", "--appendonly", "no"]

    def is_ready(self) -> bool:
        return answers(self.port)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"
