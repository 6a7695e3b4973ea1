"""The viewer's time zone: the browser tells it in a cookie, and what is no zone counts as UTC."""

import functools
from zoneinfo import ZoneInfo, available_timezones

from flask import g, has_request_context, request

COOKIE = "mk_zone"


def viewer_zone() -> ZoneInfo:
    if not has_request_context():
        return ZoneInfo("UTC")
    if "_zone" not in g:
        g._zone = _zone(request.cookies.get(COOKIE, ""))
    zone: ZoneInfo = g._zone
    return zone


def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name if name in _names() else "UTC")


@functools.cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones())
