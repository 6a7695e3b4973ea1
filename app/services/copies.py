"""The stored copies of mails, wherever they are kept: whoever acts on a mail gets its bytes here, and nowhere else."""

from flask import current_app
from flask_babel import gettext as _

from app.errors import NotFound, Unavailable
from app.models import Mail
from app.storage import store_for


def raw_of(mail: Mail) -> bytes:
    """NotFound where no copy was kept or it is gone, Unavailable where the store cannot give it: each with a sentence for people."""
    if not mail.is_stored or mail.copy_digest is None:
        raise NotFound(_("No copy of this mail was kept."))
    with store_for(current_app.config["STORE_URL"]).open(mail.copy_digest) as copy:
        return copy.read()


def must_be_kept(mail: Mail) -> None:
    """Before something is promised that needs the copy later."""
    if not mail.is_stored or mail.copy_digest is None:
        raise NotFound(_("No copy of this mail was kept."))
    if not store_for(current_app.config["STORE_URL"]).exists(mail.copy_digest):
        if mail.copy_node not in (None, current_app.config["NODE_NAME"]):
            raise Unavailable(_("The copy is on %(node)s: release it there.", node=mail.copy_node))
        raise NotFound(_("The stored copy is gone."))
