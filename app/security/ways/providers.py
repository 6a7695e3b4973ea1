"""The identity providers of a site, read from its file; a wrong word there stops the start."""

import pathlib
import re
import tomllib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from environment import ConfigError

SETTING = "OIDC_FILE"
OIDC, MAILCOW = "oidc", "mailcow"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,29}")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Provider:
    """One of them, with what its file says."""

    name: str
    kind: str = OIDC
    label: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    client_secret_file: str = ""
    ca_file: str = ""
    admins: tuple[str, ...] = ()
    """Verified addresses, or what the provider itself knows somebody by; of mailcow addresses only."""
    # OpenID Connect
    issuer: str = ""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    username_claim: str = "preferred_username"
    address_claim: str = "email"
    addresses_verified: bool = False
    aliases_claim: str = ""
    roles_claim: str = ""
    roles: dict[str, str] = field(default_factory=dict)
    logout: bool = True
    # mailcow
    url: str = ""
    domain_admin: str = ""

    @property
    def way(self) -> str:
        return f"oidc:{self.name}"

    @property
    def base(self) -> str:
        return self.url if self.kind == MAILCOW else self.issuer


_COMMON = {"kind", "label", "client_id", "client_secret", "client_secret_file", "ca_file", "admins"}
_OF_KIND = {
    OIDC: {
        *("issuer", "scopes", "username_claim", "address_claim", "addresses_verified", "aliases_claim"),
        *("roles_claim", "roles", "logout"),
    },
    MAILCOW: {"url", "domain_admin"},
}


def read_providers(path: str) -> dict[str, Provider]:
    """By name, in the order of the file."""
    try:
        tables = tomllib.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(SETTING, f"cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(SETTING, f"{path} is no TOML: {' '.join(str(error).split())}") from None
    return {name: _provider(name, table, pathlib.Path(path).parent) for name, table in tables.items()}


def _provider(name: str, table: Any, folder: pathlib.Path) -> Provider:
    if not _NAME.fullmatch(name) or name == "code":  # /login/code/ is the second step of a login
        raise ConfigError(SETTING, f"{name[:40]!r} is no name of a provider: lower-case letters, digits and -, at most 30")
    if not isinstance(table, dict):
        raise ConfigError(SETTING, f"{name} is no table such as [{name}]")
    kind = table.get("kind", OIDC)
    if kind not in _OF_KIND:
        raise _wrong(name, "kind", f"is neither {OIDC} nor {MAILCOW}")
    for key in table:
        if key not in _COMMON | _OF_KIND[kind]:
            raise _wrong(name, key, "is no setting of a provider")
    values = {key: _typed(name, key, value) for key, value in table.items()}
    for key in ("client_secret_file", "ca_file"):
        if values.get(key):
            values[key] = str(folder / values[key])
    provider = Provider(**{"name": name, "label": name} | values | _secret(name, values))
    _check(provider)
    return provider


def _typed(name: str, key: str, value: Any) -> Any:
    """Of the same type as the default."""
    default = Provider.__dataclass_fields__[key]
    if key == "roles":
        if not isinstance(value, dict) or not all(isinstance(role, str) and role for role in value.values()):
            raise _wrong(name, key, "is no table of values and roles")
        return dict(value)
    if isinstance(default.default, tuple):
        if not isinstance(value, list) or not all(isinstance(word, str) and word.strip() for word in value):
            raise _wrong(name, key, "is no list of words")
        return tuple(word.strip() for word in value)
    if type(value) is not type(default.default):
        raise _wrong(name, key, "is neither true nor false" if isinstance(default.default, bool) else "is no text")
    return value.strip() if isinstance(value, str) else value


def _secret(name: str, values: dict[str, Any]) -> dict[str, str]:
    if not values.get("client_secret_file"):
        return {}
    if values.get("client_secret"):
        raise _wrong(name, "client_secret_file", "stands beside client_secret: one of them is enough")
    try:
        return {"client_secret": pathlib.Path(values["client_secret_file"]).read_text(encoding="utf-8").strip()}
    except (OSError, UnicodeDecodeError):
        raise _wrong(name, "client_secret_file", f"cannot read {values['client_secret_file']}") from None


def _check(provider: Provider) -> None:
    name, base = provider.name, "url" if provider.kind == MAILCOW else "issuer"
    if not provider.client_id:
        raise _wrong(name, "client_id", "is missing")
    if not provider.label or len(provider.label) > 60 or not provider.label.isprintable():
        raise _wrong(name, "label", "is empty or longer than 60 characters")
    if not is_safe_url(provider.base) or urlsplit(provider.base).query:
        raise _wrong(name, base, f"is no address such as https://sso.example.com, but {provider.base!r}")
    if provider.ca_file and not pathlib.Path(provider.ca_file).is_file():
        raise _wrong(name, "ca_file", f"cannot read {provider.ca_file}")
    if provider.kind == OIDC and "openid" not in provider.scopes:
        raise _wrong(name, "scopes", "lacks openid")
    if provider.kind == OIDC and not (provider.username_claim and provider.address_claim):
        raise _wrong(name, "username_claim" if provider.address_claim else "address_claim", "is empty")
    if provider.roles and not provider.roles_claim:
        raise _wrong(name, "roles_claim", "is needed with roles")
    if provider.address_claim != "email" and not provider.addresses_verified:
        raise _wrong(name, "address_claim", "of this name needs addresses_verified = true: no provider says whether it is verified")
    if "@" in provider.domain_admin:
        raise _wrong(name, "domain_admin", "is the part before the @ only")


def is_safe_url(text: str) -> bool:
    """https, or http on this very machine."""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - it raises where it is no number
    except ValueError:
        return False
    plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
    clean = bool(parts.hostname) and not parts.username and not parts.fragment and text.isprintable() and " " not in text
    return clean and (parts.scheme == "https" or plain)


def _wrong(name: str, key: str, why: str) -> ConfigError:
    return ConfigError(SETTING, f"[{name}] {key} {why}")
