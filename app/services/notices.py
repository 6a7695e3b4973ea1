"""Letters that tell people of mail kept for them, from the new mails to the relay: what the job does in one run."""

import logging

from flask_babel import gettext as _

from app.clock import stored_now
from app.errors import Unavailable
from app.extensions import db
from app.queries.notices import count_due_owners, counts_by_state
from app.services.job import Report
from app.services.letters import can_carry_links
from app.services.notice_collect import Collected, collect
from app.services.notice_ends import finish
from app.services.notice_letter import write
from app.services.notice_make import make
from app.services.notice_moving import move_waiting
from app.services.notice_sending import Sender

log = logging.getLogger(__name__)

_A_WHILE = 20.0
"""Seconds after which somebody looks for new mails again, however many letters wait to be sent."""


def run(report: Report) -> None:
    """Whoever ends it half-way leaves the rest to the next."""
    if not can_carry_links():
        report.say(_("No letters can be sent: SMTP_URL and PUBLIC_URL have to be set."))
        return
    if report.dry:
        _tell(report)
        return
    finish(report)
    told, made, sender = Collected(), 0, Sender(report, write)
    try:
        is_more = True
        while is_more and not report.is_over():
            found = collect(report)
            told.mails, told.told, told.lines = told.mails + found.mails, told.told + found.told, told.lines + found.lines
            move_waiting(report)
            made += make(report)
            is_more = sender.send(_A_WHILE)
        finish(report)
    finally:
        sender.close()
        db.session.rollback()
    words = f"{told.mails} new mails, {told.told} of them to be told of; {made} letters made, {sender.sent} sent, {sender.failed} failed"
    waiting = sum(counts_by_state().values())
    report.say(f"{words}{f', {waiting} wait' if waiting else ''}. {sender.relay.why}".strip())
    if sender.relay.is_refused:
        raise Unavailable(sender.relay.why)
    if sender.relay.why:
        report.rests = not sender.sent  # one that takes some is asked for more
        log.warning("letters about kept mail: %s", sender.relay.why)


def _tell(report: Report) -> None:
    """What would be done; nothing is."""
    found = collect(report)
    for owner, count in found.owners.named.items():
        report.say(f"{owner}: {count} mails would be told of")
    if found.owners.count > len(found.owners.named):
        report.say(f"... and {found.owners.words(without=len(found.owners.named))} others")
    due, waiting = count_due_owners(stored_now()), sum(counts_by_state().values())
    db.session.rollback()
    report.say(
        f"{found.mails} new mails, {found.told} would be told of to {found.owners.words()}; "
        f"{due} are due a letter, {waiting} letters wait to be sent."
    )
