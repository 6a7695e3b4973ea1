"""What was asked for and waits: said on the next page, with a button that undoes it for as long as that is possible."""

import math
from collections.abc import Collection
from typing import Any

from flask import current_app, flash, request, url_for

from app.clock import now_ms
from app.views.back import address_before


def said_with_undo(words: str, endpoint: str, mail_id: int, releases: Collection[int] = ()) -> None:
    seconds = current_app.config["UNDO_SECONDS"]
    if not seconds:
        flash(words, "success")
        return
    address = url_for(endpoint, mail_id=mail_id)
    said: Any = {"words": words, "undo": address, "releases": list(releases), "until": now_ms() + seconds * 1000}
    flash(said, "success")


def seconds_left(until: int) -> int:
    return max(0, math.ceil((until - now_ms()) / 1000))


def this_page() -> str:
    """The page that is being made, for a form that leads back to it."""
    return request.script_root + (request.full_path if request.query_string else request.path)


def back_to(mail_id: int) -> str:
    """Where the form was; in a list, the row."""
    return f"{address_before()}#m{mail_id}"
