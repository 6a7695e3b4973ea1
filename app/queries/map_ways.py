"""The index by which the mails are found that a few entries of a map may hit. What it leaves is compared all the same."""

import ipaddress
from collections.abc import Collection, Iterator

from sqlalchemy import and_, exists, or_, true

from app.models import Mail, MailRecipient
from app.queries.fields import Filter, Op, part_of
from app.queries.map_samples import Sampler
from app.queries.plan import Branch, Part
from app.queries.scope import Scope
from app.rspamd.map_kinds import MapKind, MapPart

_MOST = 16
_PART_FIELDS = {MapPart.MAIL_FROM: ("sender", "sender_domain"), MapPart.MIME_FROM: ("from", "from_domain"), MapPart.IP: ("ip", "ip")}
_DOTTED = ("gmail.com", "googlemail.com")
"""Of their addresses lists have no dots."""


def way_to(sampler: Sampler, values: Collection[str] | None, scope: Scope) -> Part | None:
    """None where there is none: then all mails are looked at."""
    if sampler.part is MapPart.USER:
        known = Mail.user != ""
        return Part(known, (Branch(known, "ix_mail_auth_user", is_ordered=False),))
    if sampler.part is MapPart.VIRUS:
        infected = Mail.has_virus.is_(True)
        return Part(infected, (Branch(infected, "ix_mail_has_virus"),))
    if values is None or len(values) > _MOST or sampler.kind is MapKind.REGEXP:
        return None
    if sampler.part is MapPart.RCPT:
        return _to_recipients(values, scope)
    if sampler.part not in _PART_FIELDS:
        return None
    return part_of(Filter("q", Op.IS, [each for value in values for each in _filters(sampler, value)]), scope)


def _filters(sampler: Sampler, value: str) -> Iterator[Filter]:
    by_address, by_domain = _PART_FIELDS[sampler.part]
    if sampler.part is MapPart.IP:
        yield Filter("ip", Op.IS, ipaddress.ip_network(value))
        return
    local, at, domain = (value.partition("|")[0] if sampler.kind is MapKind.PAIR else value).rpartition("@")
    # Lists have a domain as DNS has it, a mail may have it as people write it.
    for spelling in dict.fromkeys((domain, _as_written(domain))):
        if not at or domain in _DOTTED:
            yield Filter(by_domain, Op.IS, spelling)
        else:
            yield Filter(by_address, Op.IS, f"{local}@{spelling}")
    if at and domain not in _DOTTED:
        yield Filter(by_address, Op.STARTS, f"{local}+")


def _as_written(domain: str) -> str:
    try:
        return ".".join(label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label for label in domain.split("."))
    except UnicodeError:
        return domain


def _to_recipients(values: Collection[str], scope: Scope) -> Part | None:
    branches: list[Branch] = []
    for value in values:
        local, at, domain = value.rpartition("@")
        if at and domain in _DOTTED:
            return None
        for spelling in dict.fromkeys((domain, _as_written(domain))):
            columns = ("address", "base") if at else ("domain",)
            for name in columns:
                condition = and_(
                    getattr(MailRecipient, name) == f"{local}{at}{spelling}", true() if scope.everything else scope.recipient()
                )
                branches.append(Branch(condition, f"ix_mail_recipient_{name}"))
    return Part(exists().where(MailRecipient.mail_id == Mail.id, or_(*(branch.condition for branch in branches))), tuple(branches))
