"""How settings are read that say where something is: databases, stores, relays, and our own addresses."""

import importlib.util
import re
from urllib.parse import parse_qsl, urlsplit

from limits.storage import SCHEMES  # type: ignore[attr-defined]
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from environment import BASE_DIR, ConfigError, env_list, env_str


def counter_url(name: str, default: str) -> str:
    value = env_str(name, default)
    if value.partition("://")[0] not in SCHEMES:
        raise ConfigError(name, f"{value!r} is neither memory:// nor a URL such as redis://localhost:6379")
    return value


_REDIS = re.compile(r"rediss?://[^/\s]+(/\d*)?(\?\S*)?")


_SENTINELS = re.compile(r"redis\+sentinel://([^:@/\s]*:[^@/\s]*@)?[^@/\s,]+:\d+(,[^@/\s,]+:\d+)*/[^/\s]+(/\d+)?")


def session_store_url(name: str, default: str) -> str:
    """Not shown where it is wrong: it may hold a password."""
    value = env_str(name, default)
    if value == "database":
        return value
    if not (_REDIS.fullmatch(value) or _SENTINELS.fullmatch(value)):
        raise ConfigError(name, "is neither database nor a URL: redis://host:6379/0 or redis+sentinel://host:26379,host:26379/service")
    if importlib.util.find_spec("redis") is None:
        raise ConfigError(name, "needs Python's redis: make setup EXTRAS=redis")
    return value


def database_url(name: str, default: str) -> str:
    """The URL with the driver we ship for it: mysqlclient, psycopg, or Python's own sqlite3."""
    value = env_str(name, default)
    try:
        url = make_url(value)
    except ArgumentError:
        raise ConfigError(name, "is not a database URL such as sqlite:///var/mailkeep.db or mysql://user:password@host/name") from None
    if url.drivername in ("mysql", "mariadb", "mysql+mysqldb", "mariadb+mysqldb"):
        url = url.set(drivername="mysql+mysqldb").update_query_dict({"charset": "utf8mb4"})
    elif url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        url = url.set(drivername="postgresql+psycopg")
    elif url.drivername == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ConfigError(name, "SQLite needs a file: sqlite:///var/mailkeep.db")
        url = url.set(database=str(BASE_DIR / url.database))
    else:
        raise ConfigError(name, f"{url.drivername} is none of sqlite, mysql, postgresql")
    return url.render_as_string(hide_password=False)


_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?")
_WORDS = {
    "endpoint": re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?(/[A-Za-z0-9._-]+)*/?"),
    "region": re.compile(r"[a-z0-9-]+"),
    "path_style": re.compile(r"yes|no"),
    "timeout": re.compile(r"[1-9]\d?"),
}


def store_url(name: str, default: str) -> str:
    return read_store_url(name, env_str(name, default))


def read_store_url(name: str, value: str) -> str:
    scheme, colon, rest = value.partition(":")
    if scheme == "s3" and rest.startswith("//"):
        return _bucket_url(name, value)
    if not colon or scheme != "file" or not rest.strip("/"):
        raise ConfigError(name, f"{value!r} is not a store URL such as file:///var/lib/mailkeep/store or s3://bucket/prefix")
    path = rest.removeprefix("//")
    return f"file://{BASE_DIR / path}"


def _bucket_url(name: str, value: str) -> str:
    """Never shown where it is wrong: somebody may have put a password there, where none belongs."""
    try:
        parts = urlsplit(value)
        words = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise ConfigError(name, "is no store URL such as s3://bucket/prefix") from None
    if parts.fragment or not _BUCKET.fullmatch(parts.netloc) or not _PREFIX.fullmatch(parts.path):
        raise ConfigError(
            name, "is no store URL such as s3://bucket/prefix (the keys are told in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"
        )
    for word, said in words:
        if word not in _WORDS or not _WORDS[word].fullmatch(said):
            raise ConfigError(
                name, f"{word} is none of endpoint=https://host, region=name, path_style=yes or no, and timeout=1 to 99 seconds"
            )
    if importlib.util.find_spec("botocore") is None:
        raise ConfigError(name, "needs Python's botocore: make setup EXTRAS=s3")
    return value


def syslog_url(name: str, default: str) -> str:
    value = env_str(name, default)
    try:
        parts = urlsplit(value)
        is_udp = parts.scheme == "udp" and bool(parts.hostname) and bool(parts.port)
        is_unix = parts.scheme == "unix" and not parts.netloc and parts.path.startswith("/")
    except ValueError:  # no port
        is_udp = is_unix = False
    if value and not (is_udp or is_unix):
        raise ConfigError(name, f"{value!r} is neither udp://host:port nor unix:/dev/log")
    return value


def smtp_url(name: str, default: str) -> str:
    value = env_str(name, default)
    if value and not re.fullmatch(r"(smtp|smtps|smtp\+starttls)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?/?", value):
        raise ConfigError(name, "is none of smtp://host:25, smtp+starttls://host:587 and smtps://host:465")
    return value.rstrip("/")


def release_url(name: str, default: str) -> str:
    value = env_str(name, default)
    host = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
    if value and not re.fullmatch(rf"(smtp|smtps|smtp\+starttls|lmtp)://{host}(:\d{{1,5}})?/?|lmtp\+unix:///[^\s?#]+", value):
        raise ConfigError(name, "is none of smtp://host:25, smtp+starttls://host:587, smtps://host:465, lmtp://host:24, lmtp+unix:///path")
    return value.rstrip("/")


def env_address(name: str, default: str) -> str:
    value = env_str(name, default)
    if value and not re.fullmatch(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}", value, re.ASCII):
        raise ConfigError(name, f"{value!r} is no mail address such as mailkeep@example.com")
    return value


_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8")
_MOST_PICTURE_BYTES = 64 * 1024


def env_picture(name: str, default: str) -> str:
    """A link, or the whole path of a file that mail programs show."""
    value = env_str(name, default)
    if not value or re.fullmatch(r"https://[A-Za-z0-9.-]+(:\d{1,5})?/[^\s\"'<>{}]*", value):
        return value
    try:
        content = (BASE_DIR / value).read_bytes()
    except OSError:
        raise ConfigError(name, f"{value!r} is neither a file that can be read nor a link such as https://host/logo.png") from None
    if not content.startswith(_PICTURES) or len(content) > _MOST_PICTURE_BYTES:
        raise ConfigError(name, f"{value} is no PNG, JPEG or GIF of {_MOST_PICTURE_BYTES // 1024} kB at most")
    return str(BASE_DIR / value)


def env_servers(name: str, default: str) -> tuple[str, ...]:
    words = env_list(name, default)
    for word in words:
        if not re.fullmatch(r"ldaps?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?/?", word, re.IGNORECASE):
            raise ConfigError(name, f"{word!r} is no server such as ldaps://ldap.example.com or ldap://ldap.example.com:389")
    return words


_HOST = r"https?://(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::\d{1,5})?"


_ADDRESS = re.compile(rf"({_HOST})((?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*)/?", re.IGNORECASE)


def env_url(name: str, default: str) -> str:
    """An address of ours, without the slash at its end."""
    value = env_str(name, default)
    match = _ADDRESS.fullmatch(value)
    if value and not match:
        raise ConfigError(name, f"{value!r} is no address such as https://mail.example.com or https://mail.example.com/mailkeep")
    return match[1].lower() + match[2] if match else ""
