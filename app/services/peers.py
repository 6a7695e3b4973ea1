"""Asking other nodes: for a copy, for what they say of themselves, to send or to do what waits for them."""

import base64
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import current_app
from flask_babel import gettext as _

from app.actor import SYSTEM, Actor
from app.clock import monotonic, now_ms
from app.errors import MailkeepError, NotFound, Unavailable
from app.models import Node
from app.peers.claims import claims_of, signed
from app.peers.wire import CONNECT_SECONDS, FIRST_BYTE_SECONDS, Answer, Away, Place, TooMuch, Untrusted, ask
from app.queries.nodes import node_called
from app.rspamd.controller import Answered
from app.services.peering import own_secret, place_of

log = logging.getLogger(__name__)

PATH = "/api/node"
_REST_SECONDS = 15.0
_MOST_BYTES = 1 << 20
_MOST_OF_RSPAMD = 24 << 20
_SKEW_SECONDS = 30


class Peers:
    """Of one process. A node found away is left alone for a while, so that no list of pages waits for it again and again."""

    def __init__(self, threads: int) -> None:
        self._turns = max(2, threads // 4)
        self._lock = threading.Lock()
        self._asking: dict[str, threading.BoundedSemaphore] = {}
        self._resting: dict[Place, tuple[float, Away]] = {}

    def ask(
        self,
        node: Node,
        method: str,
        path: str,
        body: bytes,
        actor: Actor,
        most: int,
        *,
        impatient: bool = False,
        seconds: float | None = None,
    ) -> Answer:
        """`impatient`: also where it did not answer a moment ago. `seconds`: how long it may think."""
        place = place_of(node)
        until, trouble = self._resting.get(place, (0.0, Away()))
        if monotonic() < until and not impatient:
            raise type(trouble)(str(trouble))
        try:
            with self._turn(node.name):
                answer = ask(place, method, f"{PATH}{path}", _headers(node.name, method, path, body, actor), body, most, seconds)
        except TooMuch:
            raise
        except Away as error:
            log.warning("node %s: %s", node.name, error)
            with self._lock:
                self._resting[place] = (monotonic() + _REST_SECONDS, error)
            raise
        with self._lock:
            self._resting.pop(place, None)
        return answer

    @contextmanager
    def _turn(self, name: str) -> Iterator[None]:
        """A node that hangs does not take all threads."""
        with self._lock:
            turns = self._asking.setdefault(name, threading.BoundedSemaphore(self._turns))
        if not turns.acquire(timeout=CONNECT_SECONDS):
            raise Away("others wait for it already")
        try:
            yield
        finally:
            turns.release()


def peers() -> Peers:
    found: Peers = current_app.extensions["mailkeep_peers"]
    return found


def raw_from(mail_id: int, name: str, *, actor: Actor = SYSTEM) -> bytes:
    """The copy as that node gives it: whoever takes it looks whether it is the one."""
    most = current_app.config["MAX_BODY_BYTES"]
    return asked(name, "GET", f"/mails/{mail_id}/raw", actor=actor, most=most).body


def is_there(mail_id: int, name: str) -> bool:
    told = _object(name, asked(name, "GET", f"/mails/{mail_id}/copy"))
    return told.get("there") is True


def wake(name: str, release_ids: list[int], *, actor: Actor = SYSTEM) -> None:
    """It sends these now."""
    asked(name, "POST", "/release", json.dumps({"ids": release_ids}).encode(), actor=actor)


def remove_at(name: str, digests: list[str]) -> None:
    """It removes these copies now, where no mail refers to them."""
    asked(name, "POST", "/remove", json.dumps({"digests": digests}).encode())


def rspamd_of(name: str, question: dict[str, Any], seconds: float) -> Answered:
    """What its Rspamd answers, which listens to that server alone."""
    answer = asked(name, "POST", "/rspamd", json.dumps(question).encode(), most=_MOST_OF_RSPAMD, seconds=seconds + FIRST_BYTE_SECONDS)
    told = _object(name, answer)
    try:
        return Answered(int(told["status"]), str(told["reason"]), base64.b64decode(told["body"]), dict(told["headers"]))
    except (KeyError, ValueError, TypeError):
        raise Unavailable(_("What answers there is not %(node)s.", node=name)) from None


def state_of(name: str, *, impatient: bool = False) -> tuple[dict[str, Any], float]:
    """What it says of itself, and by how many seconds its clock is ahead."""
    began = now_ms()
    told = _object(name, asked(name, "GET", "/state", impatient=impatient))
    if told.get("node") != name or not isinstance(told.get("time"), int | float):
        raise Unavailable(_("What answers there is not %(node)s.", node=name))
    return told, told["time"] - (began + now_ms()) / 2000


def asked(name: str, method: str, path: str, body: bytes = b"", *, actor: Actor = SYSTEM, most: int = _MOST_BYTES, **how: Any) -> Answer:
    """An answer that is a yes; anything else is a sentence: NotFound, or Unavailable."""
    node = node_called(name)
    if node is None:
        raise Unavailable(_("%(node)s is no node any more.", node=name))
    if not node.api_url:
        raise Unavailable(_("It is not known how to reach %(node)s: give it an API address.", node=name))
    try:
        answer = peers().ask(node, method, path, body, actor, most, **how)
    except Untrusted as error:
        raise Unavailable(_("%(node)s is not asked: %(reason)s.", node=name, reason=str(error))) from None
    except Away as error:
        raise Unavailable(_("%(node)s does not answer: %(reason)s.", node=name, reason=str(error))) from None
    if answer.status in (200, 202):
        return answer
    raise _why_not(name, answer)


def _headers(name: str, method: str, path: str, body: bytes, actor: Actor) -> dict[str, str]:
    claims = claims_of(current_app.config["NODE_NAME"], name, now_ms() // 1000, method, f"{PATH}{path}", body, actor)
    return {"Authorization": signed(claims, own_secret()), "Content-Type": "application/json"}


def _why_not(name: str, answer: Answer) -> MailkeepError:
    if answer.status in (401, 403):
        apart = round(answer.at - now_ms() / 1000) if answer.at else 0
        if abs(apart) > _SKEW_SECONDS:
            return Unavailable(
                _("%(node)s refuses what is asked: the clocks are %(seconds)s seconds apart.", node=name, seconds=abs(apart))
            )
        return Unavailable(_("%(node)s refuses what is asked; its log says why.", node=name))
    told = answer.body[:500].decode("utf-8", "replace").strip() if answer.kind == "text/plain" else ""
    words = "".join(letter if letter.isprintable() else " " for letter in told)
    if answer.status == 404 and words:
        return NotFound(_(words))
    return Unavailable(_("%(node)s cannot do it: %(reason)s", node=name, reason=_(words) if words else f"HTTP {answer.status}"))


def _object(name: str, answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Unavailable(_("What answers there is not %(node)s.", node=name))
    return found
