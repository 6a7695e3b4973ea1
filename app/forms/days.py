"""A day that somebody typed, or that stands in an address."""

from datetime import date

from flask_babel import gettext as _

from app.errors import BadRequest


def read_day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadRequest(_("“%(text)s” is no day, such as 2026-01-31.", text=text[:40])) from None
    if not 1971 <= day.year <= 2100:
        raise BadRequest(_("There were no mails then."))
    return day
