"""What a received mail is kept as: its digest, whether a copy stays, which virus, and what makes it the same mail."""

import uuid
from dataclasses import dataclass

from app.clock import now_ms
from app.rspamd.symbols import virus_of
from app.services.entry import Entry, identity_of
from app.services.policy import StorePolicy
from app.services.released import with_origin
from app.services.ticket import Ticket
from app.storage.local import digest_of, pack


@dataclass(frozen=True, slots=True)
class Settings:
    node: str
    virus_symbols: tuple[str, ...]
    dedup_seconds: int
    patience: float
    batch_rows: int
    level: int
    release_key: bytes = b""
    """Of the marks on released mails; see app/mime/release.py."""


def entry_of(ticket: Ticket, policy: StorePolicy, settings: Settings) -> Entry:
    node, raw = ticket.node, ticket.received.raw
    report = with_origin(ticket.received.report, raw, settings.release_key)
    virus = virus_of(report.symbols, settings.virus_symbols)
    keep = raw is not None and policy.keeps(report, virus is not None)
    digest = None if raw is None else digest_of(raw)
    seconds = settings.dedup_seconds
    window = now_ms() // 1000 // seconds if seconds else 0
    seed = (digest or report.message_id) if seconds else uuid.uuid4().hex
    return Entry(
        id=ticket.mail_id,
        node=node,
        report=report,
        digest=digest,
        keep=keep,
        virus=virus,
        identity=identity_of(node, report, seed, window),
        earlier=identity_of(node, report, seed, window - 1),
        packed=pack(raw, settings.level) if keep and raw is not None else b"",
    )
