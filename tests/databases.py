"""A fresh database for each test within milliseconds: copies of one that was migrated, with all permissions, once a session."""

import pathlib
import shutil
import uuid
from contextlib import closing
from typing import Any

import flask_migrate
import MySQLdb
from flask import Flask

from app.services.permissions import sync_permissions
from environment_addresses import database_url
from tests.apps import close, make_app
from tests.servers.mariadb import MariaDB
from tests.servers.postgres import Postgres

KINDS = ("sqlite", "mariadb", "postgres")
_TEMPLATE, _WORKING = "mailkeep_template", "mailkeep_working"


def driver_url(url: str) -> str:
    """As config.py would make it of DATABASE_URL."""
    return database_url("A_SETTING_NOBODY_SETS", url)


def migrate(app: Flask) -> None:
    with app.app_context():
        flask_migrate.upgrade()


def fill(url: str, folder: pathlib.Path) -> None:
    """What a deployment does: migrates, and writes the permissions."""
    app = make_app(driver_url(url), folder)
    migrate(app)
    with app.app_context():
        sync_permissions()
    close(app)


class SqliteCopies:
    def __init__(self, folder: pathlib.Path) -> None:
        self.template = folder / "mailkeep.db"
        fill(f"sqlite:///{self.template}", folder)

    def make(self, folder: pathlib.Path) -> str:
        shutil.copy(self.template, folder / "mailkeep.db")
        return driver_url(f"sqlite:///{folder}/mailkeep.db")

    def drop(self, url: str) -> None:
        """Goes with its folder."""


class PostgresCopies:
    def __init__(self, server: Postgres, folder: pathlib.Path) -> None:
        self.server = server
        fill(server.create(_TEMPLATE), folder)

    def make(self, _folder: pathlib.Path) -> str:
        return driver_url(self.server.create(f"t{uuid.uuid4().hex[:12]}", _TEMPLATE))

    def drop(self, url: str) -> None:
        self.server.drop(url.rpartition("/")[2])


class MariaDBCopies:
    """MariaDB has no templates and slow DDL: one database is emptied and filled again, and made anew where a test broke it."""

    def __init__(self, server: MariaDB, folder: pathlib.Path) -> None:
        self.server = server
        fill(server.create(_TEMPLATE), folder)
        self.tables = self._tables(_TEMPLATE)

    def make(self, _folder: pathlib.Path) -> str:
        if self._tables(_WORKING) != self.tables:
            self.server.drop(_WORKING)
            self.server.create(_WORKING)
            self.server.copy_tables(_TEMPLATE, _WORKING)
        self._refill()
        return driver_url(self.server.url(_WORKING))

    def drop(self, _url: str) -> None:
        """Emptied by the next test."""

    def _tables(self, database: str) -> list[str]:
        return self._ask(f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{database}' ORDER BY 1")

    def _refill(self) -> None:
        strays = self._ask(f"SELECT id FROM information_schema.processlist WHERE db = '{_WORKING}'")
        copies = (f"DELETE FROM {_WORKING}.{t}; INSERT INTO {_WORKING}.{t} SELECT * FROM {_TEMPLATE}.{t};" for t in self.tables)
        self._ask("".join(f"KILL {stray};" for stray in strays) + f"SET foreign_key_checks = 0; BEGIN; {''.join(copies)} COMMIT")

    def _ask(self, statements: str) -> list[Any]:
        """The first column of what the first of them finds. (The server's own client would be a process each time.)"""
        with closing(MySQLdb.connect(user="root", unix_socket=f"{self.server.folder}/socket")) as connection:
            cursor = connection.cursor()
            cursor.execute(statements)
            found = [row[0] for row in cursor.fetchall()]
            while cursor.nextset():
                pass
        return found
