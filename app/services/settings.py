"""What somebody chooses for themselves: the language, the time zone, the appearance."""

from functools import cache
from zoneinfo import available_timezones

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

from app.errors import BadRequest
from app.extensions import db
from app.models.people import UserSetting
from app.services.notice_choices import follow_zone

THEMES = ("light", "dark")


def choose(user_id: int, *, language: str | None = None, zone: str | None = None, theme: str | None = None) -> None:
    """None leaves a thing as it is, an empty text leaves it to the browser."""
    if language and language not in current_app.config["LANGUAGES"]:
        raise BadRequest(_("There is no such language here."))
    if zone and zone not in zones():
        raise BadRequest(_("“%(text)s” is no time zone.", text=zone[:64]))
    if theme and theme not in THEMES:
        raise BadRequest(_("There is no such appearance."))
    chosen = {name: value for name, value in (("language", language), ("zone", zone), ("theme", theme)) if value is not None}
    try:
        moves = _put(user_id, chosen)
    except IntegrityError:  # the first choice, in two windows at once
        db.session.rollback()
        moves = _put(user_id, chosen)
    if moves:
        follow_zone(user_id)


def _put(user_id: int, chosen: dict[str, str]) -> bool:
    """Whether their clock is another one now."""
    row = db.session.get(UserSetting, user_id)
    if row is None:
        row = UserSetting(user_id=user_id, language="", zone="", theme="", owes_password=False)
        db.session.add(row)
    moves = chosen.get("zone", row.zone) != row.zone
    for name, value in chosen.items():
        setattr(row, name, value)
    db.session.commit()
    return moves


@cache
def zones() -> tuple[str, ...]:
    """Named after places, as people know them; and UTC."""
    areas = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
    return ("UTC", *sorted(name for name in available_timezones() if name.partition("/")[0] in areas and "/" in name))
