"""The viewer's time zone: the account's, else the one that the browser tells in a cookie; what is no zone counts as UTC."""

import functools
from zoneinfo import ZoneInfo, available_timezones

from flask import g, has_request_context, request

from app.views.choices import choices

COOKIE = "mk_zone"


def viewer_zone() -> ZoneInfo:
    if not has_request_context():
        return ZoneInfo("UTC")
    if "_zone" not in g:
        g._zone = zone_called(choices().zone or request.cookies.get(COOKIE, ""))
    zone: ZoneInfo = g._zone
    return zone


def zone_called(name: str) -> ZoneInfo:
    return ZoneInfo(name if name in _names() else "UTC")


@functools.cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones())
