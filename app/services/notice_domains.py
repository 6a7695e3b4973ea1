"""What holds for the letters about a domain's mail: their times, whether everybody is told, and who watches over all of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.actor import Actor
from app.errors import BadRequest, Conflict, NotFound
from app.extensions import PanelSession, db
from app.models import NoticeDomain, NoticeDue, OwnerKind, Verb
from app.queries.addressees import watchers_in
from app.queries.domains import aliases_by_domain, aliases_for
from app.queries.matching import contains_any_case
from app.queries.people import Reach
from app.services.addresses import read_address, read_domain
from app.services.audit import record
from app.services.notice_moving import ask_to_move, let_go, let_go_of_domains, lock, move
from app.services.notice_times import read_times

MOST_WATCHERS = 50
POSTMASTER = "postmaster"


@dataclass(frozen=True, slots=True)
class DomainRule:
    """As somebody typed it, or as it stands."""

    domain: str
    times: str = ""
    everybody: bool = False
    language: str = ""
    watchers: tuple[str, ...] = ()
    watch_times: str = ""

    def told(self) -> dict[str, Any]:
        """For the trail."""
        values = {"times": self.times, "everybody": self.everybody, "language": self.language, "watch_times": self.watch_times}
        return values | {"watchers": list(self.watchers)}


def rule_of(row: NoticeDomain | None, domain: str = "") -> DomainRule:
    if row is None:
        return DomainRule(domain)
    return DomainRule(row.domain, row.times, row.everybody, row.language, tuple(watchers_in(row.watchers)), row.watch_times)


def set_domain(reach: Reach, typed: DomainRule, *, actor: Actor) -> DomainRule:
    """Whole: what is not named is not so any more. Conflict where somebody made it in the same moment."""
    rule = _read(reach, typed)
    try:
        with cast(PanelSession, db.session()).begin_writing():
            row = _locked(rule.domain)
            before = rule_of(row, rule.domain)
            _may_watch(reach, before.watchers, rule.watchers)
            if row is None:
                row = NoticeDomain(domain=rule.domain)
                db.session.add(row)
            _put(row, rule)
            db.session.flush()
            _put_off(before, rule)
            if before != rule:
                record(actor, Verb.NOTICES_OF_DOMAIN, "domain", rule.domain, before=before.told(), after=rule.told())
            db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise Conflict(_("Somebody has just set %(domain)s, too. Look at it before you save.", domain=rule.domain)) from None
    _follow(before, rule)
    return rule


def remove_domain(reach: Reach, domain: str, *, actor: Actor) -> None:
    """What the site says holds there again, and nobody watches."""
    name = read_domain(domain)
    _must_hold(reach, name)
    with cast(PanelSession, db.session()).begin_writing():
        row = _locked(name)
        if row is None:
            raise NotFound(_("Nothing is set for %(domain)s.", domain=name))
        before = rule_of(row)
        _may_watch(reach, before.watchers, ())
        db.session.delete(row)
        _put_off(before, DomainRule(name))
        record(actor, Verb.NOTICES_OF_DOMAIN, "domain", name, before=before.told())
        db.session.commit()
    _follow(before, DomainRule(name))


def stop_watching(address: str, *, actor: Actor) -> None:
    """Of whatever domain: they have said so themselves."""
    with cast(PanelSession, db.session()).begin_writing():
        rows = db.session.scalars(select(NoticeDomain).where(contains_any_case(NoticeDomain.watchers, address)).with_for_update())
        rules = [rule_of(row) for row in rows if address in watchers_in(row.watchers)]
        for rule in rules:
            left = tuple(each for each in rule.watchers if each != address)
            cast(NoticeDomain, db.session.get(NoticeDomain, rule.domain)).watchers = "\n".join(left)
            told = {"watchers": list(left), "by": address}
            record(actor, Verb.NOTICES_OF_DOMAIN, "domain", rule.domain, before={"watchers": list(rule.watchers)}, after=told)
        db.session.commit()
    let_go(OwnerKind.WATCH.of(address))


def _locked(domain: str) -> NoticeDomain | None:
    query = select(NoticeDomain).where(NoticeDomain.domain == domain).with_for_update()
    return db.session.scalar(query.execution_options(populate_existing=True))


def _put(row: NoticeDomain, rule: DomainRule) -> None:
    row.times, row.everybody, row.language, row.watch_times = rule.times, rule.everybody, rule.language, rule.watch_times
    row.watchers = "\n".join(rule.watchers)


# --- what may be typed ---------------------------------------------------------------------------------------------------------------


def _read(reach: Reach, typed: DomainRule) -> DomainRule:
    domain = read_domain(typed.domain)
    _must_hold(reach, domain)
    if main := aliases_for([domain]).get(domain):
        raise Conflict(_("%(alias)s is another name of %(domain)s: set that one.", alias=domain, domain=main))
    if typed.language and typed.language not in current_app.config["LANGUAGES"]:
        raise BadRequest(_("There is no such language here."))
    watchers = _read_watchers(typed.watchers, domain)
    return DomainRule(domain, read_times(typed.times), typed.everybody, typed.language, watchers, read_times(typed.watch_times))


def _read_watchers(words: Sequence[str], domain: str) -> tuple[str, ...]:
    """Whole addresses, each once; `postmaster` is that of the domain."""
    named = [f"{POSTMASTER}@{domain}" if word.strip().lower() == POSTMASTER else read_address(word) for word in words if word.strip()]
    found = tuple(dict.fromkeys(named))
    if len(found) > MOST_WATCHERS:
        raise BadRequest(_("A domain has at most %(count)s watchers.", count=MOST_WATCHERS))
    return found


def _must_hold(reach: Reach, domain: str) -> None:
    reach.must_hold(f"{POSTMASTER}@{domain}")


def _may_watch(reach: Reach, before: Collection[str], after: Collection[str]) -> None:
    """All mail kept for a domain goes to its watchers: who looks after some domains names people in those only, and what an admin named
    beyond them stays."""
    for address in sorted({*before} ^ {*after}):
        reach.must_hold(address)


# --- what waits ----------------------------------------------------------------------------------------------------------------------


def _put_off(before: DomainRule, rule: DomainRule) -> None:
    """What waits goes by the new rule: the job sees to it."""
    if (before.times, before.everybody) != (rule.times, rule.everybody):
        ask_to_move(rule.domain)


def _follow(before: DomainRule, rule: DomainRule) -> None:
    """After the commit: what waits for watchers."""
    names = (rule.domain, *aliases_by_domain([rule.domain]).get(rule.domain, ()))
    for address in before.watchers:
        if address not in rule.watchers:
            let_go_of_domains(OwnerKind.WATCH.of(address), names)
    if before.watch_times != rule.watch_times:
        for address in rule.watchers:
            _move_one(OwnerKind.WATCH.of(address))


def _move_one(owner: str) -> None:
    with cast(PanelSession, db.session()).begin_writing():
        lock(owner)
        if db.session.get(NoticeDue, owner) is not None:
            move(owner)
        db.session.commit()
