"""Sessions of the panel: a signed cookie for visitors, and for who is logged in a random id, with all else in the store.

The store knows the id's SHA-256 only. What a visitor's cookie holds is what a login form needs, so no robot makes a row.
"""

import hashlib
import ipaddress
import logging
import re
import secrets
from collections.abc import Iterator
from typing import Any

from flask import Flask, Request, Response, g, request
from flask import session as current_session
from flask.sessions import SessionInterface, SessionMixin
from flask_login import user_logged_in, user_logged_out
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy.exc import SQLAlchemyError

from app.clock import monotonic
from app.errors import Unavailable
from app.security.stamp import stamp_of
from app.services.session_record import FLASHES, Data, Record, SessionStore, as_text, from_text, merged, whole_seconds
from app.services.sessions import make_store

log = logging.getLogger(__name__)

USER, STAMP, TOKEN = "_user_id", "_stamp", "csrf_token"  # the first is Flask-Login's name, the last Flask-WTF's
ACTS = "_acts"  # see security/acting
_OF_A_LOGIN = (USER, STAMP, ACTS)
BACKGROUND = "X-Background"  # a header of requests that a page makes by itself: they keep nobody logged in
_ID = re.compile(r"[A-Za-z0-9_-]{43}")
_SEEN_SECONDS = 60
_PURGE_SECONDS = 600.0
_VISITOR_SECONDS = 86_400


