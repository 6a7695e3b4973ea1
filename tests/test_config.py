"""Settings: a wrong value stops the start with one line that names it; the right ones become what the code expects."""

import importlib.util
import os
import pathlib
import subprocess
import sys
from types import ModuleType

import pytest

from environment import refuse_weak_secret

ROOT = pathlib.Path(__file__).resolve().parent.parent


def load(monkeypatch: pytest.MonkeyPatch, **environment: str) -> ModuleType:
    """config.py read anew in this environment; the module everybody else sees stays as it is."""
    monkeypatch.setenv("MAILKEEP_ENV", os.devnull)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location("config_read_anew", ROOT / "config.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


S3_AT_HOME = "s3://mails/panel?endpoint=http://[::1]:9000&region=eu-1&path_style=no&timeout=20"
WRONG = [
    ("ROLES", "web,ingset", "'ingset' is none of web, portal, ingest, jobs"),
    ("ROLES", "portal,web", "name one of the two"),
    ("PUBLIC_URL", "mail.example.com", "is no address such as"),
    ("PUBLIC_URL", "ftp://mail.example.com", "is no address such as"),
    ("PUBLIC_URL", "https://mail.example.com/?next=1", "is no address such as"),
    ("PUBLIC_URL", "https://mail.example.com//keep", "is no address such as"),
    ("PUBLIC_URL", "https://mail.example.com/../keep", "is no address such as"),
    ("PUBLIC_URL", "https://root@mail.example.com", "is no address such as"),
    ("PORTAL_URL", "https://", "is no address such as"),
    ("NODE_NAME", "no blanks", "not a node name"),
    ("NODE_NAME", "x" * 65, "not a node name"),
    ("WORKERS", "two", "not a whole number"),
    ("WORKERS", "0", "not between"),
    ("WORKERS", "33", "not between"),
    ("THREADS", "1.5", "not a whole number"),
    ("TRUSTED_PROXIES", "10.0.0.0/8,proxy.example", "'proxy.example' is not an IP address or network"),
    ("RETENTION_MAIL_DAYS", "-1", "not between"),
    ("RETENTION_RULES", "virus", "is no list such as"),
    ("RETENTION_RULES", "virus: 30", "is no list such as"),
    ("RETENTION_RULES", "virus: mail=1 year", "is no list such as"),
    ("RETENTION_RULES", "virus: mail=1, mail=2", "is no list such as"),
    ("RETENTION_RULES", "virus=yes: mail=1", "is no list such as"),
    ("RETENTION_RULES", "domain=: mail=1", "is no list such as"),
    ("RETENTION_RULES", "sender=x: mail=1", "is no list such as"),
    ("RETENTION_RULES", "virus: mail=99999", "is no list such as"),
    ("RETENTION_RULES", "virus: mail=1; virus: copy=1", "has two rules for virus"),
    ("NOTICE_TIMES", "daily at 07:00", "is no role and times such as"),
    ("NOTICE_TIMES", "Recipient=", "is no role and times such as"),
    ("NOTICE_TIMES", "Admin=never; Recipient=daily at 24:00", "is no role and times such as"),
    ("NOTICE_TIMES", "Recipient=weekly on moonday at 07:00", "is no role and times such as"),
    ("NOTICE_MAX_SCORE", "high", "is not a number"),
    ("NOTICE_RATE", "0", "not between"),
    ("LOG_LEVEL", "chatty", "'chatty' is none of"),
    ("DATABASE_URL", "nonsense", "not a database URL"),
    ("DATABASE_URL", "oracle://u:p@h/d", "none of sqlite, mysql, postgresql"),
    ("DATABASE_URL", "sqlite://", "SQLite needs a file"),
    ("DATABASE_URL", "sqlite:///:memory:", "SQLite needs a file"),
    ("STORE_URL", "var/store", "not a store URL"),
    ("STORE_URL", "file:", "not a store URL"),
    ("STORE_URL", "ftp://host/store", "not a store URL"),
    ("STORE_URL", "s3:mails", "not a store URL"),
    ("STORE_URL", "s3://", "no store URL"),
    ("STORE_URL", "s3://Mails/x", "no store URL"),
    ("STORE_URL", "s3://mails/../x", "no store URL"),
    ("STORE_URL", "s3://mails/x#y", "no store URL"),
    ("STORE_URL", "s3://mails/x?endpoint", "no store URL"),
    ("STORE_URL", "s3://mails?endpoint=https://key:word@host", "endpoint is none of endpoint=https://host"),
    ("STORE_URL", "s3://mails?timeout=0", "timeout is none of"),
    ("STORE_URL", "s3://mails?colour=red", "colour is none of"),
    ("AUDIT_SYSLOG", "log.example:514", "neither udp://host:port nor unix:/dev/log"),
    ("AUDIT_SYSLOG", "udp://log.example", "neither udp://"),
    ("AUDIT_SYSLOG", "udp://log.example:many", "neither udp://"),
    ("AUDIT_SYSLOG", "unix:dev/log", "neither udp://"),
    ("AUDIT_REASON", "perhaps", "neither yes nor no"),
    ("STORE_LEVEL", "20", "not between"),
    ("SPOOL_DIR", "", "is empty"),
    ("METRICS_DIR", " ", "is empty"),
    ("MAPS_DIR", "", "is empty"),
    ("MAPS_ALLOW", "10.0.0.0/8,mx1", "'mx1' is not an IP address or network"),
    ("MAPS_AUTH", "perhaps", "neither yes nor no"),
    ("MAX_BODY_BYTES", "-1", "not between"),
    ("LDAP_SERVERS", "ldap.example.com", "is no server such as"),
    ("LDAP_SERVERS", "ldaps://a.example.com, http://b.example.com", "is no server such as"),
    ("LDAP_SERVERS", "ldap://a.example.com/dc=example??sub", "is no server such as"),
    ("LDAP_CA_FILE", "/nowhere/ca.pem", "cannot read /nowhere/ca.pem"),
    ("LDAP_LOGIN_ATTRIBUTE", "", "takes the name of one attribute"),
    ("LDAP_LOGIN_ATTRIBUTE", "uid,mail", "takes the name of one attribute"),
    ("LDAP_MAIL_ATTRIBUTE", "mail)(uid", "is no name of an attribute"),
    ("LDAP_FILTER", "objectClass=person", "is no filter such as"),
    ("LDAP_FILTER", "(&(a=b)", "is no filter such as"),
    ("LDAP_ROLES", "Admin", "is no group and role such as"),
    ("LDAP_ROLES", "cn=a,dc=b=Admin; =Auditor", "is no group and role such as"),
    ("PLUS_ADDRESSING", "++", "is not one sign"),
    ("PLUS_ADDRESSING", "a", "is not one sign"),
    ("LDAP_TIMEOUT", "0", "not between"),
    ("OIDC_FILE", "/nowhere/providers.toml", "cannot read /nowhere/providers.toml"),
    ("REMOTE_USER_HEADER", "X-Remote-User: x", "is no name of a header"),
    ("REMOTE_USER_FROM", "proxy.example.com", "is not an IP address or network"),
    ("MAX_METADATA_BYTES", "2M", "not a whole number"),
    ("MAX_HEADER_BYTES", "99999999", "not between"),
    ("MAX_RECIPIENTS", "0", "not between"),
    ("MAX_SYMBOLS", "", "not a whole number"),
    ("STORE_VIRUS", "maybe", "neither yes nor no"),
    ("STORE_MIN_SCORE", "high", "not a number"),
    ("STORE_MIN_SCORE", "nan", "not between"),
    ("DEDUP_SECONDS", "-300", "not between"),
    ("DB_PATIENCE_SECONDS", "0", "not between"),
    ("BATCH_ROWS", "0", "not between"),
    ("SPOOL_SEGMENT_BYTES", "1", "not between"),
    ("SPOOL_SEGMENT_SECONDS", "inf", "not between"),
    ("METRICS_ALLOW", "everybody", "not an IP address or network"),
    ("SESSION_COOKIE_SECURE", "2", "neither yes nor no"),
    ("PAGE_SIZE", "0", "not between"),
    ("MAX_PAGE_SIZE", "1001", "not between"),
    ("COUNT_CAP", "many", "not a whole number"),
    ("LOGIN_RATE", "ten a minute", "no rate"),
    ("SESSION_IDLE_HOURS", "0", "not between"),
    ("SESSION_HOURS", "a day", "not a number"),
    ("SESSION_STORE", "memcached://x", "neither database nor"),
    ("SESSION_STORE", "redis://", "neither database nor"),
    ("SESSION_STORE", "redis+sentinel://host/service", "neither database nor"),
    ("SESSION_STORE", "redis+sentinel://host:26379", "neither database nor"),
    ("LOGIN_RATE", "", "no rate"),
    ("RATELIMIT_STORAGE_URI", "foo://x", "neither memory://"),
    ("SCORE_THRESHOLDS", "reject=nan", "no list"),
    ("SCORE_THRESHOLDS", "=5", "no list"),
    ("SMTP_URL", "relay.example.com:25", "is none of smtp://host:25"),
    ("RELEASE_URL", "lmtp+unix://host", "is none of smtp://host:25"),
    ("RELEASE_MAX_SCORE", "many", "is not a number"),
    ("SMTP_URL", "smtp://user:secret@relay.example.com", "is none of smtp://host:25"),
    ("SMTP_CA_FILE", "/nowhere/ca.pem", "cannot read /nowhere/ca.pem"),
    ("NOTICE_LOGO", "http://example.com/logo.png", "neither a file that can be read nor a link"),
    ("NOTICE_LOGO", 'https://example.com/logo.png?"><script>', "neither a file that can be read nor a link"),
    ("NOTICE_LOGO", "app/static/img/mailkeep.svg", "is no PNG, JPEG or GIF"),
    ("NOTICE_MOST_LINES", "0", "is not between 1 and 1000"),
    ("SMTP_TIMEOUT", "0", "not between"),
    ("MAIL_FROM", "mailkeep", "is no mail address"),
    ("MAIL_FROM", "a@example.com\nBcc: b@example.com", "is no mail address"),
    ("PUBLIC_URL", "mail.example.com", "is no address such as"),
    ("PUBLIC_URL", "https://mail.example.com/?q=1", "is no address such as"),
    ("DATABASE_URL", "mysql+pymysql://u@h/d", "is none of"),
]


@pytest.mark.parametrize(("name", "value", "why"), WRONG)
def test_a_wrong_value_stops_the_start_with_one_line_naming_it(monkeypatch: pytest.MonkeyPatch, name: str, value: str, why: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        load(monkeypatch, **{name: value})
    line = str(stopped.value)
    assert line.startswith(f"mailkeep: {name}: ")
    assert why in line
    assert "\n" not in line


def test_a_database_url_that_is_refused_does_not_show_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as stopped:
        load(monkeypatch, DATABASE_URL="oracle://mailkeep:Hidden-77@host/name")
    assert "Hidden-77" not in str(stopped.value)


RIGHT = [
    (
        "LDAP_SERVERS",
        "ldaps://a.example.com, LDAP://[2001:db8::1]:389/",
        "LDAP_SERVERS",
        ("ldaps://a.example.com", "LDAP://[2001:db8::1]:389/"),
    ),
    (
        "LDAP_ROLES",
        "cn=a\\;b,dc=c=Admin;cn=help, x , dc=c = Domain admin;",
        "LDAP_ROLES",
        (("cn=a\\;b,dc=c", "Admin"), ("cn=help, x , dc=c", "Domain admin")),
    ),
    ("LDAP_ALIAS_ATTRIBUTE", "", "LDAP_ALIAS_ATTRIBUTE", ""),
    ("LDAP_FIRST_NAME", "givenName;lang-de, cn", "LDAP_FIRST_NAME", ("givenName;lang-de", "cn")),
    ("ROLES", "web, ingest", "ROLES", ("web", "ingest")),
    ("PUBLIC_URL", "HTTPS://Mail.Example.com/Keep/", "PUBLIC_URL", "https://mail.example.com/Keep"),
    ("PORTAL_URL", "http://[2001:db8::1]:8081", "PORTAL_URL", "http://[2001:db8::1]:8081"),
    ("NODE_NAME", "MX1", "NODE_NAME", "mx1"),
    ("STORE_ACTIONS", " Reject , Add Header", "STORE_ACTIONS", ("reject", "add header")),
    ("STORE_DOMAINS", "@Example.COM,example.org", "STORE_DOMAINS", ("example.com", "example.org")),
    ("STORE_VIRUS", "off", "STORE_VIRUS", False),
    ("TRUSTED_PROXIES", "10.0.0.1,fd00::/8", "TRUSTED_PROXIES", ("10.0.0.1", "fd00::/8")),
    ("DB_PATIENCE_SECONDS", "0.5", "DB_PATIENCE_SECONDS", 0.5),
    ("STORE_URL", "file:///srv/mails", "STORE_URL", "file:///srv/mails"),
    ("STORE_URL", "file:var/elsewhere", "STORE_URL", f"file://{ROOT}/var/elsewhere"),
    ("STORE_URL", "s3://mails", "STORE_URL", "s3://mails"),
    ("STORE_URL", S3_AT_HOME, "STORE_URL", S3_AT_HOME),
    ("SPOOL_DIR", "/srv/spool", "SPOOL_DIR", "/srv/spool"),
    ("MAPS_FILES_DIR", "", "MAPS_FILES_DIR", ""),
    ("MAPS_FILES_DIR", "var/files", "MAPS_FILES_DIR", f"{ROOT}/var/files"),
    ("DATABASE_URL", "sqlite:///var/x.db", "SQLALCHEMY_DATABASE_URI", f"sqlite:///{ROOT}/var/x.db"),
    ("DATABASE_URL", "sqlite:////srv/x.db", "SQLALCHEMY_DATABASE_URI", "sqlite:////srv/x.db"),
    ("DATABASE_URL", "mysql://u:p%40ss@h:3307/d", "SQLALCHEMY_DATABASE_URI", "mysql+mysqldb://u:p%40ss@h:3307/d?charset=utf8mb4"),
    ("DATABASE_URL", "mariadb://u@h/d", "SQLALCHEMY_DATABASE_URI", "mysql+mysqldb://u@h/d?charset=utf8mb4"),
    ("DATABASE_URL", "postgres://u:p@h/d", "SQLALCHEMY_DATABASE_URI", "postgresql+psycopg://u:p@h/d"),
    ("NOTICE_LOGO", "https://example.com/logo.png?v=1", "NOTICE_LOGO", "https://example.com/logo.png?v=1"),
    ("RELEASE_URL", "lmtp://[::1]:24/", "RELEASE_URL", "lmtp://[::1]:24"),
    ("RELEASE_URL", "lmtp+unix:///run/dovecot/lmtp", "RELEASE_URL", "lmtp+unix:///run/dovecot/lmtp"),
    ("SMTP_URL", "smtp+starttls://[::1]:587/", "SMTP_URL", "smtp+starttls://[::1]:587"),
    ("PUBLIC_URL", "https://mail.example.com:8443/keep/", "PUBLIC_URL", "https://mail.example.com:8443/keep"),
    ("DATABASE_URL", "postgresql://u:p@h/d?sslmode=require", "SQLALCHEMY_DATABASE_URI", "postgresql+psycopg://u:p@h/d?sslmode=require"),
]


@pytest.mark.parametrize(("name", "value", "setting", "expected"), RIGHT)
def test_a_right_value_becomes_what_the_code_expects(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, setting: str, expected: object
) -> None:
    assert getattr(load(monkeypatch, **{name: value}), setting) == expected


def test_a_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    (tmp_path / "secret").write_text("from-a-file-0123456789\n")
    monkeypatch.delenv("SECRET_KEY", raising=False)
    assert load(monkeypatch, SECRET_KEY_FILE=str(tmp_path / "secret")).SECRET_KEY == "from-a-file-0123456789"
    assert load(monkeypatch, SECRET_KEY="from-the-environment").SECRET_KEY == "from-the-environment"


def test_a_secret_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(SystemExit, match="mailkeep: DATABASE_URL_FILE: cannot read"):
        load(monkeypatch, DATABASE_URL_FILE=str(tmp_path / "missing"))


def test_the_environment_wins_over_the_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    (tmp_path / "env").write_text("PAGE_SIZE=11\nCOUNT_CAP=22\n")
    for name in ("PAGE_SIZE", "COUNT_CAP"):  # the file's values land in the environment: let monkeypatch take them out again
        monkeypatch.setenv(name, "33")
    monkeypatch.delenv("COUNT_CAP")
    spec = importlib.util.spec_from_file_location("config_with_file", ROOT / "config.py")
    assert spec is not None
    assert spec.loader is not None
    monkeypatch.setenv("MAILKEEP_ENV", str(tmp_path / "env"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (module.PAGE_SIZE, module.COUNT_CAP) == (33, 22)


@pytest.mark.parametrize("secret", ["", "secret", "CHANGE_ME", "fifteen-letters"])
def test_a_weak_secret_key_is_refused(secret: str) -> None:
    with pytest.raises(SystemExit, match="mailkeep: SECRET_KEY: is missing, well known or shorter"):
        refuse_weak_secret(secret)


DOORS = [("-m", "flask", "--app", "run", "routes"), ("-m", "gunicorn", "-c", "gunicorn.conf.py")]


@pytest.mark.parametrize("command", DOORS)
def test_every_door_refuses_a_weak_secret_key_with_one_line(command: tuple[str, ...]) -> None:
    done = run(command, SECRET_KEY="changeme")
    assert done.returncode != 0
    assert [line[:30] for line in done.stderr.splitlines() if line] == ["mailkeep: SECRET_KEY: is missi"]


@pytest.mark.parametrize("command", DOORS)
def test_every_door_stops_at_a_wrong_setting_with_one_line(command: tuple[str, ...]) -> None:
    done = run(command, SECRET_KEY="long-enough-0123456789", THREADS="lots")
    assert done.returncode != 0
    assert [line for line in done.stderr.splitlines() if line] == ["mailkeep: THREADS: 'lots' is not a whole number"]


def run(command: tuple[str, ...], **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment = kept | {"MAILKEEP_ENV": os.devnull, "PYTHONWARNINGS": "ignore"} | environment
    return subprocess.run([sys.executable, *command], env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def test_make_takes_only_the_extras_there_are() -> None:
    def made(extras: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["make", "-n", "setup", f"EXTRAS={extras}"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert made("mysql,redis").returncode == 0
    assert "no s4" in made("mysql,s4").stderr


def test_what_is_wrong_with_a_bucket_is_told_without_the_keys_somebody_put_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="AWS_ACCESS_KEY_ID") as told:
        load(monkeypatch, STORE_URL="s3://key:word-of-the-key@mails/x")
    assert "word-of-the-key" not in str(told.value)


def test_rules_of_retention_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = load(
        monkeypatch, RETENTION_RULES="action=No Action: mail=30; domain=@Example.com : copy=0, mail=730 ;released:copy=5;"
    ).RETENTION_RULES
    assert rules == (("action", "no action", None, 30), ("domain", "example.com", 0, 730), ("released", "", 5, None))
