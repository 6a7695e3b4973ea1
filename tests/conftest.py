"""The ground the tests stand on: real servers, a fresh database for each test, an app with its browser and its command line."""

import gc
import pathlib
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner

from app.security import patience
from tests.apps import close, make_app
from tests.databases import KINDS, MariaDBCopies, PostgresCopies, SqliteCopies, driver_url
from tests.servers.mariadb import MariaDB
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis
from tests.servers.relay import Relay
from tests.servers.s3 import S3

# What takes longest, and cannot be shared out: begun last, it would let the other workers wait for its end.
LONGEST = """
e2e/test_release_chain.py test_scope.py browser/test_screens.py e2e/test_rspamd.py test_matrix.py e2e/test_map_chain.py browser/test_walks.py
views/test_below_path.py e2e/test_faults.py test_doors.py services/test_notice_races.py browser/test_rescan.py services/test_bulk_races.py
browser/test_second_factor.py services/test_demo.py browser/test_below_path.py browser/test_providers.py services/test_map_feed_races.py
browser/test_hostile.py test_migrations.py views/test_portal.py mime/test_limits.py views/test_acts_attacked.py services/test_permissions.py
e2e/test_galera.py browser/test_notice_links.py browser/test_releases.py browser/test_requests.py services/test_intake_far.py
services/test_retention_races.py security/test_sentinel.py e2e/test_server.py
""".split()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With workers (and --no-loadscope-reorder): those first, then files with many tests before files with few."""
    if not hasattr(config, "workerinput"):
        return
    here, many = pathlib.Path(__file__).parent, Counter(item.path for item in items)
    first = {here / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (first.get(item.path, len(first)), -many[item.path], item.path))


def pytest_collection_finish() -> None:
    """A third of the processor's time went into looking for what is left of closed apps, again and again through all that stays to the
    end: now it is looked for when there is much of it (tests/apps.close)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 1_000_000)
    gc.enable()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    with MariaDB(is_durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    with Redis() as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    with S3() as server:
        yield server


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A mail server that keeps what it is given."""
    with Relay() as running:
        yield running


@pytest.fixture(scope="session")
def sqlite_copies(tmp_path_factory: pytest.TempPathFactory) -> SqliteCopies:
    return SqliteCopies(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def mariadb_copies(mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> MariaDBCopies:
    return MariaDBCopies(mariadb, tmp_path_factory.mktemp("mariadb"))


@pytest.fixture(scope="session")
def postgres_copies(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> PostgresCopies:
    return PostgresCopies(postgres, tmp_path_factory.mktemp("postgres"))


@pytest.fixture(scope="session")
def sqlite_template(sqlite_copies: SqliteCopies) -> pathlib.Path:
    """A migrated file with all permissions, to copy."""
    return sqlite_copies.template


@pytest.fixture(params=KINDS)
def empty_database(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[str]:
    """The URL of a new database without any table, on each of the three."""
    if request.param == "sqlite":
        yield driver_url(f"sqlite:///{tmp_path}/mailkeep.db")
        return
    server: MariaDB | Postgres = request.getfixturevalue(request.param)
    name = f"t{uuid.uuid4().hex[:12]}"
    yield driver_url(server.create(name))
    server.drop(name)


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[str]:
    """The URL of a fresh database, migrated and with all permissions, on each of the three."""
    copies: SqliteCopies | MariaDBCopies | PostgresCopies = request.getfixturevalue(f"{request.param}_copies")
    url = copies.make(tmp_path)
    yield url
    copies.drop(url)


@pytest.fixture
def any_app(database: str, tmp_path: pathlib.Path) -> Iterator[Flask]:
    """An app on each database."""
    app = make_app(database, tmp_path)
    yield app
    close(app)


@pytest.fixture
def app(sqlite_template: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[Flask]:
    """An app on SQLite, for what does not depend on the database."""
    path = tmp_path / "mailkeep.db"
    shutil.copy(sqlite_template, path)
    app = make_app(f"sqlite:///{path}", tmp_path)
    yield app
    close(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    return app.test_cli_runner()


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The delays that guessing would have cost."""
    found: list[float] = []
    monkeypatch.setattr(patience, "sleep", found.append)
    return found
