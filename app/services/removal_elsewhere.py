"""Copies of another node that no mail refers to any more: it is told. Where it does not answer, it finds them itself once it is back."""

import logging
from datetime import timedelta

from app.clock import stored_now
from app.errors import MailkeepError
from app.extensions import db
from app.queries.deletions import removals_elsewhere
from app.services.copy_removal import own_node
from app.services.peers import remove_at

log = logging.getLogger(__name__)

_AT_ONCE = 500
_A_WHILE = timedelta(minutes=1)


def tell_others() -> None:
    """Of what has become due a moment ago."""
    own, now = own_node(), stored_now()
    if own is None:
        return
    found = removals_elsewhere(own, now, now - _A_WHILE, _AT_ONCE)
    db.session.rollback()
    for name, digests in found.items():
        try:
            remove_at(name, digests)
        except MailkeepError as error:
            log.warning("store: %s is not told of %d copies that may go: %s", name, len(digests), error)
