"""LDAP: an entry of the directory, found by name and proven by its password, read as an identity."""

import logging

from flask import Flask, current_app
from flask_babel import gettext as _

from app.errors import NotAllowed, Unavailable
from app.roles import Role
from app.services.logins import Identity, clean_addresses
from environment import ConfigError

log = logging.getLogger(__name__)

WAY = "ldap"
Entry = dict[str, list[str]]


def prepare(app: Flask) -> None:
    """Nothing is asked yet: a directory that is away keeps nothing from starting."""
    if not app.config["LDAP_SERVERS"]:
        return
    try:
        from app.security.ways.ldap_servers import Servers
    except ImportError:
        raise ConfigError("LDAP_SERVERS", "needs python-ldap (make setup EXTRAS=ldap)") from None
    if not app.config["LDAP_BASE_DN"]:
        raise ConfigError("LDAP_BASE_DN", "is needed with LDAP_SERVERS")
    if app.config["LDAP_BIND_DN"] and not app.config["LDAP_BIND_PASSWORD"]:
        raise ConfigError("LDAP_BIND_PASSWORD", "is needed with LDAP_BIND_DN")
    app.extensions["mailkeep_directory"] = Servers(app.config)


def check(username: str, password: str) -> Identity | None:
    """NotAllowed for who is known and has what this site denies."""
    servers = current_app.extensions.get("mailkeep_directory")
    if servers is None:
        return None
    found = _answered(lambda: servers.proven(username, password))
    return identity_of(*found) if found else None


def look_up(username: str) -> Identity | None:
    """Without a password: for names that somebody else has vouched for."""
    servers = current_app.extensions.get("mailkeep_directory")
    found = _answered(lambda: servers.found(username)) if servers else None
    return identity_of(*found) if found else None


def _answered(ask):  # type: ignore[no-untyped-def]
    try:
        return ask()
    except Unavailable:
        raise Unavailable(_("Wrong name or password; or your account is one of the directory, which does not answer just now.")) from None


def identity_of(subject: str, entry: Entry, groups: frozenset[str]) -> Identity:
    config = current_app.config
    username = _first(entry, (config["LDAP_LOGIN_ATTRIBUTE"],))
    mail = clean_addresses(sorted(_addresses(entry, config["LDAP_MAIL_ATTRIBUTE"])), username)
    if len(mail) > 1 and not config["LDAP_MAIL_MULTIVALUE"]:
        log.warning("login refused: %s (%s) has several values of %s", username, subject, config["LDAP_MAIL_ATTRIBUTE"])
        raise NotAllowed(_("Your entry in the directory has several mail addresses, which this site does not take."))
    aliases = clean_addresses(_addresses(entry, config["LDAP_ALIAS_ATTRIBUTE"]), username)
    if not mail:
        log.warning("login: %s (%s) has no mail address in %s", username, subject, config["LDAP_MAIL_ATTRIBUTE"])
    return Identity(
        way=WAY,
        subject=subject,
        username=username,
        address=mail[0] if mail else "",
        further=tuple(dict.fromkeys([*mail[1:], *aliases])),
        first_name=_first(entry, config["LDAP_FIRST_NAME"]),
        last_name=_first(entry, config["LDAP_LAST_NAME"]),
        roles=_roles(username, groups),
    )


def _roles(username: str, groups: frozenset[str]) -> frozenset[str] | None:
    """What the directory says, where it is to say anything."""
    admins = {name.casefold() for name in current_app.config["LDAP_ADMINS"]}
    mapped = current_app.extensions["mailkeep_directory"].roles
    if not admins and not mapped:
        return None
    found = {role for group in groups for role in mapped.get(group, ())}
    return frozenset(found | ({Role.ADMIN.value} if username.casefold() in admins else set()))


def _first(entry: Entry, attributes: tuple[str, ...]) -> str:
    """The first that says something."""
    values = (value.strip() for attribute in attributes for value in entry.get(attribute.lower(), ()))
    return next((value for value in values if value), "")


def _addresses(entry: Entry, attribute: str) -> list[str]:
    """Active Directory writes smtp:alias@example.com, and other kinds of addresses beside them."""
    found = []
    for value in entry.get(attribute.lower(), ()):
        kind, colon, rest = value.strip().partition(":")
        if not colon or kind.lower() == "smtp":
            found.append((rest if colon else kind).strip().lower())
    return found
