"""Requests: asked once for a mail and an address, decided once whoever is faster; the release comes with the decision or not at all."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from app.actor import Actor
from app.clock import stored_now
from app.errors import BadRequest, Conflict, NotAllowed, NotFound
from app.extensions import PanelSession, db
from app.ids import MAX_ID
from app.mime.text import one_line
from app.models import Asks, Decision, Mail, MailRequest, Verb
from app.models.request import SAID_LENGTH
from app.queries.releases import Releasing
from app.queries.requests import Asking, Deciding, count_of_own, gone_among, has_gone, request_there, request_to_decide
from app.queries.scope import Scope
from app.services.audit import record
from app.services.moves import changed, locked, locked_if_there
from app.services.release import must_be_possible, put
from app.services.release_sending import send_later

MOST_OPEN = 50
"""Of one person: nobody floods those who decide."""


@contextmanager
def _writing() -> Iterator[None]:
    """Conflict where somebody was faster and no lock held: the row was there first."""
    try:
        with cast(PanelSession, db.session()).begin_writing():
            yield
    except IntegrityError:
        db.session.rollback()
        raise Conflict(_("Somebody else changed this at the same moment; look at it again.")) from None


def ask_for(asking: Asking, mail_id: int, comment: str = "", *, actor: Actor) -> int:
    """To how many addresses it is newly asked. Conflict with a reason where it is to none."""
    said = _said(comment)
    if not asking.addresses:
        raise NotAllowed(_("This mail is not yours to request."))
    with _writing():
        if not locked(mail_id).is_stored:  # where the copy is matters only to who releases it
            raise NotFound(_("No copy of this mail was kept."))
        gone = gone_among(mail_id, asking.addresses)
        open_ones = [address for address in asking.addresses if address not in gone]
        if not open_ones:
            raise Conflict(_("This mail went to you meanwhile, or is on its way."))
        asked = _ask(asking, mail_id, Asks.RELEASE, open_ones, said, actor)
        if asked:
            record(actor, Verb.RELEASE_WANTED, "mail", mail_id, after={"to": asked} | ({"comment": said} if said else {}))
        db.session.commit()
    return len(asked)


def tell_wrong(asking: Asking, mail_id: int, addresses: Sequence[str], comment: str = "", *, actor: Actor) -> bool:
    """Whether that was new."""
    said = _said(comment)
    own = [address for address in addresses if address in asking.addresses]
    if not own:
        raise NotAllowed(_("This mail is not yours to request."))
    with _writing():
        locked(mail_id)
        told = _ask(asking, mail_id, Asks.WRONG, own[:1], said, actor)
        if told:
            record(actor, Verb.MAIL_REPORTED, "mail", mail_id, after={"to": told} | ({"comment": said} if said else {}))
        db.session.commit()
    return bool(told)


def _ask(asking: Asking, mail_id: int, asks: Asks, addresses: Sequence[str], comment: str, actor: Actor) -> list[str]:
    """Those for whom it was not asked yet. What was denied stays so; what was approved and did not arrive may be asked once more."""
    asked = []
    for address in addresses:
        there = request_there(mail_id, asks, address)
        if there is not None and there.state in (Decision.OPEN, Decision.CLOSED):
            continue
        if there is not None and there.state == Decision.DENIED:
            raise Conflict(_("%(who)s has denied this already.", who=there.decided_by))
        asked.append(address)
        row = there or MailRequest(mail_id=mail_id, asks=asks, address=address, domain=address.rpartition("@")[2])
        row.state, row.user_id, row.asked_by, row.asked_at = Decision.OPEN, asking.user_id, actor.name[:100], stored_now()
        row.comment, row.decided_by, row.decided_at, row.words = comment, "", None, ""
        db.session.add(row)
    if asked and count_of_own(asking, MOST_OPEN + 1) > MOST_OPEN:
        raise Conflict(_("You have %(most)s open requests already; wait until some are decided.", most=MOST_OPEN))
    return asked


def approve(deciding: Deciding, request_id: int, words: str = "", *, sure: bool = False, actor: Actor) -> Decision:
    """OVERTAKEN where the mail went there meanwhile: then nothing more is sent. Unconfirmed for a virus that nobody has confirmed."""
    said, ids = _said(words), []
    with _writing():
        row, mail = _locked(deciding, request_id, Asks.RELEASE)
        if mail is None:
            raise NotFound(_("The mail is gone; it cannot be released any more."))
        decision = Decision.OVERTAKEN if has_gone(mail.id, row.address) else Decision.APPROVED
        address = row.address
        _decide(row, decision, said, actor)
        if decision is Decision.APPROVED:
            must_be_possible()
            ids = put(Releasing(Scope((address,))), mail, [address], sure=sure, actor=actor, why={"request": request_id})
        record(actor, Verb.RELEASE_APPROVED, "mail", mail.id, after=_told(row, said) | {"decision": decision.value})
        db.session.commit()
    if ids:
        send_later(ids)
    return decision


def deny(deciding: Deciding, request_id: int, words: str = "", *, actor: Actor) -> None:
    said = _said(words)
    with _writing():
        row, _mail = _locked(deciding, request_id, Asks.RELEASE)
        _decide(row, Decision.DENIED, said, actor)
        record(actor, Verb.RELEASE_DENIED, "mail", row.mail_id, after=_told(row, said))
        db.session.commit()


def close(deciding: Deciding, request_id: int, words: str = "", *, actor: Actor) -> None:
    """Of what was told: it was read."""
    said = _said(words)
    with _writing():
        row, _mail = _locked(deciding, request_id, Asks.WRONG)
        _decide(row, Decision.CLOSED, said, actor)
        record(actor, Verb.REPORT_CLOSED, "mail", row.mail_id, after=_told(row, said))
        db.session.commit()


def _locked(deciding: Deciding, request_id: int, asks: Asks) -> tuple[MailRequest, Mail | None]:
    """With its mail's row held, where there is one; read anew behind that lock."""
    found = request_to_decide(deciding, request_id) if 0 < request_id <= MAX_ID else None
    if found is None or found.asks != asks:
        raise NotFound(_("There is no such request."))
    mail = locked_if_there(found.mail_id)
    db.session.refresh(found)
    return found, mail


def _decide(row: MailRequest, decision: Decision, words: str, actor: Actor) -> None:
    """By one statement, so that of two only one decides; the other is told who was faster."""
    name = actor.name[:100]
    values = {"state": decision.value, "decided_by": name, "decided_at": stored_now(), "words": words}
    if not changed(update(MailRequest).where(MailRequest.id == row.id, MailRequest.state == Decision.OPEN).values(**values)):
        db.session.refresh(row)
        raise Conflict(_("%(who)s has decided this meanwhile.", who=row.decided_by))
    db.session.refresh(row)


def _told(row: MailRequest, words: str) -> dict[str, Any]:
    return {"request": row.id, "to": [row.address], "asked_by": row.asked_by} | ({"words": words} if words else {})


def _said(text: str) -> str:
    said = one_line(" ".join(text.split()))
    if len(said) > SAID_LENGTH:
        raise BadRequest(_("That is too long: %(most)s characters at most.", most=SAID_LENGTH))
    return said
