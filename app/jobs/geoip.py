"""How old the GeoIP database is: networks move, and a file that nobody renews tells of where they were."""

from flask import current_app

from app.clock import utcnow
from app.errors import Unavailable
from app.geo import built_at
from app.services.job import Report

MOST_DAYS = 60


def look_at_geoip(report: Report) -> None:
    """Unavailable where it is too old, so that somebody hears of it."""
    path: str = current_app.config["GEOIP_DATABASE"]
    if not path:
        report.say("No GeoIP database is configured (GEOIP_DATABASE).")
        return
    try:
        days = (utcnow() - built_at(path)).days
    except ValueError as error:
        raise Unavailable(str(error)) from None
    if days > MOST_DAYS:
        raise Unavailable(f"The GeoIP database {path} is {days} days old: renew it, then start Mailkeep anew.")
    report.say(f"The GeoIP database is {days} days old.")
