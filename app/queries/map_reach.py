"""Whose entries somebody sees and changes: all, those for some domains, or those for their own addresses."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum, unique
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, false, or_, true

from app.errors import NotAllowed, NotFound
from app.models import Editors, Map, MapEntry
from app.queries.scope import NOBODY, Scope
from app.queries.visibility import addresses_of, domains_of, is_admin_here, roles_here, sees_all
from app.roles import Role


@unique
class Foreign(StrEnum):
    """What a recipient may do with an entry for one of their addresses that somebody else made."""

    HIDE = "hide"
    SEE = "see"
    TOGGLE = "toggle"
    DELETE = "delete"


@unique
class Power(IntEnum):
    """Over one entry; each has all that is before it."""

    NONE = 0
    SEE = 1
    TOGGLE = 2
    DELETE = 3
    EDIT = 4


_OF_FOREIGN = {Foreign.HIDE: Power.NONE, Foreign.SEE: Power.SEE, Foreign.TOGGLE: Power.TOGGLE, Foreign.DELETE: Power.DELETE}


@dataclass(frozen=True, slots=True)
class MapReach:
    user_id: int | None = None
    sees_all: bool = False
    edits_all: bool = False
    domain_admin: bool = False
    own: Scope = NOBODY
    """Their own addresses, and the domains they look after."""
    foreign: Foreign = Foreign.SEE

    def sees(self, found: Map) -> bool:
        return self.sees_all or found.editors == Editors.EVERYBODY or (self.domain_admin and found.editors == Editors.DOMAIN_ADMINS)

    def sees_whole(self, found: Map) -> bool:
        """Every entry of a map that they see; of pairs, most see only their own."""
        return self.sees_all or not found.is_personal

    def must_see(self, found: Map | None) -> Map:
        if found is None or not self.sees(found):
            raise NotFound(_("There is no such map."))
        return found

    def edits(self, found: Map) -> bool:
        """Whether they may add something there."""
        return self.edits_all or (self.sees(found) and not self._only_looks)

    def edits_whole(self, found: Map) -> bool:
        """Whether every entry of it is theirs to change."""
        return self.edits_all or (self.domain_admin and found.editors == Editors.DOMAIN_ADMINS and not found.is_personal)

    @property
    def _only_looks(self) -> bool:
        return self.own.is_empty

    def condition(self, found: Map) -> ColumnElement[bool]:
        """Of the entries of a map: those they see."""
        if self.sees_whole(found):
            return true()
        return self.of_theirs()

    def of_theirs(self) -> ColumnElement[bool]:
        """Of pairs."""
        mine: ColumnElement[bool] = MapEntry.rcpt.in_(self.own.addresses) if self.own.addresses else false()
        if self.foreign is Foreign.HIDE:
            mine = and_(mine, MapEntry.owner_id == self.user_id)
        return or_(mine, MapEntry.rcpt_domain.in_(self.own.domains)) if self.own.domains else mine

    def changeable(self, found: Map, wanted: Power) -> ColumnElement[bool]:
        """Of the entries of a map: those over which they have that power."""
        if self.edits_whole(found):
            return true()
        if not found.is_personal or self._only_looks:
            return false()
        mine: ColumnElement[bool] = MapEntry.rcpt.in_(self.own.addresses) if self.own.addresses else false()
        if wanted > _OF_FOREIGN[self.foreign]:
            mine = and_(mine, MapEntry.owner_id == self.user_id)
        return or_(mine, MapEntry.rcpt_domain.in_(self.own.domains)) if self.own.domains else mine

    def power(self, found: Map, entry: MapEntry) -> Power:
        if self.edits_whole(found):
            return Power.EDIT
        if found.is_personal:
            if entry.rcpt_domain in self.own.domains:
                return Power.EDIT
            if entry.rcpt in self.own.addresses:
                return Power.EDIT if entry.owner_id == self.user_id else _OF_FOREIGN[self.foreign]
        return Power.SEE if self.sees(found) and self.sees_whole(found) else Power.NONE

    def must_weigh(self, symbol: str, score: float | None, there: MapEntry | None = None) -> None:
        """NotAllowed for a symbol or a score of an entry's own, but the one that is there: with the score of one's choice a list of blocked
        senders lets them through, and with another symbol, such as DMARC's, they are proven."""
        if self.edits_all or (not symbol and score is None) or (there is not None and (symbol, score) == (there.symbol, there.score)):
            return
        raise NotAllowed(_("Only admins give an entry a symbol or a score of its own."))

    def must_add(self, found: Map, rcpt: str) -> None:
        """NotAllowed for a value that is not theirs to list."""
        self.must_see(found)
        if self.edits_whole(found):
            return
        if not found.is_personal or not self.edits(found):
            raise NotAllowed(_("The entries of this map are not yours to change."))
        if rcpt not in self.own.addresses and rcpt.rpartition("@")[2] not in self.own.domains:
            raise NotAllowed(_("“%(text)s” is none of your addresses.", text=rcpt[:100]))


EVERYTHING = MapReach(sees_all=True, edits_all=True)
"""Of the command line."""


def map_reach_of(user: Any) -> MapReach:
    if not getattr(user, "is_authenticated", False):
        return MapReach(foreign=Foreign.HIDE)
    leads = Role.DOMAIN_ADMIN in roles_here(user)
    own = Scope(addresses_of(user), domains_of(user) if leads else ())
    foreign = Foreign(current_app.config["FOREIGN_ENTRIES"])
    return MapReach(user.id, sees_all(user), is_admin_here(user), leads, own, foreign)
