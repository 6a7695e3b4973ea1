"""Who came in, and as which account: found, linked or made, and brought up to date with what the way says."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from app.clock import stored_now
from app.errors import BadRequest, Conflict, NotAllowed
from app.extensions import db
from app.models.people import AddressSource, RoleRow, User, UserAddress, UserWay
from app.roles import Role
from app.services.addresses import MOST_ADDRESSES, put_domains, read_address
from app.services.people import find_user, keep_an_admin

log = logging.getLogger(__name__)

_LONGEST_NAME = 128
_TRIES = 3
_SOURCES = set(AddressSource)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a way says that somebody is."""

    way: str
    subject: str
    """What the way knows this person by, and nobody else ever."""
    username: str
    address: str = ""
    further: tuple[str, ...] = ()
    first_name: str = ""
    last_name: str = ""
    roles: frozenset[str] | None = None
    """None: the way says nothing of roles."""
    domains: frozenset[str] | None = None
    """None: the way says nothing of domains that somebody looks after."""
    owns_names: bool = False
    """The way vouches for names, too: one of them may be linked to the account of that name."""
    lasting: bool = False
    """The subject never changes: another one with the same name and address is somebody else."""


def let_go() -> None:
    """Ends the transaction, so that nobody waits for the database while we wait for something else."""
    db.session.rollback()


def password_hash_of(name: str) -> tuple[int, str] | None:
    """Of an active account with a password of its own, by its name or address."""
    has_one = User.active.is_(True), User.password.is_not(None), User.password != ""
    named, addressed = func.lower(User.username) == name.lower(), func.lower(User.email) == name.lower()
    query = select(User.id, User.password, User.username, User.email).where(*has_one, or_(named, addressed))
    rows = [row for row in db.session.execute(query) if _is_same(row.username, name) or _is_same(row.email, name)]
    let_go()
    found = sorted(rows, key=lambda row: not _is_same(row.username, name))
    return (found[0].id, found[0].password) if found else None


def user_by_id(number: int) -> User | None:
    return db.session.get(User, number)


def count_failure(name: str) -> User | None:
    """Writes the same, and so takes as long, whether there is such an account or not."""
    user = find_user(name)
    first = db.session.scalar(select(func.min(User.id)))
    named = func.lower(User.username) == name.lower()
    count = func.coalesce(User.fail_login_count, 0)
    db.session.execute(update(User).where(or_(named, User.id == first)).values(fail_login_count=count), {"synchronize_session": False})
    db.session.execute(update(User).where(named).values(fail_login_count=count + 1), {"synchronize_session": False})
    db.session.commit()
    return user


def account_of(identity: Identity) -> User:
    """NotAllowed where the name or address belongs to somebody who comes in by another way."""
    for _try in range(_TRIES):
        try:
            return _account_of(identity)
        except (IntegrityError, OperationalError) as error:  # somebody's first login twice at once; on SQLite any write in between
            db.session.rollback()
            if isinstance(error, OperationalError) and "locked" not in str(error.orig):
                raise
    return _account_of(identity)


def _account_of(identity: Identity) -> User:
    user = _known(identity) or _moved(identity) or _linked(identity)
    if user is None:
        what, taken_by = _taken(identity)
        user = _known(identity) if taken_by else _make(identity)  # it may have been made a moment ago
        if user is None:
            raise _refusal(identity, what, taken_by)
    if user.active:
        _refresh(user, identity)
    db.session.commit()
    return user


def _known(identity: Identity) -> User | None:
    ways = UserWay.way == identity.way, UserWay.subject == identity.subject
    return db.session.scalar(select(User).join(UserWay, UserWay.user_id == User.id).where(*ways))


def _moved(identity: Identity) -> User | None:
    """The same name and address by the same way, under another subject: an entry that was moved in its directory."""
    if not identity.address or identity.lasting:
        return None
    same = UserWay.way == identity.way, func.lower(User.username) == identity.username.lower(), User.email == identity.address
    way = db.session.scalar(select(UserWay).join(User, UserWay.user_id == User.id).where(*same))
    if way is None or not (_is_same(way.user.username, identity.username) and _is_same(way.user.email, identity.address)):
        return None
    log.info("login: %s moved from %s to %s", identity.username, way.subject, identity.subject)
    way.subject = identity.subject
    return way.user


def _linked(identity: Identity) -> User | None:
    if not current_app.config["LINK_ACCOUNTS"]:
        return None
    user = _by_address(identity.address) if identity.address else None
    user = user if user is not None and _is_same(user.email, identity.address) else None
    if user is None and identity.owns_names:
        user = find_user(identity.username)
        user = user if user is not None and _is_same(user.username, identity.username) else None
    if user is not None:
        log.warning("login: %s by %s (%s) is now the account %s, too", identity.username, identity.way, identity.subject, user.username)
        _remember(user, identity)
    return user


def _taken(identity: Identity) -> tuple[str, User | None]:
    named = find_user(identity.username) or _by_address(identity.username)  # an address is a name to log in by, too
    return ("name", named) if named else ("address", _by_address(identity.address) if identity.address else None)


