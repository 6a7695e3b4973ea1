"""The panel on each store of sessions."""

import pathlib
from collections.abc import Iterator

import pytest
import redis
from flask import Flask

from tests.apps import close, make_app
from tests.databases import KINDS


@pytest.fixture(params=[*KINDS, "redis"])
def panel(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Flask]:
    """An app on each store."""
    kind = "sqlite" if request.param == "redis" else request.param
    copies = request.getfixturevalue(f"{kind}_copies")
    settings = {}
    if request.param == "redis":
        settings["SESSION_STORE"] = request.getfixturevalue("redis_server").url
        redis.Redis.from_url(settings["SESSION_STORE"]).flushdb()
    url = copies.make(tmp_path)
    app = make_app(url, tmp_path, **settings)
    yield app
    close(app)
    copies.drop(url)
