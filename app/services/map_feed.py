"""What Rspamd fetches: the text of each map, from this process' memory or its node's file, whatever the database does.

The revisions of all maps are one cheap question, asked at most every quarter of a second and by one at a time; texts are made beside,
one at a time each. Whoever asks meanwhile gets the last one, which is whole, and asks again within seconds.
"""

import io
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.clock import monotonic, utcnow
from app.errors import NotFound, Unavailable
from app.queries.map_texts import MapState, map_states
from app.services.map_texts import Text, TextMaker
from app.storage.map_texts import TextFolder, TextHead, blocks_of, is_name

log = logging.getLogger(__name__)

IN_MEMORY_BYTES = 1 << 20
_ALL_IN_MEMORY_BYTES = 64 << 20
_AWAY_SECONDS = 1.0
_SHORT_SECONDS, _LONG_SECONDS = 0.5, 30.0
_STAMP_SECONDS = 60.0
_FAILED_SECONDS = 5.0
_MOST_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Served:
    text: Text
    stale_since: datetime | None
    """Since when the database has not been heard; None: it is there."""


@dataclass(slots=True)
class _Work:
    """Something that one thread does and several may wait for."""

    started: float = field(default_factory=monotonic)
    done: threading.Event = field(default_factory=threading.Event)

    def wait(self, until: float) -> None:
        self.done.wait(max(0.0, self.started + until - monotonic()))


