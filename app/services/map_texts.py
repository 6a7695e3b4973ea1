"""Makes the published text of a map: streamed from the database as of one revision, into a file of this node."""

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256

from sqlalchemy import Connection, Engine

from app.clock import stored_now
from app.queries.map_texts import MapState, entry_pages, map_state
from app.rspamd.map_text import as_compared, line_of
from app.rspamd.site_config.rules import own_result
from app.storage.map_texts import TextFolder, TextHead
from app.version import VERSION

log = logging.getLogger(__name__)


def seconds_of(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()


def head_of(state: MapState) -> TextHead:
    """As far as the state tells."""
    form = f"{VERSION} {state.kind} {state.part} {'on' if state.enabled else 'off'} {state.symbol}:{state.score:g}"
    return TextHead(state.map_id, state.name, state.revision, state.changed_at.isoformat(), form, made=0, modified=0, until=None)


@dataclass(frozen=True, slots=True)
class Text:
    head: TextHead
    body: bytes | None
    """None: it is in the file."""

    def fits(self, state: MapState) -> bool:
        return self.head.is_of(head_of(state)) and (self.head.until is None or seconds_of(stored_now()) < self.head.until)


class TextMaker:
    def __init__(self, engine: Engine, folder: TextFolder, in_memory: int) -> None:
        self._engine, self.folder, self._in_memory = engine, folder, in_memory
        self._told = False

    def make(self, name: str) -> Text | None:
        """None where there is no such map any more; SQLAlchemyError with the database away."""
        try:
            with self.folder.lock(name):
                text = self._kept_or_made(name)
        except OSError as error:
            if not self._told:
                log.error("maps: %s cannot be used, texts stay in memory: %s", self.folder.root, error.strerror)
            self._told = True
            return self._made(name, _in_memory)
        self._told = False
        return text

    def kept(self, name: str) -> Text | None:
        """What this node's disk has."""
        found = self.folder.read(name, self._in_memory)
        if found is not None:
            return Text(*found)
        head = self.folder.check(name)
        return None if head is None or head.length <= self._in_memory else Text(head, None)

    def _kept_or_made(self, name: str) -> Text | None:
        """Another process may have made it while this one waited for its turn."""
        kept = self.kept(name)
        if kept is not None:
            with self._engine.connect() as connection:
                state = map_state(connection, name)
            if state is not None and kept.fits(state):
                return kept
        return self._made(name, self._in_file)

    def _made(self, name: str, keep: Callable[["_Rendering"], Text]) -> Text | None:
        with self._engine.connect() as connection:
            state = map_state(connection, name)
            return None if state is None else keep(_Rendering(connection, state))

    def _in_file(self, rendering: "_Rendering") -> Text:
        head = self.folder.write(head_of(rendering.state), rendering.blocks(), rendering.finish)
        if head.length > self._in_memory:
            return Text(head, None)
        found = self.folder.read(head.name, self._in_memory)
        if found is None:
            raise OSError(os.EX_IOERR, "what was written cannot be read")
        return Text(*found)


def _in_memory(rendering: "_Rendering") -> Text:
    body = b"".join(rendering.blocks())
    head = rendering.finish(head_of(rendering.state))
    return Text(replace(head, digest=sha256(body).hexdigest(), length=len(body)), body)


class _Rendering:
    """Of what counts at one moment, which is that of its beginning."""

    def __init__(self, connection: Connection, state: MapState) -> None:
        self._connection, self.state = connection, state
        self._now = stored_now()
        self._expired = self._expires = None  # type: datetime | None

    def blocks(self) -> Iterator[bytes]:
        state = self.state
        yield f"{remark_of(state.name)}, revision {state.revision}\n".encode()
        if not state.enabled:
            yield b"# This map is disabled.\n"
            return
        for page in entry_pages(self._connection, state):
            yield "".join(
                [
                    f"{line_of(state.kind, as_compared(state.kind, state.part, value), data, *self._result(symbol, score))}\n"
                    for value, data, symbol, score, expires_at in page
                    if expires_at is None or self._counts(expires_at)
                ]
            ).encode()

    def _result(self, symbol: str, score: float | None) -> tuple[str, float | None]:
        """Most entries have neither."""
        if not symbol and score is None:
            return symbol, score
        return own_result(symbol, score, self.state.symbol, self.state.score)

    def _counts(self, expires_at: datetime) -> bool:
        if expires_at > self._now:
            self._expires = min(self._expires or expires_at, expires_at)
            return True
        self._expired = max(self._expired or expires_at, expires_at)
        return False

    def finish(self, head: TextHead) -> TextHead:
        changed = max(self.state.changed_at, self._expired or self.state.changed_at)
        # A second knows no halves: whoever has the text of its first may not be told that nothing was changed in its second.
        modified = int(seconds_of(changed)) + 1
        until = seconds_of(self._expires) if self._expires else None
        return replace(head, made=int(seconds_of(stored_now())), modified=modified, until=until)


def remark_of(name: str) -> str:
    """How each text of ours begins."""
    return f"# Mailkeep map {name}"
