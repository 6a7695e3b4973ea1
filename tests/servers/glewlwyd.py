"""Debian's glewlwyd, an identity provider that others wrote: with one client, and one person."""

import pathlib
import shutil
import sqlite3
import subprocess
from typing import Any

import requests

from tests.servers.process import Server, answers, need

_SHARE = pathlib.Path("/usr/share/glewlwyd")
_TABLES = pathlib.Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
CLIENT, SECRET = "mailkeep", "the-secret-of-the-client"
PERSON, PASSWORD = "dave", "Provider-Horse-1"
_ADMIN = {"username": "admin", "password": "password"}

# Its tables know the property by a name that its plugin no longer asks for.
_LIST_OF_EXITS = ('"data-format":{', '"data-format":{"post_logout_redirect_uris":{"multiple":true,"read":true,"write":true},')

_CONFIG = """
port={port}
external_url="{url}"
login_url="login.html"
api_prefix="api"
static_files_path="{folder}/webapp/"
log_mode="console"
log_level="WARNING"
cookie_domain="127.0.0.1"
cookie_secure=0
cookie_same_site="empty"
session_expiration=3600
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="/usr/lib/glewlwyd/user"
user_middleware_module_path="{folder}/none"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
use_secure_connection=false
secure_connection_key_file="{folder}/none"
secure_connection_pem_file="{folder}/none"
hash_algorithm="SHA512"
database = {{ type = "sqlite3" path = "{folder}/glewlwyd.db" }};
static_files_mime_types = (
  {{ extension = ".html" mime_type = "text/html" compress = 0 }},
  {{ extension = ".css" mime_type = "text/css" compress = 0 }},
  {{ extension = ".js" mime_type = "application/javascript" compress = 0 }},
  {{ extension = ".json" mime_type = "application/json" compress = 0 }}
)
"""


class Glewlwyd(Server):
    name = "glewlwyd"

    def __init__(self) -> None:
        self.program = need("glewlwyd")
        super().__init__()
        shutil.copytree(_SHARE / "webapp", self.folder / "webapp", ignore=shutil.ignore_patterns("config.json"))
        shutil.copy(_SHARE / "templates/config.json", self.folder / "webapp/config.json")
        (self.folder / "none").mkdir()
        with sqlite3.connect(self.folder / "glewlwyd.db") as database:
            database.executescript(_TABLES.read_text())
            database.execute("UPDATE g_client_module_instance SET gcmi_parameters = replace(gcmi_parameters, ?, ?)", _LIST_OF_EXITS)
        (self.folder / "glewlwyd.conf").write_text(_CONFIG.format(port=self.port, folder=self.folder, url=self.url))

    def command(self) -> list[str]:
        return [self.program, "-c", f"{self.folder}/glewlwyd.conf"]

    def is_ready(self) -> bool:
        return answers(self.port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def issuer(self) -> str:
        return f"{self.url}/api/oidc"

    def furnish(self, panel: str) -> None:
        """The plugin for OpenID Connect, the panel as its client, and somebody to log in."""
        with requests.Session() as admin:
            self._say(admin, "POST", "auth/", _ADMIN)
            self._say(admin, "POST", "mod/plugin/", _plugin(self.issuer, self._key()))
            for scope in ("profile", "email"):
                self._say(admin, "POST", "scope/", {"name": scope, "display_name": scope, "password_required": False, "scheme": {}})
            self._say(admin, "POST", "client/", _client(panel))
            self._say(admin, "POST", "user/", _person())

    def _say(self, admin: requests.Session, method: str, path: str, values: dict[str, Any]) -> None:
        answer = admin.request(method, f"{self.url}/api/{path}", json=values, timeout=10)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}\n{self.output()}"

    def _key(self) -> tuple[str, str]:
        made = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        private = subprocess.run(made, check=True, capture_output=True).stdout
        public = subprocess.run(["openssl", "pkey", "-pubout"], input=private, check=True, capture_output=True).stdout
        return private.decode(), public.decode()


def _plugin(issuer: str, key: tuple[str, str]) -> dict[str, Any]:
    return {
        "module": "oidc",
        "name": "oidc",
        "display_name": "OpenID Connect",
        "parameters": {
            "iss": issuer,
            "jwt-type": "rsa",
            "jwt-key-size": "256",
            "key": key[0],
            "cert": key[1],
            "code-duration": 600,
            "refresh-token-duration": 3600,
            "access-token-duration": 3600,
            "auth-type-code-enabled": True,
            "auth-type-refresh-enabled": True,
            "pkce-allowed": True,
            "pkce-required": True,
            "jwks-show": True,
            "subject-type": "public",
            "session-management-allowed": True,
            "front-channel-logout-allowed": True,
            "session-cookie-name": "GLEWLWYD2_OIDC_SID",
            "session-cookie-expiration": 3600,
            "name-claim": "mandatory",
            "email-claim": "mandatory",
            "scope-claim": "no",
            "claims": [
                {"name": "preferred_username", "user-property": "username", "type": "string", "mandatory": True},
            ],
            "allowed-scope": ["openid", "profile", "email"],
        },
    }


def _client(panel: str) -> dict[str, Any]:
    return {
        "client_id": CLIENT,
        "name": "Mailkeep",
        "confidential": True,
        "enabled": True,
        "password": SECRET,
        "client_secret": SECRET,
        "token_endpoint_auth_method": ["client_secret_basic"],
        "redirect_uri": [f"{panel}/login/staff/callback"],
        "authorization_type": ["code", "refresh_token"],
        "post_logout_redirect_uris": [f"{panel}/login/"],
        "scope": [],
    }


def _person() -> dict[str, Any]:
    scopes = ["openid", "profile", "email", "g_profile"]
    return {"username": PERSON, "name": "Dave Bowman", "email": "dave@example.com", "password": PASSWORD, "scope": scopes, "enabled": True}
