"""One act of a service, and what is said of it on the next page."""

from collections.abc import Callable
from typing import Any

from flask import flash

from app.errors import MailkeepError


def done(act: Callable[[], Any], said: str) -> bool:
    """Whether it was; the visitor is told so, or why not."""
    try:
        act()
    except MailkeepError as error:
        flash(str(error), "danger")
        return False
    flash(said, "success")
    return True
