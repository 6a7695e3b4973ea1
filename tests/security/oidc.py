"""What the tests of providers share: a file of them, and a browser on its way out and back."""

import json
import pathlib
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Flask
from flask.testing import FlaskClient

from tests.servers.provider import CLIENT, SECRET, Provider


def table(name: str, values: dict[str, Any]) -> str:
    """TOML: values of these kinds are written as JSON writes them."""
    lines = [f"{key} = {_value(value)}" for key, value in values.items()]
    return "\n".join([f"[{name}]", *lines, ""])


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {json.dumps(each)}" for key, each in value.items()) + "}"
    return json.dumps(value)


def providers_file(folder: pathlib.Path, **tables: dict[str, Any]) -> str:
    path = folder / "providers.toml"
    path.write_text("\n".join(table(name, values) for name, values in tables.items()))
    return str(path)


def staff(provider: Provider, **more: Any) -> dict[str, Any]:
    return {"label": "Staff", "issuer": provider.url, "client_id": CLIENT, "client_secret": SECRET} | more


def mailcow(provider: Provider, **more: Any) -> dict[str, Any]:
    return {"kind": "mailcow", "label": "Mailboxes", "url": provider.url, "client_id": CLIENT, "client_secret": SECRET} | more


def sent_to(client: FlaskClient, name: str = "staff", query: str = "") -> str:
    """Where the panel sends a visitor."""
    answer = client.get(f"/login/{name}/{query}")
    assert answer.status_code == 302, answer.text
    return str(answer.location)


def let_in(url: str) -> str:
    """What the provider answers there: path and query of our callback."""
    answer = requests.get(url, allow_redirects=False, timeout=5)
    assert answer.status_code == 302
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.path}?{parts.query}"


def come_by(app: Flask, name: str = "staff", client: FlaskClient | None = None) -> tuple[FlaskClient, Any]:
    """A browser that goes all the way, and the panel's last answer."""
    client = client or app.test_client()
    return client, client.get(let_in(sent_to(client, name)))


def ask_anew(app: Flask, name: str = "staff") -> None:
    """As if nothing were known of the provider yet."""
    from app.security.ways.oidc_client import Client

    known = app.extensions["mailkeep_providers"]
    known[name] = Client(known[name].provider)
