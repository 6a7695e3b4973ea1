"""What a node says of a request to another, and its signature: so a request counts once, as it is, and where it was meant for."""

import base64
import hashlib
import hmac
import json
import re
import secrets
from dataclasses import asdict, dataclass
from typing import Any

from app.actor import Actor

SCHEME = "Mailkeep"
WINDOW_SECONDS = 60
LONGEST = 4096
_NONCE = re.compile(r"[0-9a-f]{32}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Claims:
    by: str
    """The node that asks."""
    to: str
    """The node that is asked, and no other."""
    at: int
    """Seconds since 1970."""
    nonce: str
    method: str
    path: str
    """Below the address of the other's Mailkeep, with its query."""
    digest: str
    """SHA-256 of the body."""
    actor: Actor
    """In whose name."""


def claims_of(by: str, to: str, at: int, method: str, path: str, body: bytes, actor: Actor) -> Claims:
    return Claims(by, to, at, secrets.token_hex(16), method, path, hashlib.sha256(body).hexdigest(), actor)


def signed(claims: Claims, secret: str) -> str:
    """The Authorization header."""
    told = base64.urlsafe_b64encode(json.dumps(asdict(claims)).encode()).decode()
    return f"{SCHEME} {told}.{_signature(told, secret)}"


def is_signed_with(header: str, secret: str) -> bool:
    told, _, signature = header.removeprefix(f"{SCHEME} ").partition(".")
    return hmac.compare_digest(_signature(told, secret).encode(), signature.encode("utf-8", "surrogateescape"))


def read_claims(header: str) -> Claims:
    """Of a header that may be from anybody; ValueError for what none of ours would be."""
    scheme, _, rest = header.partition(" ")
    if scheme != SCHEME or len(header) > LONGEST:
        raise ValueError("not signed")
    try:
        found = json.loads(base64.b64decode(rest.partition(".")[0], altchars=b"-_", validate=True))
        actor = found.pop("actor")
        claims = Claims(**found, actor=Actor(**actor))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError("the signed part cannot be read") from None
    texts = (claims.by, claims.to, claims.nonce, claims.method, claims.path, claims.digest)
    if not (all(map(_is_text, texts)) and type(claims.at) is int and _is_actor(claims.actor)):
        raise ValueError("the signed part is none of ours")
    if not (_NONCE.fullmatch(claims.nonce) and _DIGEST.fullmatch(claims.digest)):
        raise ValueError("the signed part is none of ours")
    return claims


def _signature(told: str, secret: str) -> str:
    return hmac.digest(secret.encode(), told.encode("utf-8", "surrogateescape"), hashlib.sha256).hex()


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


def _is_actor(actor: Actor) -> bool:
    is_number = actor.user_id is None or (type(actor.user_id) is int and 0 < actor.user_id < 1 << 31)
    return is_number and all(map(_is_text, (actor.name, actor.ip, actor.on_behalf_of)))
