"""Who wants which letters: an account chooses its times, an address without one refuses, a watcher is one no longer."""

from typing import cast

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from app.actor import Actor
from app.clock import stored_now
from app.errors import Conflict, NotFound
from app.extensions import PanelSession, db
from app.models import NoticeChoice, NoticeOwner, NoticeRefusal, OwnerKind, Verb
from app.models.notice import NEVER
from app.models.people import User
from app.queries.accounts import accounts_of
from app.queries.notice_choices import account_of
from app.queries.notice_refusals import plain_forms
from app.queries.people import Reach
from app.services.addresses import read_address
from app.services.audit import record
from app.services.notice_domains import stop_watching
from app.services.notice_moving import let_go, lock, move, stop_letters
from app.services.notice_times import read_times

LINK = "link"
"""By a letter's own link: whoever has the letter."""
_EVERYWHERE = Reach(everybody=True)


def choose(user_id: int, times: str, *, by: str, actor: Actor, reach: Reach = _EVERYWHERE) -> str:
    """Empty: as the site says. What waits is moved at once, or let go. Letters tell of the mail to all addresses of an account, so who
    chooses for somebody else has to look after all of these."""
    if (user := db.session.get(User, user_id)) is not None:
        reach.must_hold_all_of(user)
    words, owner = read_times(times), OwnerKind.USER.of(user_id)
    with cast(PanelSession, db.session()).begin_writing():
        # Of two windows one comes after the other.
        name = db.session.scalar(select(User.username).where(User.id == user_id).with_for_update())
        if name is None:
            raise NotFound(_("There is no such account."))
        lock(owner)
        before = _put_choice(user_id, words, by)
        if before != words:
            move(owner)
            record(actor, Verb.NOTICES_CHOSEN, "account", name, before={"times": before}, after={"times": words})
        db.session.commit()
    if words == NEVER:
        _end(owner)
    return words


def follow_zone(user_id: int) -> None:
    """Their clock is another one now."""
    owner = OwnerKind.USER.of(user_id)
    with cast(PanelSession, db.session()).begin_writing():
        lock(owner)
        move(owner)
        db.session.commit()


def _put_choice(user_id: int, words: str, by: str) -> str:
    """What was chosen before."""
    row = db.session.get(NoticeChoice, user_id, populate_existing=True)
    before = row.times if row else ""
    if row is not None and not words:
        db.session.delete(row)
    elif row is None and words:
        db.session.add(NoticeChoice(user_id=user_id, times=words, by=by[:100], chosen_at=stored_now()))
    elif row is not None and before != words:
        row.times, row.by, row.chosen_at = words, by[:100], stored_now()
    return before


def _end(owner: str) -> None:
    let_go(owner)
    stop_letters(owner, _("Not sent: they want no letters any more."))


# --- addresses without an account ----------------------------------------------------------------------------------------------------


def refuse(address: str, *, by: str, actor: Actor, reach: Reach = _EVERYWHERE) -> str:
    """As it is kept. Conflict where an account answers for the address: then that one chooses."""
    found = plain_address(address)
    reach.must_hold(found)
    if name := account_of(found):
        raise Conflict(_("%(address)s belongs to the account %(name)s: choose there.", address=found, name=name))
    _put_refusal(found, by, actor)
    return found


def accept_again(address: str, *, actor: Actor, reach: Reach = _EVERYWHERE) -> None:
    found = plain_address(address)
    reach.must_hold(found)
    with cast(PanelSession, db.session()).begin_writing():
        row = db.session.get(NoticeRefusal, found, populate_existing=True)
        if row is None:
            raise NotFound(_("%(address)s does not refuse letters.", address=found))
        before = {"address": found, "by": row.by}
        db.session.execute(delete(NoticeRefusal).where(NoticeRefusal.address == found))
        record(actor, Verb.NOTICES_ACCEPTED, "notice", found, before=before)
        db.session.commit()


def plain_address(text: str) -> str:
    """Without what follows the plus, and in its domain's own name: one refusal is for all of them."""
    address = read_address(text)
    return plain_forms([address])[address]


def _put_refusal(address: str, by: str, actor: Actor) -> None:
    """However often it is asked for, it stands once."""
    owner = OwnerKind.ADDRESS.of(address)
    try:
        with cast(PanelSession, db.session()).begin_writing():
            if db.session.get(NoticeRefusal, address, populate_existing=True) is None:
                db.session.add(NoticeRefusal(address=address, refused_at=stored_now(), by=by[:100]))
                db.session.flush()
                record(actor, Verb.NOTICES_REFUSED, "notice", address, after={"address": address, "by": by})
            lock(owner)
            move(owner)
            db.session.commit()
    except IntegrityError:  # twice at once
        db.session.rollback()
    _end(owner)


def unsubscribe(owner: str, *, actor: Actor) -> None:
    """For a letter's link. However often it is used, and whether or not they are there still, they get no letters afterwards."""
    match NoticeOwner.read(owner):
        case NoticeOwner(user_id=int(user_id)):
            try:
                choose(user_id, NEVER, by=LINK, actor=actor)
            except NotFound:
                _end(owner)
        case NoticeOwner(kind=OwnerKind.ADDRESS, name=address):
            plain = plain_address(address)
            if accounts_of([plain]):  # whose it is now may be somebody else
                _end(owner)
            else:
                _put_refusal(plain, LINK, actor)
        case NoticeOwner(kind=OwnerKind.WATCH, name=address):
            stop_watching(address, actor=actor)
        case None:
            raise NotFound(_("There is no such letter."))
