"""Passwords that programs send with each request: remembered for a short while, so that not each costs a slow hash."""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass

from app.clock import monotonic

_SECONDS = 300.0
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Proof:
    user_id: int
    stamp: str
    """What it stood on: another password, another role or a switched-off account end it."""
    until: float


class Proven:
    """In memory, per process, under a key that dies with it."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._proofs: OrderedDict[bytes, Proof] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, name: str, password: str) -> Proof | None:
        with self._lock:
            found = self._proofs.get(self._place(name, password))
        return found if found is not None and found.until > monotonic() else None

    def keep(self, name: str, password: str, user_id: int, stamp: str) -> None:
        with self._lock:
            self._proofs[self._place(name, password)] = Proof(user_id, stamp, monotonic() + _SECONDS)
            while len(self._proofs) > _MOST:
                self._proofs.popitem(last=False)

    def _place(self, name: str, password: str) -> bytes:
        return hmac.digest(self._key, f"{name}\0{password}".encode(), hashlib.sha256)
