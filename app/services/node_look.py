"""How all nodes are just now: each is asked at the same time, and nobody waits for the last of them longer than for one."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from flask import Flask, current_app
from flask_babel import force_locale, get_locale
from flask_babel import gettext as _

from app.errors import MailkeepError
from app.extensions import db
from app.services.peers import state_of

_SECONDS = 4.0
_together = ThreadPoolExecutor(16, "node-look")


@dataclass(frozen=True, slots=True)
class Look:
    name: str
    trouble: str = ""
    """Why it is not reached; empty where it is."""
    version: str = ""
    ahead: float = 0.0
    """Its clock, in seconds."""
    failed: int = 0
    """Mails in its spool that the database refuses."""


def look(names: Collection[str], *, impatient: bool = False) -> dict[str, Look]:
    """By name. `impatient`: also those that did not answer a moment ago."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    language = str(get_locale() or "en")
    db.session.rollback()  # nothing is held while others are waited for
    asking = {name: _together.submit(_look, app, name, language, impatient) for name in names}
    wait(asking.values(), _SECONDS)
    late = _("It did not answer within %(seconds)s seconds.", seconds=round(_SECONDS))
    return {name: each.result() if each.done() else Look(name, late) for name, each in asking.items()}


def _look(app: Flask, name: str, language: str, impatient: bool) -> Look:
    with app.app_context(), force_locale(language):
        try:
            told, ahead = state_of(name, impatient=impatient)
            spool = told.get("spool")
            failed = spool.get("failed") if isinstance(spool, dict) else 0
            return Look(name, "", str(told.get("version"))[:40], round(ahead, 1), failed if isinstance(failed, int) else 0)
        except MailkeepError as error:
            return Look(name, str(error))
