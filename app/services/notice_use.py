"""What a link of a letter does once its button is pressed: each does one act, once, whoever presses how often and at the same moment."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import cast

from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

from app.actor import Actor
from app.clock import stored_now
from app.errors import Conflict, MailkeepError, NotAllowed
from app.extensions import PanelSession, db
from app.models import Mail, Notice, NoticeOwner, NoticeUse, Release, Step, Verb
from app.queries.map_offers import Offer
from app.queries.maps import map_called
from app.queries.notice_links import Holder, LinkAct, list_offers, use_of
from app.queries.releases import Releasing, newest_by_address
from app.queries.scope import Scope
from app.rspamd.map_kinds import MapKind
from app.rspamd.map_values import read_value
from app.services.audit import record
from app.services.copies import must_be_there
from app.services.map_change import Wanted
from app.services.map_entries import add_entry
from app.services.moves import locked
from app.services.notice_choices import unsubscribe
from app.services.notice_links import Link, Standing
from app.services.release import can_release, must_be_possible, put
from app.services.release_sending import send_later
from app.services.requests import ask_for, tell_wrong


class Used(Conflict):
    """Somebody has pressed it, maybe just now."""


@dataclass(frozen=True, slots=True)
class Press:
    """A link that counts, and who presses it."""

    notice_id: int
    mail_id: int
    act: LinkAct
    address: str
    holder: Holder
    actor: Actor


@unique
class Can(StrEnum):
    """What pressing it would come to just now."""

    DO = "do"
    ASK = "ask"  # only ask those who may
    NOTHING = "nothing"


def what_it_can(link: Link) -> Can:
    """Of a good one: as a recipient who is logged in could."""
    if link.mail is None or link.holder is None or link.line is None:
        return Can.NOTHING
    may_release = can_release() and link.holder.may_release(link.mail)
    asks = bool(link.holder.asking(link.line.address).addresses)
    may_ask = asks and can_release() and link.mail.is_stored
    match link.act:
        case LinkAct.OPEN:
            return Can.DO
        case LinkAct.BLOCK:
            return Can.DO if list_offers(link.holder, link.mail, link.line.address, "deny") else Can.NOTHING
        case LinkAct.REPORT if may_release:
            return Can.DO if asks else Can.NOTHING
        case _:
            return Can.DO if may_release and link.act is not LinkAct.REPORT else Can.ASK if may_ask else Can.NOTHING


def not_possible() -> str:
    return str(_("This cannot be done with this mail, or not any more."))


def press(link: Link, *, ip: str) -> list[str]:
    """What came of it, in sentences. Conflict, NotAllowed or NotFound with one where nothing did; then it can be pressed again."""
    can = what_it_can(link)
    if link.standing is not Standing.GOOD or can is Can.NOTHING or link.act is LinkAct.OPEN:
        raise NotAllowed(not_possible())
    assert link.line is not None  # noqa: S101 - a good link has all of them
    assert link.holder is not None  # noqa: S101
    assert link.mail is not None  # noqa: S101
    actor = actor_of(link.notice, link.holder.user_id, ip, link.line.address)
    pressed = Press(link.notice.id, link.mail_id, link.act, link.line.address, link.holder, actor)
    if can is Can.ASK:
        return _once(pressed, lambda: _ask(pressed))
    match link.act:
        case LinkAct.BLOCK:
            return _once(pressed, lambda: _list(pressed, _offers(pressed, "deny")))
        case LinkAct.REPORT:
            return _once(pressed, lambda: _tell(pressed))
    offers = _offers(pressed, "allow") if link.act is LinkAct.ALLOW else []
    words = _release(pressed, link.mail)
    try:
        return words + _list(pressed, offers)
    except MailkeepError as error:  # the mail goes all the same: nobody is told that nothing was done
        db.session.rollback()
        return [*words, str(error)]


def actor_of(notice: Notice, user_id: int | None, ip: str, address: str) -> Actor:
    """Not the account by its name: who pressed is only known to have the letter."""
    return Actor(f"link of notice {notice.id}: {address}"[:100], user_id, ip)


def end_letters(notice: Notice, *, ip: str) -> None:
    """As often as somebody likes."""
    if notice.revoked_at is not None:
        raise NotAllowed(_("The links of this letter were revoked."))
    owner = NoticeOwner.read(notice.owner)
    unsubscribe(notice.owner, actor=actor_of(notice, owner.user_id if owner is not None else None, ip, notice.address))


# --- the acts ------------------------------------------------------------------------------------------------------------------


def _release(pressed: Press, mail: Mail) -> list[str]:
    """With its use in one transaction, behind the mail's row: of two at the same moment the second is told so."""
    must_be_possible()
    must_be_there(mail)
    with cast(PanelSession, db.session()).begin_writing():
        held = locked(pressed.mail_id)
        _note_use(pressed)
        last = newest_by_address(held.id, [pressed.address]).get(pressed.address)
        has_gone = last is not None and _has_gone(last)
        if has_gone and pressed.act is LinkAct.RELEASE:
            raise Conflict(_("This mail was delivered to %(address)s already, or is on its way.", address=pressed.address))
        if not has_gone:
            if not pressed.holder.may_release(held):
                raise NotAllowed(_("This mail is not yours to release."))
            why = {"notice": pressed.notice_id}
            mine = Releasing(Scope((pressed.address,)))
            ids = put(mine, held, [pressed.address], sure=held.has_virus, actor=pressed.actor, why=why)
        _record(pressed)
        db.session.commit()
    if has_gone:
        return [_("This mail was delivered to %(address)s already, or is on its way.", address=pressed.address)]
    send_later(ids)
    return [_("The mail is on its way to %(address)s.", address=pressed.address)]


