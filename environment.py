"""How a setting is read from the environment: as what it has to be, or ConfigError, which stops the start with one line that names it."""

import ipaddress
import math
import os
import pathlib
import re
from collections.abc import Callable
from zoneinfo import available_timezones

from limits import parse_many

BASE_DIR = pathlib.Path(__file__).resolve().parent

KB, MB = 1024, 1024 * 1024
WEAK_SECRETS = ("", "change_me", "changeme", "secret", "dev", "default", "mailkeep")


class ConfigError(SystemExit):
    """Stops the start: str() is the one line that says which setting is wrong and why."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"mailkeep: {name}: {why}")


def _raw(name: str) -> str | None:
    file = os.environ.get(f"{name}_FILE")
    if name in os.environ or not file:
        return os.environ.get(name)
    try:
        return pathlib.Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{name}_FILE", f"cannot read {file}: {error.strerror}") from None


def env_str(name: str, default: str) -> str:
    value = _raw(name)
    return default if value is None else value.strip()


def env_secret(name: str, default_file: pathlib.Path) -> str:
    """NAME, else the file of NAME_FILE, else `default_file` where it exists, else empty (refused by create_app)."""
    value = _raw(name)
    if value is None and default_file.exists():
        value = default_file.read_text(encoding="utf-8")
    return (value or "").strip()


def env_bool(name: str, default: bool) -> bool:
    value = env_str(name, "yes" if default else "no").lower()
    if value in ("1", "yes", "true", "on"):
        return True
    if value in ("0", "no", "false", "off", ""):
        return False
    raise ConfigError(name, f"{value!r} is neither yes nor no")


def env_int(name: str, default: int, at_least: int = 0, at_most: int = 2**53) -> int:
    value = env_str(name, str(default))
    try:
        number = int(value)
    except ValueError:
        raise ConfigError(name, f"{value!r} is not a whole number") from None
    if not at_least <= number <= at_most:
        raise ConfigError(name, f"{number} is not between {at_least} and {at_most}")
    return number


def env_float(name: str, default: float, at_least: float, at_most: float) -> float:
    value = env_str(name, str(default))
    try:
        number = float(value)
    except ValueError:
        raise ConfigError(name, f"{value!r} is not a number") from None
    if not at_least <= number <= at_most:  # also refuses nan
        raise ConfigError(name, f"{number} is not between {at_least} and {at_most}")
    return number


def env_list(name: str, default: str, allowed: tuple[str, ...] = (), convert: Callable[[str], str] = str.strip) -> tuple[str, ...]:
    """Comma-separated words; with `allowed`, only those."""
    words = tuple(convert(word) for word in env_str(name, default).split(",") if word.strip())
    for word in words:
        if allowed and word not in allowed:
            raise ConfigError(name, f"{word!r} is none of {', '.join(allowed)}")
    return words


def env_scores(name: str, default: str) -> dict[str, float]:
    """ "add header=6, reject=15" as a table."""
    try:
        table = {action.strip().lower(): float(score) for action, score in (word.split("=") for word in env_list(name, default))}
    except ValueError:
        table = {"": math.nan}
    if not all(action and math.isfinite(score) for action, score in table.items()):
        raise ConfigError(name, "is no list such as greylist=4, add header=6, reject=15")
    return table


def env_rate(name: str, default: str) -> str:
    """Checked here: what Flask-Limiter cannot read, it passes over, and then nothing is limited."""
    value = env_str(name, default)
    try:
        parse_many(value)
    except ValueError:
        raise ConfigError(name, f"{value!r} is no rate such as 10 per minute") from None
    return value


def env_folder(name: str, default: str, *, may_be_empty: bool = False) -> str:
    value = env_str(name, default)
    if not value and not may_be_empty:
        raise ConfigError(name, "is empty: it names a folder")
    return str(BASE_DIR / value) if value else ""


def env_networks(name: str, default: str) -> tuple[str, ...]:
    words = env_list(name, default)
    for word in words:
        try:
            ipaddress.ip_network(word, strict=False)
        except ValueError:
            raise ConfigError(name, f"{word!r} is not an IP address or network") from None
    return words


def env_choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = env_str(name, default)
    if value not in allowed:
        raise ConfigError(name, f"{value!r} is none of {', '.join(allowed)}")
    return value


def env_zone(name: str, default: str) -> str:
    value = env_str(name, default)
    if value not in available_timezones():
        raise ConfigError(name, f"{value!r} is no time zone such as Europe/Berlin")
    return value


def env_plus(name: str, default: str) -> str:
    """One sign that may stand in a name, or nothing."""
    value = env_str(name, default)
    if value and (len(value) > 1 or not value.isascii() or not value.isprintable() or value.isalnum() or value in '@"<>,;'):
        raise ConfigError(name, f"{value!r} is not one sign such as +")
    return value


NODE_NAME_RULE = "lower-case letters, digits, - . and _, beginning with a letter or digit, at most 64"


def is_node_name(value: str) -> bool:
    return re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", value) is not None


def node_name(name: str, default: str) -> str:
    value = env_str(name, default).lower()
    if not is_node_name(value):
        raise ConfigError(name, f"{value!r} is not a node name: {NODE_NAME_RULE}")
    return value


def env_attributes(name: str, default: str) -> tuple[str, ...]:
    """Names of LDAP attributes, the first that has a value counts."""
    words = env_list(name, default)
    for word in words:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9;-]*|\d+(\.\d+)+", word):
            raise ConfigError(name, f"{word!r} is no name of an attribute")
    return words


def env_attribute(name: str, default: str) -> str:
    words = env_attributes(name, default)
    if len(words) > 1 or (default and not words):
        raise ConfigError(name, "takes the name of one attribute")
    return words[0] if words else ""


def env_filter(name: str, default: str) -> str:
    value = env_str(name, default)
    if value and not (value.startswith("(") and value.endswith(")") and value.count("(") == value.count(")")):
        raise ConfigError(name, f"{value!r} is no filter such as (objectClass=person)")
    return value


def env_roles(name: str, default: str) -> tuple[tuple[str, str], ...]:
    """ "cn=admins,dc=example,dc=com=Admin; ..." as pairs: DNs are full of commas and equal signs, so the last one counts."""
    pairs = []
    for word in re.split(r"(?<!\\);", env_str(name, default)):
        group, equals, role = (part.strip() for part in word.rpartition("="))
        if word.strip() and not (group and equals and role):
            raise ConfigError(name, f"{word.strip()!r} is no group and role such as cn=admins,ou=groups,dc=example,dc=com=Admin")
        if word.strip():
            pairs.append((group, role))
    return tuple(pairs)


_HOUR = r"([01]?\d|2[0-3]):[0-5]\d"
_DAY = "(sun|mon|tues|wednes|thurs|fri|satur)day"
_TIMES = re.compile(rf"never|at once|hourly|daily at {_HOUR}|weekly on {_DAY} at {_HOUR}", re.ASCII)


def env_times(name: str, default: str) -> tuple[tuple[str, str], ...]:
    """ "Recipient=daily at 07:00; Admin=never" as pairs."""
    pairs = []
    for word in env_str(name, default).split(";"):
        role, equals, times = (part.strip() for part in word.partition("="))
        times = " ".join(times.lower().split())
        if word.strip() and not (role and equals and _TIMES.fullmatch(times)):
            raise ConfigError(name, f"{word.strip()!r} is no role and times such as Recipient=daily at 07:00")
        if word.strip():
            pairs.append((role, times))
    return tuple(pairs)


def env_file(name: str, default: str) -> str:
    value = env_str(name, default)
    if value and not os.access(BASE_DIR / value, os.R_OK):
        raise ConfigError(name, f"cannot read {value}")
    return str(BASE_DIR / value) if value else ""


def env_header(name: str, default: str) -> str:
    value = env_str(name, default)
    if value and not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", value):
        raise ConfigError(name, f"{value!r} is no name of a header such as X-Remote-User")
    return value


def refuse_weak_secret(secret: str) -> None:
    if secret.lower() in WEAK_SECRETS or len(secret) < 16:
        raise ConfigError("SECRET_KEY", "is missing, well known or shorter than 16 characters; `make run` writes one to var/secret_key")
