"""A small provider of our own that keeps to the protocols until a test tells it otherwise: OpenID Connect, and mailcow's OAuth2."""

import base64
import hashlib
import hmac
import http.server
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "mailkeep", "the-secret-of-the-client"
ALICE = {
    "sub": "248289761001",
    "preferred_username": "alice",
    "email": "alice@example.com",
    "email_verified": True,
    "given_name": "Alice",
    "family_name": "Liddell",
}
MAILBOX = {
    "success": True,
    "identifier": "bob@example.com",
    "email": "bob@example.com",
    "full_name": "Bob B",
    "displayName": "Bob B",
    "active": "1",
}


@dataclass(slots=True)
class Behaviour:
    """What it does; a test changes what it likes."""

    claims: dict[str, Any] = field(default_factory=lambda: dict(ALICE))
    userinfo: dict[str, Any] = field(default_factory=dict)
    profile: dict[str, Any] = field(default_factory=lambda: dict(MAILBOX))
    metadata: dict[str, Any] = field(default_factory=dict)
    token: dict[str, Any] = field(default_factory=dict)
    """Changes of the claims about the ID token itself: iss, aud, exp, nonce."""
    algorithm: str = "RS256"
    answer: dict[str, str] = field(default_factory=dict)
    raw: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """Path: what is answered there instead."""
    header_is_kept_back: bool = False


class Provider:
    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.behaviour = Behaviour()
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"provider": self}))
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def reset(self) -> Behaviour:
        self.behaviour, self.codes, self.asked = Behaviour(), {}, []
        return self.behaviour

    # --- its endpoints ----------------------------------------------------------------------------------------------------------

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "end_session_endpoint": f"{self.url}/end?realm=one",
        } | self.behaviour.metadata

    def authorize(self, asked: dict[str, str]) -> str:
        """Everybody is let in at once."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"]} | self.behaviour.answer
        return f"{asked['redirect_uri']}?{urlencode({name: value for name, value in answer.items() if value})}"

    def exchange(self, sent: dict[str, str], authorization: str, *, with_id_token: bool) -> tuple[int, dict[str, Any]]:
        basic = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if authorization != basic and (sent.get("client_id"), sent.get("client_secret")) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(sent.get("code", ""), None)
        if asked is None or sent.get("redirect_uri") != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        proof = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        if _base64(proof) != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        token = {"access_token": "of-" + sent["code"], "token_type": "Bearer", "expires_in": 60}
        return 200, token | ({"id_token": self.id_token(asked)} if with_id_token else {})

    def id_token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        ground = {"iss": self.url, "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": asked["nonce"]}
        claims = {name: value for name, value in (ground | self.behaviour.claims | self.behaviour.token).items() if value is not None}
        if self.behaviour.algorithm in ("none", "HS256"):
            return self.forged({"alg": self.behaviour.algorithm, "kid": "one"}, claims)
        return jwt.encode({"alg": self.behaviour.algorithm, "kid": "one"}, claims, self.key)

    def forged(self, head: dict[str, str], claims: dict[str, Any]) -> str:
        """Unsigned, or signed with the public key as if it were a secret."""
        text = ".".join(_base64(json.dumps(part).encode()) for part in (head, claims))
        mark = hmac.digest(self.key.as_pem(private=False), text.encode(), "sha256") if head["alg"] == "HS256" else b""
        return f"{text}.{_base64(mark)}"


class _Handler(http.server.BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._serve(_flat(body.decode()))

    def _serve(self, sent: dict[str, str]) -> None:
        path, query = urlsplit(self.path).path, _flat(urlsplit(self.path).query)
        self.provider.asked.append(path)
        authorization = self.headers.get("Authorization", "")
        if path in self.provider.behaviour.raw:
            return self._send(*self.provider.behaviour.raw[path])
        match path:
            case "/.well-known/openid-configuration":
                return self._json(200, self.provider.metadata())
            case "/jwks":
                return self._json(200, {"keys": [self.provider.key.as_dict(private=False)]})
            case "/authorize" | "/oauth/authorize":
                self.send_response(302)
                self.send_header("Location", self.provider.authorize(query))
                self.end_headers()
                return None
            case "/token" | "/oauth/token":
                return self._json(*self.provider.exchange(sent, authorization, with_id_token=path == "/token"))
            case "/userinfo" if authorization.startswith("Bearer of-"):
                return self._json(200, {"sub": self.provider.behaviour.claims.get("sub")} | self.provider.behaviour.userinfo)
            case "/oauth/profile" if authorization.startswith("Bearer of-") and not self.provider.behaviour.header_is_kept_back:
                return self._json(200, self.provider.behaviour.profile)
            case "/oauth/profile" if sent.get("access_token", "").startswith("of-"):
                return self._json(200, self.provider.behaviour.profile)
        return self._json(401, {"error": "invalid_token"})

    def _json(self, status: int, values: Any) -> None:
        self._send(status, json.dumps(values).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:  # whoever asked had enough
            pass

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is Python's
        pass


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
