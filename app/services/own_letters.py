"""Letters of our own, known again when Rspamd tells of them: no copy is kept, since the link in one is the key to an account."""

import hashlib
import hmac
import re

from app.rspamd.report import Report

HEADER = "X-Mailkeep-Letter"
_LINE = re.compile(rf"^{HEADER}:\s*([0-9a-f]{{64}})\s*$", re.IGNORECASE | re.MULTILINE)
_TO = re.compile(r"^To:\s*<?([^\s<>]+@[^\s<>]+?)>?\s*$", re.IGNORECASE | re.MULTILINE)


def mark_of(secret: str, message_id: str, recipient: str) -> str:
    """Nobody else can make it, and it is worth nothing in another mail or to another recipient."""
    stands_on = f"mailkeep letter\0{message_id.strip('<>')}\0{recipient.lower()}"
    return hmac.digest(secret.encode(), stands_on.encode("utf-8", "replace"), hashlib.sha256).hex()


def is_own(secret: str, report: Report) -> bool:
    recipients = {address.lower() for address in report.recipients}
    return len(recipients) == 1 and _has_mark(secret, report, recipients.pop())


def is_passed_on(secret: str, report: Report) -> bool:
    """One of ours that whoever it was written to sends on, to wherever."""
    found = _TO.search(report.headers)
    return found is not None and _has_mark(secret, report, found[1])


def _has_mark(secret: str, report: Report, recipient: str) -> bool:
    found = _LINE.search(report.headers) if HEADER.lower() in report.headers.lower() else None
    return found is not None and hmac.compare_digest(found[1].lower(), mark_of(secret, report.message_id, recipient))
