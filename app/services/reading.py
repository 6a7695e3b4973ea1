"""The raw copy of a mail, for whoever may see the mail."""

from app.actor import SYSTEM, Actor
from app.mime.private import for_recipient
from app.models import Mail
from app.queries.scope import Scope
from app.services.copies import raw_of


def raw_for(mail: Mail, scope: Scope, *, actor: Actor = SYSTEM) -> bytes:
    """As the one who reads it may see it: all of it, or without what the header tells of other recipients."""
    raw = raw_of(mail, actor=actor)
    return raw if scope.everything else for_recipient(raw, scope.owns)
