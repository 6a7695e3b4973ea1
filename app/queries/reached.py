"""Which addresses are somebody's by rule: with something after a plus, and in the other names of their domains.

What an account has as its own address is nobody else's by rule, as mail servers look for the whole address first.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, exists, func, or_, select, union

from app.extensions import db
from app.mime.addresses import base_of
from app.models import MailRecipient, UserAddress
from app.models.people import User
from app.queries.domains import aliases_by_domain
from app.queries.matching import contains, escaped
from app.queries.scope import MOST_BRANCHES, Scope


def scope_by_rule(user_id: int, own: tuple[str, ...], domains: tuple[str, ...] = ()) -> Scope:
    """What `own` and `domains` come to. They are few questions, and for who has no alias and no plus mail only two."""
    others = _in_aliases(own)
    if others:
        taken = _of_others(user_id, lambda column: column.in_(others))
        others = {address: stands_for for address, stands_for in others.items() if address not in taken}
    addresses = tuple(dict.fromkeys((*own, *others)))
    plus = str(current_app.config["PLUS_ADDRESSING"])
    tagged = _with_tags(addresses) if plus else ()
    if not tagged:
        return Scope(addresses, domains)
    aliased = {address: others[address] for address in tagged if address in others}
    near = _of_others(user_id, lambda column: _begins_like(column, (*{*tagged, *aliased.values()},), plus))
    but = tuple(sorted(each for address in near for each in _not_theirs(address, tagged, aliased, plus)))
    return Scope(addresses, domains, plus=plus, tagged=tagged, but=but)


def _not_theirs(address: str, tagged: Sequence[str], aliased: dict[str, str], plus: str) -> Iterator[str]:
    """What somebody else's own address takes from these: itself, and itself in the other names of its domain."""
    base, local = base_of(address, plus), address.rpartition("@")[0]
    if base in tagged:
        yield address
    for other in (other for other, stands_for in aliased.items() if stands_for == base):
        yield f"{local}@{other.rpartition('@')[2]}"


def _in_aliases(own: Sequence[str]) -> dict[str, str]:
    """By the address in the alias, the one that it stands for."""
    parts = [address.rpartition("@") for address in own]
    aliases = aliases_by_domain(domain for _local, _at, domain in parts)
    return {f"{local}@{alias}": f"{local}@{domain}" for local, _at, domain in parts for alias in aliases.get(domain, ())}


def _with_tags(addresses: Sequence[str]) -> tuple[str, ...]:
    """Those to which mail with a plus has come; of very many, all or none."""
    if not addresses:
        return ()
    if len(addresses) > MOST_BRANCHES:
        found = select(MailRecipient.mail_id).where(MailRecipient.base.in_(addresses)).limit(1)
        return tuple(addresses) if db.session.scalar(found) is not None else ()
    there = db.session.execute(select(*(exists().where(MailRecipient.base == address) for address in addresses))).one()
    return tuple(address for address, is_there in zip(addresses, there, strict=True) if is_there)


def _begins_like(column: Any, tagged: Sequence[str], plus: str) -> ColumnElement[bool]:
    if len(tagged) > MOST_BRANCHES:
        return contains(column, plus)
    parts = (address.rpartition("@") for address in tagged)
    return or_(*(column.like(f"{escaped(local + plus)}%{escaped('@' + domain)}", escape="!") for local, _at, domain in parts))


def _of_others(user_id: int, condition: Any) -> set[str]:
    email: Any = func.lower(User.email)
    further: Iterable[Any] = (UserAddress.user_id != user_id, condition(UserAddress.address))
    main: Iterable[Any] = (User.id != user_id, condition(email))
    return set(db.session.scalars(union(select(UserAddress.address).where(*further), select(email).where(*main))))
