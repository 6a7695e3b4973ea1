"""The files of a node's Rspamd, from what is known of the node and of the maps."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from flask import current_app
from flask_babel import gettext as _
from werkzeug.security import check_password_hash

from app.errors import BadRequest
from app.models import Node
from app.queries.map_rules import last_agent, map_rules
from app.rspamd.map_kinds import MapRule
from app.rspamd.site_config.files import ConfigFile, config_files
from app.rspamd.site_config.site import OLDEST, Site, read_version, version_text
from app.services import nodes

_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]+\Z")


@dataclass(frozen=True, slots=True)
class Wish:
    node: str
    url: str = ""
    """Empty: as PUBLIC_URL says."""
    password: str = ""
    version: str = ""
    """Empty: as the node called itself last."""
    login_for_maps: bool = False
    release_from: str = ""
    """Addresses, with blanks or commas between."""


@dataclass(frozen=True, slots=True)
class Prepared:
    site: Site
    rules: Sequence[MapRule]
    files: tuple[ConfigFile, ...]
    words: tuple[str, ...]
    """What whoever reads the files should know."""


def prepare(wish: Wish) -> Prepared:
    """Raises BadRequest with a sentence for what cannot be, NotFound for a node that is none."""
    node = nodes.find(wish.node)
    if not node.user:
        raise BadRequest(_("%(node)s has no user: its Rspamd may not post. Give it one first.", node=node.name))
    _check_password(node, wish)
    version, words = _version(node, wish.version)
    if not wish.password:
        words.append(_("The node's password is known only as a hash: CHANGE ME stands in its place."))
    if not node.enabled:
        words.append(_("The node is disabled: nothing it posts is taken."))
    site = Site(
        node.name, _base(wish.url), node.user, wish.password, version, wish.login_for_maps, _virus_symbol(), _addresses(wish.release_from)
    )
    rules = map_rules()
    return Prepared(site, rules, config_files(site, rules), tuple(words))


def _check_password(node: Node, wish: Wish) -> None:
    if wish.password and not check_password_hash(node.password_hash, wish.password):
        raise BadRequest(_("That is not the password of %(node)s.", node=node.name))
    if not wish.login_for_maps:
        return
    if not wish.password:
        raise BadRequest(_("For a login at the maps the node's password is needed."))
    if not (_UNRESERVED.match(node.user) and _UNRESERVED.match(wish.password)):
        raise BadRequest(_("User and password stand in the address of a map: only letters, digits and . _ ~ - can be in them."))


def _version(node: Node, wanted: str) -> tuple[tuple[int, ...], list[str]]:
    version = read_version(wanted) if wanted else None
    if wanted and (version is None or version < OLDEST):
        raise BadRequest(_("%(version)s is no version that is known here: 3.4 or later, such as 4.1.5.", version=wanted))
    if version:
        return version, []
    version = read_version(last_agent(node.name))
    if version and version >= OLDEST:
        return version, [_("Rspamd %(version)s: so the node called itself when it last fetched a map.", version=version_text(version))]
    return OLDEST, [_("Which Rspamd the node has is not known: the files are such as every version from 3.4 on takes.")]


def _addresses(text: str) -> tuple[str, ...]:
    words = text.replace(",", " ").split()
    try:
        return tuple(str(ipaddress.ip_address(word)) for word in words)
    except ValueError:
        raise BadRequest(_("“%(text)s” is no IP address.", text=text[:100])) from None


def _base(wanted: str) -> str:
    base = (wanted or current_app.config["PUBLIC_URL"]).strip().rstrip("/")
    if not base:
        raise BadRequest(_("Where does Rspamd reach this Mailkeep? PUBLIC_URL is not set, so the address has to be given."))
    try:
        parts = urlsplit(base)
        sound = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment and "@" not in parts.netloc
        sound = sound and (parts.port is None or parts.port > 0)
    except ValueError:
        sound = False
    if not sound or quote(base, safe=":/[]%~") != base:
        raise BadRequest(_("%(url)s is no address such as http://mailkeep.example.com:8080.", url=base))
    return base


def _virus_symbol() -> str:
    plain = [symbol for symbol in current_app.config["VIRUS_SYMBOLS"] if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", symbol)]
    return plain[0] if plain else "CLAM_VIRUS"
