"""The servers of a directory, asked in order; the only file that speaks LDAP."""

import contextlib
import logging
import secrets
import ssl
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from hashlib import sha256
from typing import Any, TypeVar

import ldap
import ldap.dn
import ldap.filter

from app.clock import monotonic
from app.errors import Unavailable

log = logging.getLogger(__name__)

T = TypeVar("T")
Found = tuple[str, dict[str, list[str]], frozenset[str]]
"""The DN, the attributes by their lower-case names, and the groups."""

_REST_SECONDS = 15.0
_LONGEST_SUBJECT = 512
_AWAY = (ldap.SERVER_DOWN, ldap.CONNECT_ERROR, ldap.TIMEOUT, ldap.TIMELIMIT_EXCEEDED, ldap.BUSY, ldap.UNAVAILABLE)


class Servers:
    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._urls: tuple[str, ...] = config["LDAP_SERVERS"]
        self._timeout: float = config["LDAP_TIMEOUT"]
        self._turns = threading.BoundedSemaphore(max(2, config["THREADS"] // 4))
        self._resting: dict[str, float] = {}
        self._stuck: dict[str, threading.Thread] = {}
        self._told: dict[str, str] = {}
        self._wanted = sorted(_attributes(config))
        self.roles = _roles_by_group(config["LDAP_ROLES"])

    # --- questions ------------------------------------------------------------------------------------------------------

    def found(self, username: str) -> Found | None:
        return _named(self._ask(lambda connection: self._search(connection, username)))

    def proven(self, username: str, password: str) -> Found | None:
        """Who has no entry costs a bind like anybody else: as somebody that there cannot be, and not with what was typed."""

        def question(connection: Any) -> Found | None:
            entry = self._search(connection, username)
            nobody = f"cn={secrets.token_hex(8)},{self._config['LDAP_BASE_DN']}"
            right = _binds(connection, entry[0] if entry else nobody, password if entry else secrets.token_hex(8))
            return entry if right else None

        if not password.strip("\0 \t\r\n"):  # a server takes an empty one for a bind as nobody, and says yes
            return None
        return _named(self._ask(question))

    def _search(self, connection: Any, username: str) -> Found | None:
        config = self._config
        wanted = f"({config['LDAP_LOGIN_ATTRIBUTE']}={ldap.filter.escape_filter_chars(username)})"
        both = f"(&{config['LDAP_FILTER']}{wanted})" if config["LDAP_FILTER"] else wanted
        try:
            rows = connection.search_ext_s(
                config["LDAP_BASE_DN"], ldap.SCOPE_SUBTREE, both, self._wanted, timeout=self._timeout, sizelimit=2
            )
        except ldap.SIZELIMIT_EXCEEDED:
            rows = [("", {}), ("", {})]
        entries = [(dn, attributes) for dn, attributes in rows if dn is not None]  # the others are referrals
        if len(entries) > 1:
            log.error("ldap: there are several entries with %s", both)
        if len(entries) != 1:
            return None
        dn, attributes = entries[0]
        entry = {name.lower(): [value.decode("utf-8", "replace") for value in values] for name, values in attributes.items()}
        groups = frozenset(normal(group) for group in entry.get(config["LDAP_GROUP_ATTRIBUTE"].lower(), ()))
        return dn, entry, groups

    # --- which server answers -------------------------------------------------------------------------------------------

    def _ask(self, question: Callable[[Any], T]) -> T:
        """What the first server says that answers."""
        if not self._turns.acquire(timeout=self._timeout):
            raise Unavailable("all that may ask the directory at once wait for it")
        try:
            for url in self._urls:
                if self._rests(url):
                    continue
                try:
                    answer = self._ask_one(url, question)
                except ldap.LDAPError as error:
                    self._failed(url, error)
                    continue
                if self._told.pop(url, None):
                    log.warning("ldap: %s answers again", url)
                return answer
        finally:
            self._turns.release()
        raise Unavailable("no server of the directory answers")

    def _rests(self, url: str) -> bool:
        """A server that did not answer is left alone for a while, and for as long as a question hangs in it."""
        stuck = self._stuck.get(url)
        return (stuck is not None and stuck.is_alive()) or monotonic() < self._resting.get(url, 0.0)

    def _failed(self, url: str, error: ldap.LDAPError) -> None:
        if isinstance(error, _AWAY):
            self._resting[url] = monotonic() + _REST_SECONDS
        reason = f"{type(error).__name__}: {_words(error)}"
        if self._told.get(url) != reason:
            self._told[url] = reason
            log.error("ldap: %s: %s", url, reason)

    def _ask_one(self, url: str, question: Callable[[Any], T]) -> T:
        """In a thread of its own: a server that is silent in the middle of TLS holds libldap for ever, and must not hold us."""
        answer: Future[T] = Future()

        def ask() -> None:
            try:
                answer.set_result(self._converse(url, question))
            except Exception as error:  # noqa: BLE001 - it is raised where the answer is waited for
                answer.set_exception(error)

        thread = threading.Thread(target=ask, name="ldap", daemon=True)
        thread.start()
        try:
            return answer.result(2 * self._timeout)
        except TimeoutError:
            self._stuck[url] = thread
            raise ldap.TIMEOUT({"desc": "no answer in time"}) from None

    def _converse(self, url: str, question: Callable[[Any], T]) -> T:
        connection = self._connect(url)
        try:
            return question(connection)
        finally:
            with contextlib.suppress(ldap.LDAPError):
                connection.unbind_s()

    def _connect(self, url: str) -> Any:
        connection = ldap.initialize(url)
        for option, value in (
            (ldap.OPT_PROTOCOL_VERSION, ldap.VERSION3),
            (ldap.OPT_REFERRALS, 0),
            (ldap.OPT_NETWORK_TIMEOUT, self._timeout),
            (ldap.OPT_TIMEOUT, self._timeout),
            (ldap.OPT_X_KEEPALIVE_IDLE, 10),
            (ldap.OPT_X_KEEPALIVE_PROBES, 3),
            (ldap.OPT_X_KEEPALIVE_INTERVAL, 5),
            (ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND),
            (ldap.OPT_X_TLS_PROTOCOL_MIN, ldap.OPT_X_TLS_PROTOCOL_TLS1_2),
        ):
            connection.set_option(option, value)
        authorities = self._config["LDAP_CA_FILE"] or ssl.get_default_verify_paths().cafile
        if authorities:
            connection.set_option(ldap.OPT_X_TLS_CACERTFILE, authorities)
        connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)  # last: it makes what is above it count, for this connection
        if self._config["LDAP_START_TLS"] and url.lower().startswith("ldap:"):
            connection.start_tls_s()
        if self._config["LDAP_BIND_DN"]:
            connection.simple_bind_s(self._config["LDAP_BIND_DN"], self._config["LDAP_BIND_PASSWORD"])
        return connection


def _binds(connection: Any, dn: str, password: str) -> bool:
    """A server says in many ways that it does not let somebody in; only those of _AWAY are about itself."""
    try:
        connection.simple_bind_s(dn, password)
    except _AWAY:
        raise
    except ldap.LDAPError:
        return False
    return True


def _named(found: Found | None) -> Found | None:
    """With the DN in its one spelling, short enough for a column."""
    if found is None:
        return None
    name = normal(found[0])
    return (name if len(name) <= _LONGEST_SUBJECT else f"sha256:{sha256(name.encode()).hexdigest()}", *found[1:])


def normal(dn: str) -> str:
    """One spelling of a DN: case, blanks and escapes do not matter. What is no DN is compared as a name."""
    try:
        parts = ldap.dn.str2dn(dn, flags=ldap.DN_FORMAT_LDAPV3)
    except (ldap.LDAPError, ValueError):
        return dn.strip().casefold()
    plain = [sorted((kind.lower(), " ".join(value.casefold().split()), 1) for kind, value, _ in part) for part in parts]
    return str(ldap.dn.dn2str(plain))


def _roles_by_group(pairs: tuple[tuple[str, str], ...]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for group, role in pairs:
        found.setdefault(normal(group), set()).add(role)
    return found


def _attributes(config: Mapping[str, Any]) -> set[str]:
    single = {config[f"LDAP_{name}_ATTRIBUTE"] for name in ("LOGIN", "MAIL", "ALIAS", "GROUP")}
    return {name for name in single | {*config["LDAP_FIRST_NAME"], *config["LDAP_LAST_NAME"]} if name}


def _words(error: ldap.LDAPError) -> str:
    told = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    words = " ".join(str(told[key]) for key in ("desc", "info") if told.get(key)) or "no reason given"
    # What GnuTLS has no number for.
    return words.replace("(unknown error code)", "(TLS: its certificate is not by LDAP_CA_FILE, or not for this name)")
