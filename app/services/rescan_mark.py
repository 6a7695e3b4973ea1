"""What a mail is called while Rspamd scans it again: were it posted to us all the same, it would be known by that."""

import hashlib
import hmac
import re

MARK = "rescan"
"""What its key is for."""
_FORM = re.compile(r"mailkeep-rescan-(\d{1,19})-([0-9a-f]{32})")


def rescan_mark(key: bytes, mail_id: int) -> str:
    """In the place of the queue id. Nobody who lacks the key can make one, and so keep a mail out of the log."""
    return f"mailkeep-rescan-{mail_id}-{_proof(key, mail_id)}"


def mail_rescanned(key: bytes, queue_id: str) -> int | None:
    found = _FORM.fullmatch(queue_id)
    if found is None or not hmac.compare_digest(found[2], _proof(key, int(found[1]))):
        return None
    return int(found[1])


def _proof(key: bytes, mail_id: int) -> str:
    return hmac.digest(key, f"rescan {mail_id}".encode(), hashlib.sha256).hex()[:32]
