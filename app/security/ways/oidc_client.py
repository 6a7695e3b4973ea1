"""The talk with a provider, by Authlib: what it tells of itself, the code for a token, the token for claims. All within limits."""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from authlib.common.urls import add_params_to_uri
from authlib.integrations.base_client import BaseApp, OAuth2Mixin, OAuthError, OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session
from flask_babel import gettext as _
from joserfc.errors import BadSignatureError, JoseError

from app.clock import monotonic
from app.errors import BadRequest, MailkeepError, NotAllowed, Unavailable
from app.security.ways.claims import joined, refused
from app.security.ways.pending import Pending
from app.security.ways.providers import MAILCOW, Provider, is_safe_url

log = logging.getLogger(__name__)

_SECONDS = 5.0
_LONGEST_ANSWER_SECONDS = 10.0
_LARGEST_ANSWER = 1024 * 1024
_REMEMBERED_SECONDS = 3600.0
_LEFT_ALONE_SECONDS = 10.0
_PATIENCE_SECONDS = 1.0  # of those who come while one asks: a provider that hangs does not take all threads
_LEEWAY_SECONDS = 120
# Signed with a key of the provider's: neither unsigned, nor with the secret that we know as well.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint")
_NEEDED = _ENDPOINTS[:3]


class _Session(OAuth2Session):  # type: ignore[misc]
    """Asks one address, follows nowhere, and reads so much and no more."""

    def request(self, method: str, url: str, withhold_token: bool = False, auth: Any = None, **kwargs: Any) -> requests.Response:
        kwargs |= {"timeout": _SECONDS, "allow_redirects": False, "stream": True}
        response: requests.Response = super().request(method, url, withhold_token, auth, **kwargs)
        end, body = monotonic() + _LONGEST_ANSWER_SECONDS, bytearray()
        while piece := response.raw.read1(65536, decode_content=True):
            body += piece
            if len(body) > _LARGEST_ANSWER or monotonic() > end:
                response.close()
                raise requests.ConnectionError(f"the answer of {url} is too large or too slow")
        response._content = bytes(body)
        return response


class _App(OAuth2Mixin, OpenIDMixin, BaseApp):  # type: ignore[misc]
    client_cls = _Session


