"""A stored mail is to go on to somebody: asked for, and undone as long as it waits. services/release_sending sends it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import or_, select, update

from app.actor import Actor
from app.clock import stored_now
from app.errors import BadRequest, Conflict, NotAllowed, NotFound, Unavailable
from app.extensions import PanelSession, db
from app.ids import MAX_ID
from app.mime.release import MARK, is_released
from app.models import Mail, MailRecipient, Mode, Release, ReleaseState, Step, Verb
from app.queries.deletions import is_leaving
from app.queries.releases import Releasing, headers_of, newest_by_address
from app.services.audit import record
from app.services.copies import holder_of, must_be_kept, must_be_there
from app.services.moves import can_be_undone_until, changed, locked
from app.services.sealing import key_for
from app.smtp import is_envelope_address

MOST_AT_ONCE = 500


class Unconfirmed(Conflict):
    """It may be done, once somebody has said a second time that it is meant."""

    def __init__(self, message: str, again: Sequence[str], virus: bool) -> None:
        super().__init__(message)
        self.again, self.virus = again, virus


def can_release() -> bool:
    """Whether there is a relay."""
    return bool(current_app.config["RELEASE_URL"] or current_app.config["SMTP_URL"])


def ask(
    releasing: Releasing,
    mail_id: int,
    targets: Collection[str],
    *,
    mode: Mode | None = None,
    sure: bool = False,
    at_once: bool = False,
    actor: Actor,
) -> list[int]:
    """All of them or none. `mode`: none, as the site prefers it. `sure`: a virus may go, and to those again who have it or may have it.
    `at_once`: it cannot be undone."""
    must_be_possible()
    _must_be_there(mail_id)
    with cast(PanelSession, db.session()).begin_writing():
        ids = put(releasing, locked(mail_id), targets, mode=mode, sure=sure, at_once=at_once, actor=actor)
        db.session.commit()
    return ids


def put(
    releasing: Releasing,
    mail: Mail,
    targets: Collection[str],
    *,
    mode: Mode | None = None,
    sure: bool = False,
    at_once: bool = False,
    actor: Actor,
    why: Mapping[str, Any] | None = None,
) -> list[int]:
    """Joins the transaction of whoever calls, and has the mail's row locked. `why` stands in the audit event."""
    if not 1 <= len(targets) <= MOST_AT_ONCE:
        raise BadRequest(_("Choose to whom it goes, %(most)s at most.", most=MOST_AT_ONCE))
    now = stored_now()
    due = now if at_once else can_be_undone_until()
    must_be_kept(mail)
    if is_leaving(mail.id):
        raise Conflict(_("It is being deleted: undo that first."))
    chosen = _chosen(releasing, mail, targets)
    newest = newest_by_address(mail.id, chosen)
    _must_not_go_round(mail, chosen)
    _must_be_meant(mail, newest, sure)
    how = mode or Mode(current_app.config["RELEASE_MODE"])
    rows = [
        Release(
            mail_id=mail.id,
            address=address,
            number=newest[address].number + 1 if address in newest else 1,
            target=target,
            mode=how,
            state=Step.WAITING,
            node=_sender(mail),
            due_at=due,
            next_try_at=due,
            attempts=0,
            reply="",
            asked_at=now,
            asked_by=actor.name,
            on_behalf_of=actor.on_behalf_of,
            user_id=actor.user_id,
        )
        for address, target in chosen.items()
    ]
    db.session.add_all(rows)
    sum_up(mail)
    told: dict[str, Any] = {"step": "asked", "to": list(chosen.values())} | ({"sure": True} if sure else {})
    told |= ({"mode": how.value} if how is Mode.ATTACHED else {}) | dict(why or {})
    record(actor, Verb.MAIL_RELEASED, "mail", mail.id, after=told)
    return [row.id for row in rows]


def must_be_possible() -> None:
    if not can_release():
        raise Unavailable(_("Nothing can be released: there is no relay (RELEASE_URL or SMTP_URL)."))


def _must_be_there(mail_id: int) -> None:
    """Asked before anything is locked: another node may take its time to say."""
    mail = db.session.get(Mail, mail_id, populate_existing=True)
    if mail is None:
        raise NotFound(_("There is no such mail."))
    must_be_there(mail)


