"""Which mails of a batch come so late that the sums of their hour do not have them: they are marked as they are brought in."""

import logging
import threading
from collections.abc import Sequence
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from app.clock import monotonic
from app.ids import MAX_ID, first_id_of_hour
from app.models import CountState
from app.services.entry import Entry

log = logging.getLogger(__name__)

_FRESH_SECONDS = 30.0
_BEFORE = select(CountState.marked_before)


class Border:
    """The first id that need not be marked, asked for each half minute: see services/rollups."""

    def __init__(self) -> None:
        self._id = MAX_ID
        self._read_at = -_FRESH_SECONDS
        self._is_told = False

    def id(self, connection: Connection) -> int:
        """Before the transaction. Where it cannot be read, mails come in all the same: with what was read last, or all of them
        marked. A mark too many goes when its hour is counted."""
        if monotonic() - self._read_at >= _FRESH_SECONDS:
            try:
                self._id = first_id_of_hour(connection.scalar(_BEFORE) or 0)
                self._is_told = False
            except SQLAlchemyError as error:
                if not self._is_told:
                    log.warning("which mails are late cannot be read: %s", type(error).__name__)
                self._is_told = True
            finally:
                connection.rollback()
            self._read_at = monotonic()
        return self._id

    def forget(self) -> None:
        """The next batch looks anew."""
        self._read_at = -_FRESH_SECONDS


_borders: WeakKeyDictionary[Engine, Border] = WeakKeyDictionary()
_making = threading.Lock()


def border_of(engine: Engine) -> Border:
    with _making:
        return _borders.setdefault(engine, Border())


def late_among(border: int, entries: Sequence[Entry]) -> list[int]:
    return [entry.id for entry in entries if entry.id < border]
