"""What the screens of letters share: their words, what keeps letters from going, and the choice on the page of an account."""

from typing import Any

from flask import current_app
from flask_babel import gettext as _

from app.forms.notices import DAYS, HOWS, KINDS, STATES, parts_of, times_label
from app.models.notice import NEVER
from app.models.people import User
from app.queries.addressees import WATCHED_AT, usual_of_recipients
from app.queries.notice_choices import MOST_COUNTED, standing_of
from app.queries.notice_letters import is_job_paused
from app.services.letters import can_carry_links

WORDS: dict[str, Any] = {
    "days": DAYS,
    "hows": HOWS,
    "kinds": KINDS,
    "states": STATES,
    "parts_of": parts_of,
    "times_label": times_label,
    "watched_at": WATCHED_AT,
    "most": MOST_COUNTED,
}


def why_none_go() -> str:
    """Empty where letters go."""
    if not can_carry_links():
        return str(_("No letters are sent: SMTP_URL and PUBLIC_URL have to be set."))
    return str(_("No letters are sent: the job “notices” is paused.")) if is_job_paused() else ""


def as_the_site_says() -> str:
    """For recipients of a domain that says nothing."""
    if (usual := usual_of_recipients()) == NEVER:
        return str(_("as the site says: nobody is told"))
    return str(_("as the site says (%(times)s)", times=times_label(usual)))


def letters_to(user: User) -> dict[str, Any]:
    """For the page of an account."""
    return {"standing": standing_of(user), "sends": bool(current_app.config["SMTP_URL"]), **WORDS}
