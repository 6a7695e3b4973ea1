"""What a provider says of somebody, read as an identity; nothing it says is taken for more than it is."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _

from app.errors import NotAllowed
from app.roles import Role
from app.security.ways.providers import Provider
from app.services.logins import Identity, clean_addresses

log = logging.getLogger(__name__)

Claims = Mapping[str, Any]
_LONGEST_SUBJECT, _LONGEST_NAME = 255, 128
_MOST_VALUES = 1000


def joined(provider: Provider, token: Claims, more: Claims) -> dict[str, Any]:
    """An address and whether it is verified are of one document: together they would say what neither did."""
    either = ("email", "email_verified", provider.address_claim)
    source = token if _text(token, provider.address_claim) else more
    values = {name: value for name, value in {**more, **token}.items() if name not in either}
    return values | {name: source[name] for name in either if name in source}


def identity_of(provider: Provider, claims: Claims) -> Identity:
    """Of OpenID Connect."""
    subject = _subject(provider, claims.get("sub"))
    address = _address(provider, claims, subject)
    username = _text(claims, provider.username_claim) or address or subject
    further = clean_addresses(values_of(claims, provider.aliases_claim)[:_MOST_VALUES], subject) if provider.aliases_claim else []
    whole = _text(claims, "name")
    return Identity(
        way=provider.way,
        subject=subject,
        username=_username(provider, username),
        address=address,
        further=tuple(dict.fromkeys(each for each in further if each != address)),
        first_name=_text(claims, "given_name") or whole,
        last_name=_text(claims, "family_name"),
        roles=_roles(provider, claims, subject, address),
        lasting=True,
    )


def identity_of_mailcow(provider: Provider, profile: Claims) -> Identity:
    """Its mailboxes are its accounts, so their addresses need no further proof."""
    name = _text(profile, "email") or _text(profile, "username")
    addresses = clean_addresses([name], provider.name) if name else []
    if profile.get("success") is False or not addresses or ("active" in profile and str(profile["active"]) not in ("1", "True")):
        log.warning("login refused: %s names no active mailbox", provider.name)
        raise refused(provider)
    address = addresses[0]
    local, _at, domain = address.rpartition("@")
    roles, domains = None, None
    if provider.admins or provider.domain_admin:
        is_admin, looks_after = address in _folded(provider.admins), local == provider.domain_admin.lower()
        found = {Role.ADMIN.value: is_admin, Role.DOMAIN_ADMIN.value: looks_after}
        roles = frozenset(role for role, has in found.items() if has)
    if provider.domain_admin:
        domains = frozenset({domain} if local == provider.domain_admin.lower() else set())
    return Identity(
        way=provider.way,
        subject=_subject(provider, _text(profile, "identifier") or address),
        username=_username(provider, address),
        address=address,
        first_name=_text(profile, "displayName") or _text(profile, "full_name"),
        roles=roles,
        domains=domains,
        lasting=True,
    )


def values_of(claims: Claims, name: str) -> list[str]:
    """The words of a claim by its name, or by the way to it: realm_access.roles. Of a table, its keys."""
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    words = [found] if isinstance(found, str) else list(found) if isinstance(found, list | Mapping) else []
    return [word.strip() for word in words if isinstance(word, str) and word.strip()]


def _address(provider: Provider, claims: Claims, subject: str) -> str:
    """Empty where nobody has made sure that it is theirs: it would open the mail of whoever's it is."""
    said = _text(claims, provider.address_claim)
    found = clean_addresses([said], subject) if said else []
    if found and not provider.addresses_verified and not _is_true(claims.get("email_verified")):
        log.warning("login: %s does not say that %s is verified: %s has no address", provider.name, found[0], subject)
        return ""
    return found[0] if found else ""


def _is_true(said: Any) -> bool:
    """Some providers write it as a word; 1 is neither."""
    return said is True or said == "true"


def _roles(provider: Provider, claims: Claims, subject: str, address: str) -> frozenset[str] | None:
    """What the provider says, where it is to say anything. A subject that looks like an address is none that was verified."""
    if not provider.admins and not provider.roles:
        return None
    said = values_of(claims, provider.roles_claim)[:_MOST_VALUES] if provider.roles else []
    found = {provider.roles[value] for value in said if value in provider.roles}
    is_admin = address in _folded(provider.admins) if address else False
    is_admin = is_admin or ("@" not in subject and subject in provider.admins)
    return frozenset(found | ({Role.ADMIN.value} if is_admin else set()))


def _subject(provider: Provider, said: Any) -> str:
    if not isinstance(said, str) or not said or said != said.strip() or len(said) > _LONGEST_SUBJECT or not said.isprintable():
        log.warning("login refused: %s names nobody: %r", provider.name, str(said)[:100])
        raise refused(provider)
    return said


def _username(provider: Provider, name: str) -> str:
    if len(name) > _LONGEST_NAME or not name.isprintable():
        log.warning("login refused: %s names somebody %r", provider.name, name[:200])
        raise refused(provider)
    return name


def _text(claims: Claims, name: str) -> str:
    value = claims.get(name)
    return value.strip() if isinstance(value, str) else ""


def _folded(words: Iterable[str]) -> set[str]:
    return {word.lower() for word in words}


def refused(provider: Provider) -> NotAllowed:
    return NotAllowed(_("What %(label)s says of you cannot be used here; the log says why.", label=provider.label))
