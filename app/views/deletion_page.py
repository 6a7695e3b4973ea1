"""What the page of a mail says of its deletion: what can be deleted, and what waits to be."""

import math
from typing import Any

from app.clock import stored_now
from app.models import Mail
from app.queries.deletions import deleting_of, waiting_deletions


def deletion_of(user: Any, mail: Mail, sm: Any) -> dict[str, Any] | None:
    """None where there is nothing to say."""
    deleting = deleting_of(user, mail) if sm.has_access("can_delete", "DeletionView") else None
    waiting = waiting_deletions([mail.id]).get(mail.id)
    if waiting is not None:
        seconds = max(0, math.ceil((waiting.due_at - stored_now()).total_seconds()))
        may_undo = deleting is not None and deleting.allows(waiting.extent)
        return {"waiting": waiting, "seconds": seconds, "may_undo": may_undo}
    if deleting is None or not (deleting.copy or deleting.mail or deleting.is_shared):
        return None
    return {"of_copy": deleting.copy and mail.is_stored, "of_mail": deleting.mail, "is_shared": deleting.is_shared}