class Client:
    """One provider. What it tells of itself is asked at the first login and remembered for an hour."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._app: _App | None = None
        self._loaded_at = 0.0
        self._failed_at: float | None = None
        self._asking = threading.Lock()

    def begin(self, redirect_uri: str, next_url: str) -> tuple[str, Pending]:
        """Where the visitor is sent, and what to remember until he is back."""
        with self._answered():
            told = self._ready().create_authorization_url(redirect_uri)
        pending = Pending(self.provider.name, told["state"], told.get("nonce", ""), told["code_verifier"], next_url)
        return told["url"], pending

    def finish(self, answer: Mapping[str, str], pending: Pending, redirect_uri: str) -> tuple[dict[str, Any], str]:
        """The claims, and the ID token."""
        with self._answered():
            app = self._ready()
            self._check_answer(app, answer)
            token = app.fetch_access_token(redirect_uri, code=answer["code"], code_verifier=pending.verifier)
            if not isinstance(token, dict) or not isinstance(token.get("access_token"), str):
                raise ValueError("a token without an access token")
            if self.provider.kind == MAILCOW:
                return self._profile(app, token), ""
            if not isinstance(token.get("id_token"), str):
                raise ValueError("a token without an ID token")
            claims = self._claims(app, token, pending.nonce)
            return joined(self.provider, claims, self._more(app, token, claims)), token["id_token"]

    def end_url(self, id_token: str, back: str) -> str:
        """Where its own session ends; empty where it names no such place."""
        with self._answered():
            place = self._ready().server_metadata.get("end_session_endpoint", "")
        hint = {"id_token_hint": id_token, "client_id": self.provider.client_id, "post_logout_redirect_uri": back}
        return str(add_params_to_uri(place, list(hint.items()))) if place else ""

    # --- what it tells of itself ----------------------------------------------------------------------------------------------

    def _ready(self) -> _App:
        if self._app is not None and monotonic() - self._loaded_at < _REMEMBERED_SECONDS:
            return self._app
        if self._failed_at is not None and monotonic() - self._failed_at < _LEFT_ALONE_SECONDS:
            raise requests.ConnectionError("it did not answer a moment ago")
        if not self._asking.acquire(timeout=_PATIENCE_SECONDS):
            raise requests.ConnectionError("somebody else has been waiting for it")
        try:
            self._app = self._make(self._metadata())
        except (requests.RequestException, ValueError, TypeError):
            self._failed_at = monotonic()
            raise
        finally:
            self._asking.release()
        self._loaded_at, self._failed_at = monotonic(), None
        return self._app

    def _metadata(self) -> dict[str, Any]:
        base = self.provider.base.rstrip("/")
        if self.provider.kind == MAILCOW:
            return {"authorization_endpoint": f"{base}/oauth/authorize", "token_endpoint": f"{base}/oauth/token"}
        with _Session(verify=self.provider.ca_file or True) as session:
            response = session.request("GET", f"{base}/.well-known/openid-configuration", withhold_token=True)
        response.raise_for_status()
        told = response.json()
        if not isinstance(told, dict) or told.get("issuer") != self.provider.issuer:
            raise ValueError(f"it calls itself {str(told.get('issuer') if isinstance(told, dict) else told)[:200]!r}")
        for name in _ENDPOINTS:
            if told.get(name) is None and name not in _NEEDED:
                continue
            if not isinstance(told.get(name), str) or not is_safe_url(told[name]):
                raise ValueError(f"its {name} is no https:// address")
        return told

    def _make(self, told: dict[str, Any]) -> _App:
        """Of what it tells, only what is known here: Authlib takes each further name for a setting of its own."""
        provider = self.provider
        known = {name: told[name] for name in ("issuer", *_ENDPOINTS) if told.get(name) is not None}
        offered = told.get("id_token_signing_alg_values_supported")
        known["id_token_signing_alg_values_supported"] = [name for name in _ALGORITHMS if not isinstance(offered, list) or name in offered]
        known["authorization_response_iss_parameter_supported"] = told.get("authorization_response_iss_parameter_supported") is True
        settings = {
            "scope": "profile" if provider.kind == MAILCOW else " ".join(provider.scopes),
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": _proof_of(provider, told),
            "verify": provider.ca_file or True,
            "leeway": 0,  # else a token for a minute counts as one that has ended
        }
        return _App(
            None,
            provider.name,
            client_id=provider.client_id,
            client_secret=provider.client_secret or None,
            client_kwargs=settings,
            **known,
        )

    # --- a visitor is back ------------------------------------------------------------------------------------------------------

    def _check_answer(self, app: _App, answer: Mapping[str, str]) -> None:
        told = app.server_metadata
        says = answer.get("iss")
        names_itself = says is not None or told.get("authorization_response_iss_parameter_supported")
        if names_itself and self.provider.kind != MAILCOW and says != told.get("issuer"):
            raise ValueError(f"an answer of {str(says)[:200]!r}")
        if "error" in answer:
            if answer["error"] in ("server_error", "temporarily_unavailable"):
                raise requests.ConnectionError(answer["error"][:100])
            log.info("login: %s answered %r", self.provider.name, answer["error"][:100])
            raise NotAllowed(_("%(label)s did not let you in.", label=self.provider.label))
        if not answer.get("code"):
            raise BadRequest(_("This login has ended, or was used already. Please begin again."))

    def _claims(self, app: _App, token: dict[str, Any], nonce: str) -> dict[str, Any]:
        options = {
            "iss": {"essential": True, "value": self.provider.issuer},
            "aud": {"essential": True, "value": self.provider.client_id},
        }
        try:
            found = app.parse_id_token(token, nonce, claims_options=options, leeway=_LEEWAY_SECONDS)
        except BadSignatureError:  # a new key under the old name, or under none
            app.fetch_jwk_set(force=True)
            found = app.parse_id_token(token, nonce, claims_options=options, leeway=_LEEWAY_SECONDS)
        return dict(found or {})

    def _more(self, app: _App, token: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
        """What the ID token leaves out."""
        provider = self.provider
        wanted = (provider.username_claim, provider.address_claim, provider.aliases_claim, provider.roles_claim, "name")
        if not app.server_metadata.get("userinfo_endpoint") or all(name in claims for name in wanted if name):
            return {}
        found = app.userinfo(token=token)
        if found.get("sub") != claims.get("sub"):
            raise ValueError("the ID token and the user info are of two people")
        return dict(found)

    def _profile(self, app: _App, token: dict[str, Any]) -> dict[str, Any]:
        """mailcow takes the token in the header, and behind some proxies, which keep the header, in the body only."""
        url = f"{self.provider.url.rstrip('/')}/oauth/profile"
        response = app.get(url, token=token)
        if response.status_code in (400, 401):
            response = app.post(url, token=token, withhold_token=True, data={"access_token": token["access_token"]})
        response.raise_for_status()
        profile = response.json()
        if not isinstance(profile, dict):
            raise ValueError("a profile that is no table")
        return profile

    @contextmanager
    def _answered(self) -> Iterator[None]:
        """What goes wrong with a provider is told to the visitor in a sentence, and to the log in full."""
        name, label = self.provider.name, self.provider.label
        try:
            yield
        except MailkeepError:
            raise
        except requests.RequestException as error:
            log.warning("login: %s is away: %s", name, _line(error))
            raise Unavailable(_("%(label)s does not answer just now; the other ways to log in still work.", label=label)) from None
        except OAuthError as error:
            log.warning("login refused: %s: %s", name, _line(error))
            if error.error == "invalid_grant":
                raise BadRequest(_("This login has ended, or was used already. Please begin again.")) from None
            raise Unavailable(_("Logging in by %(label)s does not work just now; the log says why.", label=label)) from None
        except JoseError as error:
            log.warning("login refused: %s: %s", name, _line(error))
            raise refused(self.provider) from None
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            log.warning("login refused: %s: %s: %s", name, type(error).__name__, _line(error))
            raise Unavailable(_("Logging in by %(label)s does not work just now; the log says why.", label=label)) from None


def _proof_of(provider: Provider, told: dict[str, Any]) -> str:
    """How we show who we are when the code is changed for a token."""
    if not provider.client_secret:
        return "none"
    offered = told.get("token_endpoint_auth_methods_supported")
    posts = isinstance(offered, list) and "client_secret_basic" not in offered and "client_secret_post" in offered
    return "client_secret_post" if posts or provider.kind == MAILCOW else "client_secret_basic"


def _line(error: Exception) -> str:
    """One line without what the visitor could have put into it."""
    return "".join(letter if letter.isprintable() else " " for letter in str(error))[:300]
