"""A stored mail is scanned again: what Rspamd says of it today is kept beside what it said when the mail came."""

import json
from typing import cast

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from app.actor import Actor
from app.clock import stored_now
from app.errors import Conflict, NotAllowed, NotFound, Unavailable
from app.extensions import PanelSession, db
from app.models import Mail, MailRecipient, MailRescan, Verb
from app.queries.learning import Learning, rescans_of
from app.rspamd.rescan import Envelope, Verdict, rescan
from app.services.audit import record
from app.services.controllers import nearest_of, nodes_to_scan, scanner_of
from app.services.copies import must_be_kept, raw_of
from app.services.moves import locked
from app.services.release_sending import sender_of
from app.services.rescan_mark import MARK, rescan_mark
from app.services.sealing import key_for

KEPT = 5
"""Of each mail; older ones make room."""


def scan_again(learning: Learning, mail_id: int, node: str | None = None, *, actor: Actor) -> int:
    """By the node's Rspamd, without one by that of the mail's own node. The id of the kept row."""
    if not learning.rescan:
        raise NotAllowed(_("You may not have this mail scanned again."))
    mail = db.session.get(Mail, mail_id)
    if mail is None:
        raise NotFound(_("There is no such mail."))
    must_be_kept(mail)
    node = node or scanner_for(mail)
    raw, envelope = raw_of(mail), _envelope(mail)
    controller, is_controller = scanner_of(node, mail_id)
    db.session.rollback()  # nobody waits for us while Rspamd is slow
    verdict = rescan(controller, raw, envelope, rescan_mark(key_for(MARK), mail_id), is_controller=is_controller)
    return _keep(mail_id, node.lower(), verdict, actor)


def scanner_for(mail: Mail) -> str:
    found = nearest_of(nodes_to_scan(), mail)
    if found is None:
        raise Unavailable(_("No node has an Rspamd that could scan it (flask nodes edit --controller)."))
    return found


def _envelope(mail: Mail) -> Envelope:
    rows = db.session.scalars(select(MailRecipient).where(MailRecipient.mail_id == mail.id).order_by(MailRecipient.position))
    return Envelope(sender_of(mail), tuple(row.given or row.address for row in rows), mail.ip, mail.user or "")


def _keep(mail_id: int, node: str, verdict: Verdict, actor: Actor) -> int:
    try:
        with cast(PanelSession, db.session()).begin_writing():
            locked(mail_id)
            rows = rescans_of(mail_id)
            row = MailRescan(
                mail_id=mail_id,
                number=rows[0].number + 1 if rows else 1,
                node=node,
                version=verdict.version,
                action=verdict.action[:32],
                score=verdict.score,
                symbols=json.dumps(verdict.symbols, ensure_ascii=False),
                asked_by=actor.name,
                on_behalf_of=actor.on_behalf_of,
                at=stored_now(),
            )
            db.session.add(row)
            if old := [each.id for each in rows[KEPT - 1 :]]:
                db.session.execute(delete(MailRescan).where(MailRescan.id.in_(old)))
            db.session.flush()
            found = row.id
            told = {"node": node, "action": row.action, "score": row.score}
            record(actor, Verb.MAIL_RESCANNED, "mail", mail_id, after=told)
            db.session.commit()
    except IntegrityError:
        raise Conflict(_("This mail was scanned again just now.")) from None
    return found
