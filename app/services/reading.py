"""The raw copy of a mail, for whoever may see the mail."""

from flask import current_app
from flask_babel import gettext as _

from app.errors import NotFound
from app.mime.private import for_recipient
from app.models import Mail
from app.queries.scope import Scope
from app.storage import store_for


def raw_for(mail: Mail, scope: Scope) -> bytes:
    """As the one who reads it may see it: all of it, or without what the header tells of other recipients."""
    raw = raw_of(mail)
    return raw if scope.everything else for_recipient(raw, scope.owns)


def raw_of(mail: Mail) -> bytes:
    """NotFound where no copy was kept or it is gone, Unavailable where the store cannot give it: each with a sentence for people."""
    if not mail.is_stored or mail.copy_digest is None:
        raise NotFound(_("No copy of this mail was kept."))
    with store_for(current_app.config["STORE_URL"]).open(mail.copy_digest) as copy:
        return copy.read()