class BrowserSession(SessionMixin):
    """Reads nothing before somebody asks for something, writes nothing that has not changed."""

    def __init__(self, store: SessionStore, signer: URLSafeTimedSerializer, cookie: str) -> None:
        self.store, self.signer, self.cookie = store, signer, cookie
        self.record: Record | None = None
        self.id = ""
        self._data: Data | None = None
        self._before = "{}"
        self._failed: Exception | None = None

    # --- a mapping ----------------------------------------------------------------------------------------------------------

    @property
    def data(self) -> Data:
        if self._failed is not None:
            raise self._failed
        if self._data is None:
            try:
                self._data = self._open()
            except (SQLAlchemyError, Unavailable) as error:
                self._failed = error  # asking again would only wait again
                raise
            self._before = as_text(self._data)
        return self._data

    def __getitem__(self, name: str) -> Any:
        return self.data[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.data[name] = value

    def __delitem__(self, name: str) -> None:
        del self.data[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    @property
    def was_looked_at(self) -> bool:
        return self._data is not None

    @property
    def has_changed(self) -> bool:
        return as_text(self.data) != self._before

    def _open(self) -> Data:
        if _ID.fullmatch(self.cookie):
            self.record = self.store.load(digest_of(self.cookie))
            return {} if self.record is None else dict(self.record.data)
        try:
            signed: Data = self.signer.loads(self.cookie, max_age=_VISITOR_SECONDS)
        except BadSignature:
            return {}
        return {name: value for name, value in signed.items() if name not in _OF_A_LOGIN}

    # --- begin, keep, end ---------------------------------------------------------------------------------------------------

    def begin(self, user_id: int, stamp: str, acts: Data | None = None) -> None:
        """Under a new id and with a new token: what was known of this browser before the login is worth nothing after it. With `acts`
        the session stays the admin's, and no change of names makes a login last longer."""
        kept, before = self.data, self.record
        self.forget()
        self._data = {name: value for name, value in kept.items() if name not in (TOKEN, ACTS, "_id", "_fresh")}
        self._data |= {ACTS: acts} if acts else {}
        self._data |= {USER: str(user_id), STAMP: stamp, TOKEN: secrets.token_hex(20)}
        self.id = secrets.token_urlsafe(32)
        now, shown = whole_seconds(), agent_of(request)
        self._before = as_text(self._data)
        owner = acts["admin_id"] if acts else user_id
        began = before.created_at if before and (acts or ACTS in kept) else now
        self.record = Record(digest_of(self.id), owner, from_text(self._before), began, now, address_of(request.remote_addr), shown)
        self.store.add(self.record)

    def end(self) -> None:
        """What is to be told is still told."""
        told = self.data.get(FLASHES)
        self.forget()
        self._data = {FLASHES: told} if told else {}

    def forget(self) -> None:
        g.pop(TOKEN, None)  # Flask-WTF keeps it for the rest of the request
        if self.record is not None:
            self.store.delete(self.record.digest)
        self.record, self.id = None, ""

    def keep(self, record: Record) -> bool:
        """True where something was written."""
        if self.has_changed:
            before, after = from_text(self._before), from_text(as_text(self.data))
            self.store.save(record.digest, lambda there: merged(there, before, after))
            return True
        if (whole_seconds() - record.seen_at).total_seconds() >= _SEEN_SECONDS and BACKGROUND not in request.headers:
            self.store.renew(record.digest)
            return True
        return False


class BrowserSessions(SessionInterface):
    def __init__(self, app: Flask, store: SessionStore) -> None:
        self._store = store
        self._signer = URLSafeTimedSerializer(str(app.secret_key), salt="mailkeep-visitor")
        self._purged_at = -_PURGE_SECONDS

    def open_session(self, app: Flask, request: Request) -> BrowserSession:
        return BrowserSession(self._store, self._signer, request.cookies.get(self.get_cookie_name(app), ""))

    def get_cookie_name(self, app: Flask) -> str:
        """Two panels on one host have cookies of their own: below one's path those of a panel at its root come, too."""
        return super().get_cookie_name(app) + request.script_root.replace("/", ".")

    def get_cookie_path(self, app: Flask) -> str:  # noqa: ARG002
        return request.script_root or "/"

    def get_cookie_secure(self, app: Flask) -> bool:
        return bool(app.config["SESSION_COOKIE_SECURE"]) or request.is_secure

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not isinstance(session, BrowserSession) or not session.was_looked_at:
            return
        response.vary.add("Cookie")
        try:
            self._save(app, session, response)
        except (SQLAlchemyError, Unavailable) as error:
            log.warning("sessions: not saved: %s", type(error).__name__)

    def _save(self, app: Flask, session: BrowserSession, response: Response) -> None:
        if session.record is not None and USER not in session:
            session.end()
        if session.record is not None:
            if session.id:
                self._set(app, response, session.id)
            if session.keep(session.record) or session.id:
                self._purge()
            return
        visitor = {name: value for name, value in session.data.items() if name not in _OF_A_LOGIN}
        if visitor and (session.has_changed or _ID.fullmatch(session.cookie)):
            self._set(app, response, str(self._signer.dumps(from_text(as_text(visitor)))))
        elif session.cookie and not visitor:
            response.delete_cookie(self.get_cookie_name(app), **self._attributes(app))

    def _set(self, app: Flask, response: Response, value: str) -> None:
        response.set_cookie(self.get_cookie_name(app), value, **self._attributes(app))

    def _attributes(self, app: Flask) -> dict[str, Any]:
        return {
            "domain": self.get_cookie_domain(app),
            "path": self.get_cookie_path(app),
            "secure": self.get_cookie_secure(app),
            "httponly": True,
            "samesite": self.get_cookie_samesite(app),
        }

    def _purge(self) -> None:
        """What has ended goes when something is written anyway, at most once in ten minutes in each process."""
        if monotonic() - self._purged_at >= _PURGE_SECONDS:
            self._purged_at = monotonic()
            self._store.purge()


def init_app(app: Flask) -> None:
    store = app.extensions["mailkeep_sessions"] = make_store(app)
    app.session_interface = BrowserSessions(app, store)
    user_logged_in.connect(_logged_in, app)
    user_logged_out.connect(_logged_out, app)


def _logged_in(_app: Flask, user: Any) -> None:
    this_browser().begin(user.id, stamp_of(user))


def _logged_out(_app: Flask, **_: Any) -> None:
    this_browser().end()


def this_browser() -> BrowserSession:
    found: BrowserSession = current_session._get_current_object()  # type: ignore[attr-defined]
    return found


def digest_of(session_id: str) -> str:
    return hashlib.sha256(session_id.encode()).hexdigest()


def agent_of(asked: Request) -> str:
    """As a list can show it."""
    return "".join(letter for letter in asked.headers.get("User-Agent", "") if letter.isprintable())[:255]


def address_of(text: str | None) -> str | None:
    try:
        return str(ipaddress.ip_address(text or ""))
    except ValueError:
        return None  # a socket file has none
