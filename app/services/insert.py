"""Accepted mails into the database: one transaction a batch, each mail once, whatever comes twice or dies half-way."""

import logging
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from secrets import token_hex

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError, StatementError

from app.errors import BadRequest, Unavailable
from app.extensions import PLUS
from app.ids import TIME_SHIFT
from app.rspamd.report import Report
from app.services.entry import Entry
from app.services.late import border_of, late_among
from app.services.notice_policy import policy_of
from app.services.personal import wishes_for
from app.services.rows import detail_row, mail_row, recipient_rows
from app.services.statements import Statements, statements_for
from app.services.tries import code_of, is_busy

log = logging.getLogger(__name__)

Connect = Callable[[], AbstractContextManager[Connection]]
_TRIES = 6
_NEAR = 3 * 86_400_000 << TIME_SHIFT
_NOT_READY = "1047"
"""A node of a Galera cluster that is about to join."""


def insert_entries(engine: Engine, entries: Sequence[Entry], node: str, connect: Connect | None = None) -> dict[int, int]:
    """Commits all of them; maps each entry's id to the mail that now stands for it (an earlier one, for a doubled post). `connect`: in
    the place of the engine's own; what it gives may have ended since.

    Raises Unavailable when the database does not take rows now, BadRequest when it refuses one of these for what is in it.
    """
    thorough = is_fresh = False
    for attempt in range(1, _TRIES + 1):
        try:
            return _insert_once(engine, connect or engine.connect, entries, node, thorough)
        except IntegrityError:
            thorough = True  # somebody has one of them: look which
        except (DataError, ValueError, TypeError, OverflowError) as error:
            raise BadRequest(f"the database refuses the row: {error}") from error
        except DBAPIError as error:
            if error.connection_invalidated and connect and not is_fresh:
                is_fresh = thorough = True  # it was kept, and has ended meanwhile: whether the rows came through is looked up
                continue
            if not is_busy(error) and code_of(error) != _NOT_READY:
                raise Unavailable(f"the database takes no rows: {_short(error)}") from error
            time.sleep(random.uniform(0.005, 0.02) * 2**attempt)  # noqa: S311 - jitter, no secret
        except StatementError as error:  # a value that cannot even be bound
            raise BadRequest(f"a value fits no column: {error}") from error
        except SQLAlchemyError as error:
            raise Unavailable(f"the database takes no rows: {_short(error)}") from error
    raise Unavailable("the database keeps refusing: deadlocks or duplicates that come and go")


def takes_rows(engine: Engine, like: Entry, node: str) -> bool:
    """Whether a mail of the same id but with nothing in it would be taken now; it is taken back at once."""
    blank = replace(like, report=Report(), identity=token_hex(16), packed=b"", keep=False)
    try:
        with engine.connect().execution_options(writes=True) as connection:
            transaction = connection.begin()
            statements = statements_for(engine.dialect)
            statements.insert(connection, "mail", [mail_row(blank, node)])
            statements.insert(connection, "mail_detail", [detail_row(blank)])
            transaction.rollback()
    except SQLAlchemyError:
        return False
    return True


def _insert_once(engine: Engine, connect: Connect, entries: Sequence[Entry], node: str, thorough: bool) -> dict[int, int]:
    with connect() as connection:
        wishes = wishes_for(engine, connection, entries)
        border = border_of(engine).id(connection)
        connection.execution_options(writes=True)
        with connection.begin():
            statements = statements_for(engine.dialect)
            outcome, fresh = _split(connection, statements, entries, thorough)
            if fresh:
                tells = policy_of(engine).tells
                statements.insert(connection, "mail", [mail_row(entry, node, tells(entry)) for entry in fresh])
                statements.insert(connection, "mail_detail", [detail_row(entry) for entry in fresh])
                plus = engine.get_execution_options().get(PLUS, "")
                statements.insert(connection, "mail_recipient", [row for entry in fresh for row in recipient_rows(entry, plus, wishes)])
                late = late_among(border, fresh)
                marked = statements.marked(connection, late) if thorough and late else set()  # by a mail that was deleted since
                statements.insert(connection, "late_mail", [{"mail_id": mail_id} for mail_id in late if mail_id not in marked])
    return outcome


def _split(connection: Connection, statements: Statements, entries: Sequence[Entry], thorough: bool) -> tuple[dict[int, int], list[Entry]]:
    """What is known already, and what needs a row. The quick look asks only for what no unique index would refuse."""
    wanted = {entry.earlier for entry in entries}
    if thorough:
        wanted |= {entry.identity for entry in entries}
    # The longest window is a day, and an identity holds the time of its window: what stood before stands near.
    ids = [entry.id for entry in entries]
    known = statements.known_identities(connection, wanted, *(() if thorough else (min(ids) - _NEAR, max(ids) + _NEAR)))
    if thorough:
        known |= statements.identities_of(connection, [entry.id for entry in entries])
    taken = {mail_id: identity for identity, mail_id in known.items()}
    outcome: dict[int, int] = {}
    fresh: list[Entry] = []
    for entry in entries:
        if entry.id in taken and taken[entry.id] != entry.identity:
            raise BadRequest(f"mail id {entry.id} belongs to another mail")
        standing = known.get(entry.identity, known.get(entry.earlier))
        outcome[entry.id] = entry.id if standing is None else standing
        if standing is None:
            known[entry.identity] = entry.id
            taken[entry.id] = entry.identity
            fresh.append(entry)
    return outcome, fresh


def _short(error: SQLAlchemyError) -> str:
    """The driver's own words, without the statement and its parameters: they are somebody's mail."""
    return str(getattr(error, "orig", None) or error).splitlines()[0][:300]