def _sender(mail: Mail) -> str:
    """The node that has the copy, or this one."""
    return holder_of(mail) if current_app.config["RELEASE_FROM"] == "holder" else str(current_app.config["NODE_NAME"])


def undo(releasing: Releasing, mail_id: int, release_id: int, *, actor: Actor) -> None:
    """Conflict where it has gone already."""
    with cast(PanelSession, db.session()).begin_writing():
        mail = locked(mail_id)
        row = db.session.scalar(select(Release).where(Release.id == min(release_id, MAX_ID), Release.mail_id == mail_id))
        if row is None or not releasing.scope.owns(row.address):
            raise NotFound(_("There is no such release."))
        target = row.target
        stoppable = or_(Release.state == Step.WAITING, (Release.state == Step.FAILED) & Release.next_try_at.is_not(None))
        stopped = {"state": Step.CANCELLED.value, "next_try_at": None}
        if not changed(update(Release).where(Release.id == release_id, stoppable).values(**stopped)):
            raise Conflict(_("It is too late: the mail to %(address)s is on its way.", address=target))
        sum_up(mail)
        record(actor, Verb.MAIL_RELEASED, "mail", mail_id, after={"step": "undone", "to": [target]})
        db.session.commit()


def sum_up(mail: Mail) -> None:
    db.session.flush()
    rows = db.session.execute(select(Release.state, Release.next_try_at).where(Release.mail_id == mail.id)).all()
    states = {state for state, _next in rows}
    if states & {Step.WAITING, Step.SENDING} or any(state == Step.FAILED and later for state, later in rows):
        mail.release_state = ReleaseState.RELEASING
    elif Step.SENT in states:
        mail.release_state = ReleaseState.RELEASED
    elif Step.UNKNOWN in states:
        mail.release_state = ReleaseState.RELEASING
    else:
        mail.release_state = ReleaseState.FAILED if Step.FAILED in states else ReleaseState.NONE


def _chosen(releasing: Releasing, mail: Mail, targets: Collection[str]) -> dict[str, str]:
    """By address what stands in the envelope: of a recipient of the mail, as it stood there first."""
    rows = db.session.scalars(select(MailRecipient).where(MailRecipient.mail_id == mail.id)).all()
    there = {row.address: row.given or row.address for row in rows}
    domains = {row.domain for row in rows}
    chosen = {}
    for typed in targets:
        target = typed.strip()
        address = target.lower()
        if address in there:
            allowed, target = releasing.scope.owns(address), there[address]
        else:
            allowed = releasing.others and (current_app.config["RELEASE_TO_ANYWHERE"] or _ends_in(address, domains))
        if not allowed and address not in there and releasing.others:
            raise NotAllowed(_("%(address)s is in none of the domains that the mail was for (RELEASE_TO_ANYWHERE).", address=target))
        if not allowed:  # as it was typed: how the mail has it would tell whether it went there
            raise NotAllowed(_("This mail is not yours to release to %(address)s.", address=typed.strip()))
        if not is_envelope_address(target):
            raise BadRequest(_("%(address)s is no address that mail can be sent to.", address=target))
        chosen[address] = target
    return chosen


def _ends_in(address: str, domains: Collection[str]) -> bool:
    """Not what a relay that knows the old ways sends on from there: user%elsewhere@here, elsewhere!user@here."""
    local, _at, domain = address.rpartition("@")
    return domain in domains and not any(letter in local for letter in "%!@")


def _must_not_go_round(mail: Mail, chosen: Mapping[str, str]) -> None:
    """What came back from a release is not sent there once more: each round would hold it back again, with further headers on top."""
    headers = headers_of(mail.id)
    if MARK.lower() not in headers.lower():
        return
    for target in chosen.values():
        if is_released(headers.encode("utf-8", "replace"), target, key_for("release")):
            raise Conflict(_("This mail is itself one that was released to %(address)s. Release the mail it came from.", address=target))


def _must_be_meant(mail: Mail, newest: dict[str, Release], sure: bool) -> None:
    """What is under way is never asked for again, whatever somebody says."""
    for row in newest.values():
        if row.is_under_way:
            raise Conflict(_("The mail to %(address)s is on its way already.", address=row.target))
    again = [row.target for row in newest.values() if row.state in (Step.SENT, Step.UNKNOWN)]
    if sure or not (again or mail.has_virus):
        return
    raise Unconfirmed(_("This has to be confirmed first."), again, bool(mail.has_virus))