class MapFeed:
    def __init__(self, engine: Engine, folder: TextFolder, patience: float, chore: Callable[[], object]) -> None:
        self._engine, self._patience, self._chore = engine, patience, chore
        self._maker = TextMaker(engine, folder, IN_MEMORY_BYTES)
        self.fresh_seconds = 0.25
        self._lock = threading.Lock()
        self._states: dict[str, MapState] | None = None
        self._texts: dict[str, Text] = {}
        self._asking: _Work | None = None
        self._making: dict[str, _Work] = {}
        self._failed: dict[str, float] = {}
        self._turns = threading.Semaphore(_MOST_AT_ONCE)
        self._asked_at = self._stamped_at = float("-inf")
        self._heard_at: datetime | None = None
        self._is_away = False

    def get(self, name: str) -> Served:
        """A whole text; NotFound, or Unavailable where neither memory nor disk has it."""
        if not is_name(name):
            raise NotFound("There is no such map.")
        self._look()
        states = self._states
        if states is not None and name not in states:
            raise NotFound("There is no such map.")
        state = states[name] if states else None
        text = self._texts.get(name) or self._kept(name)
        if state is None or self._is_silent():
            return self._last(text)
        if text is not None and text.fits(state):
            return Served(text, None)
        if text is not None and text.head.map_id != state.map_id:
            text = None
        renewed = self._renewed(name, text)
        return self._last(text) if renewed is None else Served(renewed, None)

    def current(self, name: str) -> Text:
        """As it is in the database now, however long that takes; Unavailable where it cannot be asked."""
        try:
            text = self._maker.make(name)
        except SQLAlchemyError as error:
            raise Unavailable("The database does not answer.") from error
        if text is None:
            raise NotFound("There is no such map.")
        return text

    def states(self) -> dict[str, MapState]:
        """Of all maps, as the database has them now; Unavailable where it cannot be asked."""
        try:
            return {name: state for name, state in map_states(self._engine).items() if is_name(name)}
        except SQLAlchemyError as error:
            raise Unavailable("The database does not answer.") from error

    def opened(self, text: Text, then: Callable[[TextHead], object] = lambda _: None) -> "tuple[Text, Blocks]":
        """The text in blocks, with its head: a newer one, where the file has been replaced meanwhile. `then` once all is handed out."""
        name = text.head.name
        found = self._maker.folder.open(name) if text.body is None else None
        if text.body is None and found is None:  # somebody emptied the folder
            with self._lock:
                self._texts.pop(name, None)
            text = self.get(name).text
            found = self._maker.folder.open(name) if text.body is None else None
        if found is not None:
            text, file = Text(found[0], None), found[1]
        elif text.body is not None:
            file = io.BytesIO(text.body)
        else:
            raise Unavailable("The file of this map is gone.")
        return text, Blocks(file, lambda: then(text.head))

    # --- The revisions ---

    def _look(self) -> None:
        pause = _AWAY_SECONDS if self._is_away else self.fresh_seconds
        if monotonic() - self._asked_at < pause:
            return
        with self._lock:
            asking, ours = self._asking, False
            if asking is None:
                if monotonic() - self._asked_at < pause:
                    return
                asking, ours = _Work(), True
                self._asking = asking
        if ours:
            threading.Thread(target=self._ask, args=(asking,), name="maps-revisions", daemon=True).start()
        # The others go on with what is known, and all do where it is known that nobody answers.
        if self._states is None or (ours and not self._is_away):
            asking.wait(self._patience)

    def _ask(self, asking: _Work) -> None:
        try:
            on_disk = self._maker.folder.names() if self._states is None else set()
            states = map_states(self._engine)
            self._heard(states, on_disk)
            self._chore()
        except SQLAlchemyError as error:
            if not self._is_away:
                log.warning("maps: the database does not answer, the last texts are served: %s", type(error).__name__)
            self._is_away = True
        except Exception:
            if not self._is_away:
                log.exception("maps: the revisions could not be read")
            self._is_away = True
        finally:
            with self._lock:
                self._asked_at, self._asking = monotonic(), None
            asking.done.set()

    def _heard(self, states: dict[str, MapState], on_disk: set[str]) -> None:
        if self._is_away:
            log.warning("maps: the database is back")
        gone = (on_disk | set(self._states or ())) - set(states)
        with self._lock:
            self._states, self._is_away, self._heard_at = states, False, utcnow()
            for name in gone:
                self._texts.pop(name, None)
        if gone:
            self._maker.folder.remove(gone)
        if monotonic() - self._stamped_at >= _STAMP_SECONDS:
            self._stamped_at = monotonic()
            self._maker.folder.seen(self._heard_at.timestamp())

    def _is_silent(self) -> bool:
        asking = self._asking
        return self._is_away or (asking is not None and monotonic() - asking.started >= self._patience)

    def _last(self, text: Text | None) -> Served:
        """With the database away."""
        if text is None:
            raise Unavailable("The database does not answer, and this node has no text of this map yet.")
        return Served(text, self._heard_at or self._seen_before(text))

    def _kept(self, name: str) -> Text | None:
        """What this process or another left on the disk: it may be old, but who comes first need not wait for the new one."""
        text = self._maker.kept(name)
        if text is not None and name not in self._texts:
            self._keep(text)
        return text

    def _seen_before(self, text: Text) -> datetime:
        seen = self._maker.folder.seen()
        return datetime.fromtimestamp(max(seen or 0, text.head.made), UTC)

    # --- The texts ---

    def _renewed(self, name: str, text: Text | None) -> Text | None:
        """The new one, where it is made in a moment; the last one, where there is one; None where no new one can be made."""
        if self._fails(name):
            return None
        with self._lock:
            making = self._making.get(name)
            if making is None:
                making = self._making[name] = _Work()
                threading.Thread(target=self._make, args=(name, making), name="maps-text", daemon=True).start()
        making.wait(_LONG_SECONDS if text is None else _SHORT_SECONDS)
        return None if self._fails(name) else self._texts.get(name)

    def _fails(self, name: str) -> bool:
        return monotonic() - self._failed.get(name, float("-inf")) < _FAILED_SECONDS

    def _make(self, name: str, making: _Work) -> None:
        try:
            with self._turns:
                text = self._maker.make(name)
            self._failed.pop(name, None)
            if text is not None:
                self._keep(text)
        except SQLAlchemyError as error:
            log.warning("maps: %s cannot be read: %s", name, type(error).__name__)
            self._failed[name] = monotonic()
        except Exception:
            log.exception("maps: %s cannot be made", name)
            self._failed[name] = monotonic()
        finally:
            with self._lock:
                self._making.pop(name, None)
            making.done.set()

    def _keep(self, text: Text) -> None:
        """As long as there is room; what has no room is read from its file each time."""
        name = text.head.name
        with self._lock:
            others = sum(len(kept.body or b"") for key, kept in self._texts.items() if key != name)
            on_disk = self._maker.folder.open(name) if text.body and others + len(text.body) > _ALL_IN_MEMORY_BYTES else None
            if on_disk is not None:
                on_disk[1].close()
                text = Text(text.head, None)
            self._texts[name] = text


class Blocks:
    """A file in blocks, closed at its end or where nobody reads on."""

    def __init__(self, file: BinaryIO, then: Callable[[], object]) -> None:
        self._file, self._blocks, self._then = file, blocks_of(file), then

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._blocks)
        except StopIteration:
            self.close()
            self._then()
            raise

    def close(self) -> None:
        self._file.close()