def _refusal(identity: Identity, what: str, taken_by: User | None) -> NotAllowed:
    told = "login refused: %s by %s (%s): the %s belongs to the account %s, which comes in by another way"
    log.warning(told, identity.username, identity.way, identity.subject, what, taken_by and taken_by.username)
    return NotAllowed(_("Your name or address belongs to another account here. An administrator has to settle this."))


def _make(identity: Identity) -> User:
    """Without a password of ours: None is no hash, so that nothing matches it."""
    if not identity.username or len(identity.username) > _LONGEST_NAME:
        raise NotAllowed(_("This name is too long for an account."))
    email = identity.address or nowhere(identity)
    names = {"first_name": identity.first_name[:64] or identity.username[:64], "last_name": identity.last_name[:64] or "-"}
    user = User(username=identity.username, email=email, active=True, password=None, roles=_rows([_default_role()]), **names)
    db.session.add(user)
    db.session.flush()
    _remember(user, identity)
    log.info("login: made the account %s for %s (%s)", user.username, identity.way, identity.subject)
    return user


def nowhere(identity: Identity) -> str:
    """An address that no mail can have, for who has none: an account must have one, and all must differ."""
    return f"{identity.username.lower().replace('@', '.at.')}@{identity.way.replace(':', '.')}.invalid"


def _remember(user: User, identity: Identity) -> None:
    db.session.add(UserWay(user_id=user.id, way=identity.way, subject=identity.subject, created_at=stored_now()))


def _refresh(user: User, identity: Identity) -> None:
    user.first_name = identity.first_name[:64] or user.first_name
    user.last_name = identity.last_name[:64] or user.last_name
    source = identity.way.partition(":")[0]
    if source in _SOURCES:
        _set_address(user, identity)
        _set_further(user, AddressSource(source), identity.further)
    if identity.roles is not None:
        _set_roles(user, identity.roles)
    if identity.domains is not None:
        put_domains(user, set(identity.domains))


def _set_address(user: User, identity: Identity) -> None:
    """What a directory no longer says is nobody's address here: it may be somebody else's by now."""
    wanted = identity.address or (nowhere(identity) if not user.password else user.email)
    holder = _by_address(wanted)
    if holder is not None and holder.id != user.id:
        log.warning("login: the address %s of %s belongs to the account %s", wanted, user.username, holder.username)
        wanted = nowhere(identity)
    if user.email != wanted:
        user.email = wanted


def _set_further(user: User, source: AddressSource, said: Iterable[str]) -> None:
    wanted = {address for address in said if address != user.email}
    mine = UserAddress.user_id == user.id
    db.session.execute(delete(UserAddress).where(mine, UserAddress.source == source, UserAddress.address.not_in(wanted)))
    there = set(db.session.scalars(select(UserAddress.address).where(mine)))
    room = max(0, MOST_ADDRESSES - len(there))
    for address in sorted(wanted - there)[:room]:
        db.session.add(UserAddress(user_id=user.id, address=address, source=source, created_at=stored_now()))


def _set_roles(user: User, said: frozenset[str]) -> None:
    rows = _rows(said) or _rows([_default_role()])
    if Role.ADMIN not in {row.name for row in rows}:
        try:
            keep_an_admin(user)
        except Conflict:
            log.warning("login: %s keeps the role Admin, being the last who has it", user.username)
            rows += _rows([Role.ADMIN])
    if {row.id for row in rows} != {row.id for row in user.roles}:
        log.info("login: %s has now the roles %s", user.username, ", ".join(sorted(row.name for row in rows)))
        gained = {row.name for row in rows} - {row.name for row in user.roles} - {Role.RECIPIENT}
        if gained and user.password:
            # Who gave it knows it, and did not look after somebody who may do so much.
            log.warning("login: the password of %s counts no more, since %s came with it", user.username, ", ".join(sorted(gained)))
            user.password = None
        user.roles = rows


def _rows(names: Iterable[str]) -> list[RoleRow]:
    names = set(names) - {Role.PUBLIC}
    rows = list(db.session.scalars(select(RoleRow).where(RoleRow.name.in_(names)).order_by(RoleRow.name)))
    for missing in sorted(names - {row.name for row in rows}):
        log.error("login: there is no role %s (LOGIN_ROLE, LDAP_ROLES, OIDC_FILE)", missing)
    return rows


def _default_role() -> str:
    return str(current_app.config["LOGIN_ROLE"])


def _by_address(address: str) -> User | None:
    return db.session.scalar(select(User).where(func.lower(User.email) == address.lower()))


def _is_same(one: str, other: str) -> bool:
    """MariaDB's collation takes an ö for an o, and so one person for another."""
    return one.lower() == other.lower()


def clean_addresses(texts: Iterable[str], whose: str) -> list[str]:
    """Those that are mail addresses, in order, each once."""
    found = []
    for text in texts:
        try:
            found.append(read_address(text))
        except BadRequest:
            log.warning("login: %r of %s is no mail address", text[:100], whose)
    return list(dict.fromkeys(found))
