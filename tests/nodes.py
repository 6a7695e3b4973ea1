"""Several nodes over one database, each its own app with its own store; and real doors between them."""

import pathlib
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, make_server

from app.actor import SYSTEM
from app.services.nodes import register_local
from app.services.peering import Api, own_secret, set_api
from tests.releases import releasing_app
from tests.servers.slapd import Authority


def node_app(url: str, folder: pathlib.Path, name: str, relay_url: str = "", **more: Any) -> Flask:
    own = folder / name
    own.mkdir()
    app = releasing_app(url, own, relay_url, NODE_NAME=name, **more)
    with app.app_context():
        register_local(name, actor=SYSTEM)
        set_api(name, Api(allow=["127.0.0.0/8"]), actor=SYSTEM)
    return app


@contextmanager
def served(app: Flask, authority: Authority | None = None) -> Iterator[BaseWSGIServer]:
    """On a loopback port, known to all nodes as where this one is."""
    context = None
    if authority is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.folder / "server.pem", authority.folder / "server.key")
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=context)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    reach(
        app,
        f"{'https' if authority else 'http'}://127.0.0.1:{server.server_port}",
        ca=pathlib.Path(authority.file).read_text() if authority else None,
    )
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def reach(app: Flask, url: str, **more: Any) -> None:
    with app.app_context():
        set_api(app.config["NODE_NAME"], Api(url=url, **more), actor=SYSTEM)


def secret(app: Flask) -> str:
    with app.app_context():
        return own_secret()
