"""Mails of our own: written in the language of whoever gets them, and handed to the relay."""

import ipaddress
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app
from flask_babel import force_locale
from flask_babel import gettext as _

from app.clock import utcnow
from app.errors import Unavailable
from app.extensions import db
from app.mime.compose import compose, new_message_id
from app.mime.text import one_line
from app.services.own_letters import HEADER, mark_of
from app.smtp import Relay, send
from environment import ConfigError

log = logging.getLogger(__name__)


def prepare(app: Flask) -> None:
    """Nothing is asked yet: a relay that is away keeps nothing from starting."""
    config = app.config
    if config["NOTICE_LINK_DAYS"] > config["NOTICE_KEEP_DAYS"]:  # a link that was used is known by its letter
        raise ConfigError("NOTICE_LINK_DAYS", "cannot be more than NOTICE_KEEP_DAYS")
    if config["RELEASE_URL"] and not config["MAIL_FROM"]:
        raise ConfigError("MAIL_FROM", "is needed with RELEASE_URL")
    if not config["SMTP_URL"]:
        return
    if not config["MAIL_FROM"]:
        raise ConfigError("MAIL_FROM", "is needed with SMTP_URL")
    if config["SMTP_USER"] and not config["SMTP_PASSWORD"]:
        raise ConfigError("SMTP_PASSWORD", "is needed with SMTP_USER")
    if config["SMTP_USER"] and config["SMTP_URL"].startswith("smtp:") and not _is_here(urlsplit(config["SMTP_URL"]).hostname or ""):
        raise ConfigError("SMTP_USER", "would send its password in the clear; take smtps:// or smtp+starttls://")
    if not config["SMTP_CA_FILE"]:
        return
    try:
        relay_of(config).trust()
    except OSError:
        raise ConfigError("SMTP_CA_FILE", f"{config['SMTP_CA_FILE']} holds no certificates") from None


def can_carry_links() -> bool:
    return carries_links(current_app.config)


def carries_links(config: Mapping[str, Any]) -> bool:
    """Whether there is a relay, and an address that links lead to. A portal is not enough: admins, and who watches domains, have nothing
    there."""
    return bool(config["SMTP_URL"] and config["PUBLIC_URL"])


def must_carry_links() -> None:
    if not can_carry_links():
        raise Unavailable(_("No link can be mailed: SMTP_URL and PUBLIC_URL have to be set."))


def send_letter(letter: str, to: str, language: str = "", **values: str) -> str:
    """`letter` is the name of two templates. What the relay said; Unavailable with a sentence that says why not. Ends the transaction, so
    that nobody waits for the database while we wait for the relay."""
    config = current_app.config
    if not config["SMTP_URL"]:
        raise Unavailable(_("No mail can be sent: there is no relay (SMTP_URL)."))
    return hand_over(letter, _write(letter, to, language, values), to)


def hand_over(letter: str, message: bytes, to: str, *, sender: str | None = None) -> str:
    """As send_letter, of a message that is written already. `sender`: of the envelope, where it is not MAIL_FROM."""
    config = current_app.config
    if not config["SMTP_URL"]:
        raise Unavailable(_("No mail can be sent: there is no relay (SMTP_URL)."))
    db.session.rollback()
    try:
        said = send(message, config["MAIL_FROM"] if sender is None else sender, [envelope_of(to)], relay_of(config))
    except Unavailable as error:
        log.warning("mail %r to %s not sent: %s", letter, to, error)
        raise Unavailable(_("The mail to %(address)s could not be sent. %(why)s", address=to, why=str(error))) from error
    log.info("mail %r to %s: %s", letter, to, said)
    return said


def own_headers(address: str) -> dict[str, str]:
    """By which a letter to this envelope address is known again when Rspamd tells of it."""
    config = current_app.config
    message_id = new_message_id(config["MAIL_FROM"])
    return {"Message-ID": message_id, HEADER: mark_of(str(config["SECRET_KEY"]), message_id, address)}


def written(letter: str, language: str, **values: str) -> tuple[str, str]:
    """Its subject and its text."""
    config = current_app.config
    known = language if language in config["LANGUAGES"] else config["BABEL_DEFAULT_LOCALE"]
    with force_locale(known):
        return _render(f"mail/{letter}-subject.txt", values), _render(f"mail/{letter}-text.txt", values)


def _write(letter: str, to: str, language: str, values: dict[str, str]) -> bytes:
    config = current_app.config
    subject, text = written(letter, language, **values)
    address = envelope_of(to)
    names = {"name": config["APP_NAME"], "sender": config["MAIL_FROM"], "recipient": address}
    try:
        return compose(**names, subject=subject, text=text, at=utcnow(), own=own_headers(address))
    except ValueError:
        raise Unavailable(_("%(address)s is no address that mail can be sent to.", address=to)) from None


def _render(template: str, values: dict[str, str]) -> str:
    """Without what Flask adds for pages: there is no request here. A value is never more than one line."""
    found = current_app.jinja_env.get_template(template)
    return found.render({key: one_line(value) for key, value in values.items()}, app_name=current_app.config["APP_NAME"]).strip() + "\n"


def envelope_of(address: str) -> str:
    """A domain as every relay takes it."""
    local, at, domain = address.rpartition("@")
    try:
        return f"{local}{at}{domain.encode('idna').decode()}"
    except UnicodeError:
        return address


def relay_of(config: Any) -> Relay:
    named = (config[f"SMTP_{name}"] for name in ("URL", "USER", "PASSWORD", "CA_FILE", "TIMEOUT"))
    return Relay(*named)


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