def _has_gone(last: Release) -> bool:
    return last.is_under_way or last.state in (Step.SENT, Step.UNKNOWN)


def _offers(pressed: Press, colour: str) -> list[Offer]:
    mail = db.session.get(Mail, pressed.mail_id)
    return list_offers(pressed.holder, mail, pressed.address, colour) if mail is not None else []


def _list(pressed: Press, offers: list[Offer]) -> list[str]:
    """Into their own list, whether or not it stands there already."""
    words = []
    for offer in offers:
        pair = {"sender": offer.value.partition("|")[0], "rcpt": offer.rcpt}
        is_new = True
        try:
            found = map_called(pressed.holder.reach, offer.map_name)
            add_entry(pressed.holder.reach, found, Wanted(read_value(MapKind(found.kind), offer.value)), actor=pressed.actor)
        except Conflict:
            db.session.rollback()
            is_new = False
        if pressed.act is LinkAct.BLOCK:
            blocked = _("From now on mail from %(sender)s to %(rcpt)s is blocked.", **pair)
            words.append(blocked if is_new else _("Mail from %(sender)s to %(rcpt)s was blocked already.", **pair))
        else:
            allowed = _("From now on mail from %(sender)s to %(rcpt)s is allowed.", **pair)
            words.append(allowed if is_new else _("Mail from %(sender)s to %(rcpt)s was allowed already.", **pair))
    return words


def _ask(pressed: Press) -> list[str]:
    is_new = ask_for(pressed.holder.asking(pressed.address), pressed.mail_id, actor=pressed.actor)
    return [_("The administrators are asked to release this mail.") if is_new else _("They were asked to release it already.")]


def _tell(pressed: Press) -> list[str]:
    is_new = tell_wrong(pressed.holder.asking(pressed.address), pressed.mail_id, (pressed.address,), actor=pressed.actor)
    return [_("The administrators are told that this mail was wrongly held back.") if is_new else _("That was told already.")]


# --- once ----------------------------------------------------------------------------------------------------------------------


def _once(pressed: Press, act: Callable[[], list[str]]) -> list[str]:
    """What may be done twice without harm comes first: a crash in between leaves a link that still works, not one that did nothing."""
    if use_of(pressed.notice_id, pressed.mail_id, pressed.act) is not None:
        raise _used()
    words = act()
    with cast(PanelSession, db.session()).begin_writing():
        _note_use(pressed)
        _record(pressed)
        db.session.commit()
    return words


def _note_use(pressed: Press) -> None:
    """Used where somebody was faster, lock or no lock."""
    if use_of(pressed.notice_id, pressed.mail_id, pressed.act) is not None:
        raise _used()
    key = {"notice_id": pressed.notice_id, "mail_id": pressed.mail_id, "act": pressed.act.value}
    db.session.add(NoticeUse(**key, used_at=stored_now(), ip=pressed.actor.ip))
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        raise _used() from None


def _record(pressed: Press) -> None:
    """`step` is how the timeline calls it."""
    after = {"step": pressed.act.value, "to": [pressed.address], "notice": pressed.notice_id}
    record(pressed.actor, Verb.LINK_USED, "mail", pressed.mail_id, after=after)


def _used() -> Used:
    return Used(_("This link was used already."))
