"""The ground the tests stand on: real databases, an app with a database of its own, people who log in."""

import pathlib
import shutil
import uuid
from collections.abc import Iterator
from typing import Any

import flask_migrate
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from config import database_url
from tests.servers.mariadb import MariaDB
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis

SECRET = "tests-only-0123456789abcdef"
DATABASES = ("sqlite", "mariadb", "postgres")


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    server = MariaDB()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    server = Redis()
    server.start()
    yield server
    server.close()


def driver_url(url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """As config.py would make it of DATABASE_URL."""
    monkeypatch.setenv("DATABASE_URL", url)
    return database_url("DATABASE_URL", "")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A migrated SQLite file to copy: quicker than migrating for each test."""
    path = tmp_path_factory.mktemp("template") / "mailkeep.db"
    migrate(make_app(f"sqlite:///{path}", path.parent))
    return path


def make_app(url: str, folder: pathlib.Path, **overrides: Any) -> Flask:
    settings: dict[str, Any] = {
        "SQLALCHEMY_DATABASE_URI": url,
        "SECRET_KEY": SECRET,
        "STORE_URL": f"file://{folder}/store",
        "SPOOL_DIR": str(folder / "spool"),
        "NODE_NAME": "mx1",
        "MIN_FREE_BYTES": 0,
        "TESTING": True,
        "RATELIMIT_ENABLED": False,
        "LOG_LEVEL": "WARNING",
    }
    return create_app(**settings | overrides)


def migrate(app: Flask) -> None:
    with app.app_context():
        flask_migrate.upgrade()
        from app.extensions import db

        db.engine.dispose()


@pytest.fixture(params=DATABASES)
def empty_database(request: pytest.FixtureRequest, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a new database on each of the three."""
    if request.param == "sqlite":
        yield driver_url(f"sqlite:///{tmp_path}/mailkeep.db", monkeypatch)
        return
    server = request.getfixturevalue(request.param)
    name = f"t{uuid.uuid4().hex[:12]}"
    yield driver_url(server.create(name), monkeypatch)
    server.drop(name)


@pytest.fixture
def any_app(empty_database: str, tmp_path: pathlib.Path) -> Iterator[Flask]:
    """An app on each database, migrated."""
    app = make_app(empty_database, tmp_path)
    migrate(app)
    yield app
    close(app)


@pytest.fixture
def app(sqlite_template: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[Flask]:
    """An app on SQLite, migrated, for what does not depend on the database."""
    path = tmp_path / "mailkeep.db"
    shutil.copy(sqlite_template, path)
    app = make_app(f"sqlite:///{path}", tmp_path)
    yield app
    close(app)


def close(app: Flask) -> None:
    from app.extensions import db

    app.extensions["mailkeep_intake"].stop()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
