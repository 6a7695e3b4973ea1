"""Secrets that must be read again are kept encrypted under SECRET_KEY, each bound to what it belongs to."""

import base64
import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app

_NONCE_BYTES = 12


def seal(text: str, belongs_to: str) -> str:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64.urlsafe_b64encode(nonce + _cipher().encrypt(nonce, text.encode(), belongs_to.encode())).decode()


def unseal(sealed: str, belongs_to: str) -> str | None:
    """None for what was sealed for something else, under another key, or not by us."""
    try:
        packed = base64.urlsafe_b64decode(sealed.encode())
        return _cipher().decrypt(packed[:_NONCE_BYTES], packed[_NONCE_BYTES:], belongs_to.encode()).decode()
    except (InvalidTag, ValueError):
        return None


def keyed_digest(text: str, purpose: str) -> str:
    """Of what is only compared: the database alone cannot tell whether a guess is right."""
    return keyed(text.encode(), purpose).hex()


def keyed(content: bytes, purpose: str) -> bytes:
    return hmac.digest(key_for(purpose), content, hashlib.sha256)


def _cipher() -> AESGCM:
    return AESGCM(key_for("sealing"))


def key_for(purpose: str) -> bytes:
    """Of what one is good for, another tells nothing."""
    return hmac.digest(str(current_app.secret_key).encode(), f"mailkeep {purpose}".encode(), hashlib.sha256)
