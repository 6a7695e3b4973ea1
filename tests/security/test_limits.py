"""Login attempts are counted for all processes where a Redis is configured."""

import pathlib

from tests.apps import close, make_app
from tests.databases import SqliteCopies
from tests.servers.redis import Redis


def test_two_processes_count_the_same_guesses(redis_server: Redis, sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> None:
    url = sqlite_copies.make(tmp_path)
    settings = {
        "RATELIMIT_ENABLED": True,
        "RATELIMIT_STORAGE_URI": redis_server.url,
        "LOGIN_RATE": "4 per minute",
        "AUTH_RATE_LIMIT": "4 per minute",
    }
    apps = [make_app(url, tmp_path, **settings) for _ in range(2)]
    guess = {"username": "admin", "password": "guess", "provider": "db"}
    statuses = [app.test_client().post("/api/v1/security/login", json=guess).status_code for app in apps * 3]
    assert statuses == [401] * 4 + [429] * 2
    for app in apps:
        close(app)


def test_the_limit_stands_by_the_settings_as_they_are_shipped() -> None:
    import config

    assert config.RATELIMIT_ENABLED is True
    assert config.AUTH_RATE_LIMITED is True
    assert config.AUTH_RATE_LIMIT == config.LOGIN_RATE


def test_counters_that_are_away_keep_nobody_out_and_let_nobody_guess(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> None:
    """Each process counts for itself then."""
    settings = {"RATELIMIT_ENABLED": True, "RATELIMIT_STORAGE_URI": "redis://127.0.0.1:1", "LOGIN_RATE": "2 per minute"}
    app = make_app(sqlite_copies.make(tmp_path), tmp_path, **settings)
    guess = {"username": "alice", "password": "wrong", "provider": "db"}
    statuses = [app.test_client().post("/api/v1/security/login", json=guess).status_code for _ in range(4)]
    assert statuses == [401, 401, 429, 429]
    close(app)
