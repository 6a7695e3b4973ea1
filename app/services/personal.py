"""What personal lists say of the mails of a batch, decided as they come in: for each recipient, whatever the others' lists say."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from app.clock import monotonic
from app.extensions import PLUS
from app.mime.headers import address_of
from app.queries.accounts import accounts_by
from app.queries.bounded import Deadline, TooSlow
from app.queries.personal import alias_domains, entries_about, pair_maps
from app.rspamd.map_kinds import MapPart
from app.rspamd.personal import Names, PairMap, Senders, Wish, names_of, pairs_of, senders_of, theirs, wish_of
from app.rspamd.proof import proven_parts
from app.services.entry import Entry
from app.services.policy import domain_of

log = logging.getLogger(__name__)

_FRESH_SECONDS = 2.0
_SECONDS = 3.0
"""So long may the lists be asked for a batch: what is not told by then is not told, and the mails are taken all the same."""
_AT_ONCE = 1000
"""Recipients."""
Wishes = dict[tuple[int, str], Wish]
"""By mail and address."""


class PairBook:
    """What is asked for only every few seconds: is there any pair at all, in which maps, and the aliases of domains."""

    def __init__(self) -> None:
        self.maps: dict[int, PairMap] = {}
        self.aliases: dict[str, str] = {}
        self._read_at = -_FRESH_SECONDS

    def refresh(self, connection: Connection) -> None:
        if monotonic() - self._read_at < _FRESH_SECONDS:
            return
        self._read_at = monotonic()
        self.maps = pair_maps(connection, _SECONDS)
        self.aliases = alias_domains(connection, _SECONDS) if self.maps else {}

    def forget(self) -> None:
        """The next mail looks anew."""
        self._read_at = -_FRESH_SECONDS


_books: WeakKeyDictionary[Engine, PairBook] = WeakKeyDictionary()
_making = threading.Lock()


def book_of(engine: Engine) -> PairBook:
    """One for each database."""
    with _making:
        return _books.setdefault(engine, PairBook())


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A mail and one of its recipients."""

    entry: Entry
    address: str
    senders: Senders
    names: Names


def wishes_for(engine: Engine, connection: Connection, entries: Sequence[Entry]) -> Wishes:
    """Before the transaction, so that what fails here spoils nothing: then no list says anything."""
    book = book_of(engine)
    wishes: Wishes = {}
    try:
        book.refresh(connection)
        if book.maps:
            _decide(connection, book, entries, str(engine.get_execution_options().get(PLUS, "")), wishes)
    except (SQLAlchemyError, TooSlow) as error:
        log.warning("personal lists: not asked for each of %d mails: %s", len(entries), type(error).__name__)
    finally:
        connection.rollback()
    return wishes


def _decide(connection: Connection, book: PairBook, entries: Sequence[Entry], plus: str, wishes: Wishes) -> None:
    """A few thousand recipients at once; mails to very many last, so that they take the time of no other."""
    deadline = Deadline(_SECONDS)
    piece: list[_Asked] = []
    for entry in sorted(entries, key=lambda entry: len(entry.report.recipients)):
        piece += _asked(entry, plus, book)
        if len(piece) >= _AT_ONCE:
            wishes |= _decided(connection, book, piece, deadline)
            piece = []
    wishes |= _decided(connection, book, piece, deadline)


def _decided(connection: Connection, book: PairBook, asked: Sequence[_Asked], deadline: Deadline) -> Wishes:
    values = {each: set(pairs_of(each.senders.values(), each.names)) for each in asked}
    hits = entries_about(connection, book.maps, set().union(*values.values()), deadline)
    asked = [each for each in asked if not values[each].isdisjoint(hits)]
    if not asked:
        return {}
    owners = accounts_by(connection, {address for each in asked for address in each.names.owned}, deadline)
    proven = {each.entry.id: _proven(each.entry) for each in asked}
    found = {
        (each.entry.id, each.address): wish_of(each.senders, theirs(each.names, owners), hits, proven[each.entry.id]) for each in asked
    }
    return {key: wish for key, wish in found.items() if wish is not None}


def _asked(entry: Entry, plus: str, book: PairBook) -> list[_Asked]:
    mail_from, mime_from = _senders(entry)
    senders = senders_of(mail_from, mime_from)
    if not any(senders.values()):
        return []
    addresses = dict.fromkeys(address.lower() for address in entry.report.recipients)
    return [_Asked(entry, address, senders, names_of(address, plus, book.aliases)) for address in addresses]


def _proven(entry: Entry) -> frozenset[MapPart]:
    mail_from, mime_from = _senders(entry)
    return proven_parts(entry.report.symbols, domain_of(mail_from), domain_of(mime_from))


def _senders(entry: Entry) -> tuple[str, str]:
    """As services/rows.py keeps them."""
    report = entry.report
    return report.mail_from.lower(), report.from_address or address_of(report.header_from)
