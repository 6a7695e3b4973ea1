"""The stored copies of mails, wherever they are kept: whoever acts on a mail gets its bytes here, and nowhere else."""

from flask import current_app
from flask_babel import gettext as _

from app.actor import SYSTEM, Actor
from app.errors import NotFound, Unavailable
from app.extensions import db
from app.models import Mail
from app.queries.nodes import node_called
from app.services.peers import is_there, raw_from
from app.storage import is_shared, store_for


def raw_of(mail: Mail, *, actor: Actor = SYSTEM) -> bytes:
    """NotFound where no copy was kept or it is gone, Unavailable where the store cannot give it: each with a sentence for people."""
    digest, url = _digest_of(mail), current_app.config["STORE_URL"]
    holder = holder_of(mail)
    if holder == current_app.config["NODE_NAME"]:
        store = store_for(url).open(digest)
    else:
        mail_id = mail.id
        store = store_for(url, lambda: raw_from(mail_id, holder, actor=actor)).open(digest)
    with store as copy:
        return copy.read()


def holder_of(mail: Mail) -> str:
    """The node that reads the copy from its own store: this one, too, where its store has it or is everybody's."""
    here: str = current_app.config["NODE_NAME"]
    digest = _digest_of(mail)
    if (
        mail.copy_node in (None, here)
        or is_shared(current_app.config["STORE_URL"])
        or store_for(current_app.config["STORE_URL"]).exists(digest)
    ):
        return here
    return str(mail.copy_node)


def must_be_kept(mail: Mail) -> None:
    """Before something is promised that needs the copy later. Of one that is not on this server's disk its row is believed."""
    holder = holder_of(mail)
    if is_shared(current_app.config["STORE_URL"]):
        return
    if holder == current_app.config["NODE_NAME"]:
        if not store_for(current_app.config["STORE_URL"]).exists(_digest_of(mail)):
            raise NotFound(_("The stored copy is gone."))
    elif node_called(holder) is None:
        raise Unavailable(_("The copy is on %(node)s, which is no node any more.", node=holder))


def must_be_there(mail: Mail) -> None:
    """The same, and whoever has it is asked, where it answers. Nothing may be locked meanwhile."""
    must_be_kept(mail)
    holder, url = holder_of(mail), current_app.config["STORE_URL"]
    if is_shared(url):
        digest = _digest_of(mail)
        db.session.rollback()  # the bucket may take its time to say
        if not store_for(url).exists(digest):
            raise NotFound(_("The stored copy is gone."))
        return
    node = None if holder == current_app.config["NODE_NAME"] else node_called(holder)
    if node is not None and node.api_url and not _has(mail.id, holder):
        raise NotFound(_("The stored copy is gone."))


def _has(mail_id: int, holder: str) -> bool:
    db.session.rollback()  # nothing is held while another node is waited for
    try:
        return is_there(mail_id, holder)
    except Unavailable:
        return True


def _digest_of(mail: Mail) -> str:
    if not mail.is_stored or mail.copy_digest is None:
        raise NotFound(_("No copy of this mail was kept."))
    return mail.copy_digest
