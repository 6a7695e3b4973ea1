"""Sessions behind Redis Sentinels outlive the server that held them."""

import pathlib
from contextlib import ExitStack

from tests.apps import close, make_app
from tests.databases import SqliteCopies
from tests.make import login, token
from tests.security.browsers import PAGE, is_in
from tests.servers.process import wait_for
from tests.servers.redis import Redis, Sentinel


def test_sessions_survive_the_death_of_the_master(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> None:
    with ExitStack() as running:
        master = running.enter_context(Redis())
        follower = running.enter_context(Redis(follows=master))
        sentinels = [running.enter_context(Sentinel(master, quorum=2)) for _ in range(3)]
        wait_for(lambda: all(sentinel.sees(3) for sentinel in sentinels), 10, "the Sentinels do not see each other")
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in sentinels)
        app = make_app(sqlite_copies.make(tmp_path), tmp_path, SESSION_STORE=f"redis+sentinel://{hosts}/panel")
        client = login(app, "admin")
        assert is_in(client)
        assert master.client().wait(1, 2000) == 1
        master.kill()
        wait_for(lambda: follower.client().info("replication")["role"] == "master", 15, "no other became master")  # type: ignore[index]
        wait_for(lambda: client.get(PAGE).status_code != 503, 10, "the panel did not find the new master")
        assert is_in(client)
        assert client.post("/logout/", data={"csrf_token": token(client)}).status_code == 302
        assert not is_in(client)
        close(app)
