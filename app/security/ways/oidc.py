"""OpenID Connect, and mailcow's OAuth2: a visitor is sent to a provider and comes back as somebody."""

import importlib.util
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app, session
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _

from app.errors import BadRequest, MailkeepError, NotAllowed, NotFound
from app.security.logins import login_failed
from app.security.ways import pending
from app.security.ways.claims import identity_of, identity_of_mailcow
from app.security.ways.providers import MAILCOW, SETTING, Provider, read_providers
from app.services import logins
from environment import ConfigError

if TYPE_CHECKING:
    from app.security.ways.oidc_client import Client

log = logging.getLogger(__name__)

_CAME_BY = "came_by"
_LONGEST_TOKEN = 16_384


def prepare(app: Flask) -> None:
    """Nobody is asked yet: a provider that is away keeps nothing from starting, and no login page waits for it."""
    app.extensions["mailkeep_providers"] = {}
    if not app.config[SETTING]:
        return
    if importlib.util.find_spec("authlib") is None:
        raise ConfigError(SETTING, "needs Authlib (make setup EXTRAS=oidc)")
    from app.security.ways.oidc_client import Client

    providers = read_providers(app.config[SETTING])
    app.extensions["mailkeep_providers"] = {name: Client(provider) for name, provider in providers.items()}


def providers() -> list[Provider]:
    """In the order of the file."""
    return [client.provider for client in current_app.extensions["mailkeep_providers"].values()]


def begin(name: str, back: str, next_url: str) -> str:
    """Where the visitor goes. Nothing changes but his cookie."""
    client = _client(name)
    logins.let_go()
    url, begun = client.begin(back, next_url)
    pending.put(begun)
    return url


def finish(name: str, answer: Mapping[str, str], back: str) -> tuple[User, str, dict[str, str]]:
    """Who came back, where he wanted to go, and what remember() is to keep."""
    client = _client(name)
    begun = pending.take(name, answer.get("state", ""))
    provider = client.provider
    if begun is None:
        login_failed("", provider.way)
        raise BadRequest(_("This login has ended, or was used already. Please begin again."))
    logins.let_go()
    try:
        claims, id_token = client.finish(answer, begun, back)
        user = _account(provider, claims)
    except NotAllowed:
        if "error" not in answer:  # who turned back himself has failed at nothing
            login_failed("", provider.way)
        raise
    pending.forget()
    return user, begun.next, {"name": name, "id_token": id_token if len(id_token) <= _LONGEST_TOKEN else ""}


def way_of(name: str) -> str:
    return _client(name).provider.way


def remember(came_by: dict[str, str]) -> None:
    """In the session of who is logged in, which his cookie does not hold."""
    if came_by["id_token"]:
        session[_CAME_BY] = came_by


def end_url(back: str) -> tuple[str, str]:
    """Where the provider's own session ends, and the provider's label; empty where there is nothing to end or it does not answer."""
    came_by: Any = session.get(_CAME_BY)
    client: Client | None = current_app.extensions["mailkeep_providers"].get(came_by["name"]) if came_by else None
    if client is None or not client.provider.logout:
        return "", ""
    try:
        return client.end_url(came_by["id_token"], back), client.provider.label
    except MailkeepError:
        return "", ""


def _account(provider: Provider, claims: dict[str, Any]) -> User:
    identity = identity_of_mailcow(provider, claims) if provider.kind == MAILCOW else identity_of(provider, claims)
    user = logins.account_of(identity)
    if not user.is_active:
        log.warning("login refused: the account %s is switched off", user.username)
        raise NotAllowed(_("This account is switched off."))
    return user


def _client(name: str) -> "Client":
    client: Client | None = current_app.extensions["mailkeep_providers"].get(name)
    if client is None:
        raise NotFound(_("There is nothing here."))
    return client
