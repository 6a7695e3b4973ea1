"""Whose mail somebody may see, as one value that every search, list, count and page is asked with."""

from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import ColumnElement, and_, exists, false, or_, true

from app.mime.addresses import base_of
from app.models import Mail, MailRecipient
from app.queries.plan import Branch, Part

MOST_BRANCHES = 32
"""Beyond so many addresses the index is read once for all of them, and not in the order of ids."""


@dataclass(frozen=True)
class Scope:
    """All mail, or what went to some addresses and domains."""

    addresses: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    everything: bool = False
    plus: str = ""
    tagged: tuple[str, ...] = ()
    """Those of the addresses to which mail with something after a plus has come."""
    but: tuple[str, ...] = ()
    """Addresses with a plus that are somebody else's own."""

    @property
    def is_empty(self) -> bool:
        return not (self.everything or self.addresses or self.domains)

    def owns(self, address: str) -> bool:
        """Whether this recipient of a mail is one of theirs."""
        if self.everything or address in self._addresses or address.rpartition("@")[2] in self.domains:
            return True
        return bool(self.tagged) and address not in self.but and base_of(address, self.plus) in self.tagged

    @cached_property
    def _addresses(self) -> frozenset[str]:
        return frozenset(self.addresses)

    def recipient(self) -> ColumnElement[bool]:
        """Of a row of mail_recipient: one of theirs."""
        if self.everything:
            return true()
        own = [MailRecipient.address.in_(self.addresses)] if self.addresses else []
        by_plus = [self._theirs(MailRecipient.base.in_(self.tagged))] if self.tagged else []
        return or_(false(), *own, *by_plus, *([MailRecipient.domain.in_(self.domains)] if self.domains else []))

    def _theirs(self, base: ColumnElement[bool]) -> ColumnElement[bool]:
        return and_(base, MailRecipient.address.not_in(self.but)) if self.but else base

    def condition(self) -> ColumnElement[bool]:
        """Of a row of mail."""
        if self.everything:
            return true()
        return false() if self.is_empty else exists().where(MailRecipient.mail_id == Mail.id, self.recipient())

    def part(self) -> Part | None:
        """As the first part of each search; None where all mail is meant."""
        if self.everything:
            return None
        return Part(self.condition(), self.branches()) if not self.is_empty else Part(false())

    def branches(self) -> tuple[Branch, ...]:
        ordered = len(self.addresses) + len(self.tagged) + len(self.domains) <= MOST_BRANCHES
        addresses, bases, domains = (f"ix_mail_recipient_{column}" for column in ("address", "base", "domain"))
        if ordered:
            by_address = [Branch(MailRecipient.address == address, addresses) for address in self.addresses]
            by_plus = [Branch(self._theirs(MailRecipient.base == address), bases) for address in self.tagged]
            by_domain = [Branch(MailRecipient.domain == domain, domains) for domain in self.domains]
        else:
            by_address = [Branch(MailRecipient.address.in_(self.addresses), addresses, is_ordered=False)] if self.addresses else []
            by_plus = [Branch(self._theirs(MailRecipient.base.in_(self.tagged)), bases, is_ordered=False)] if self.tagged else []
            by_domain = [Branch(MailRecipient.domain.in_(self.domains), domains, is_ordered=False)] if self.domains else []
        return (*by_address, *by_plus, *by_domain)


ALL = Scope(everything=True)
NOBODY = Scope()
