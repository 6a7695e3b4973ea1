"""Mails that we have released ourselves, known again when Rspamd tells of them."""

import json
from dataclasses import replace

from app.mime.headers import header_block
from app.mime.release import MARK, follows_its_mark, is_released
from app.models import MailDetail
from app.rspamd.report import Report

ORIGIN = "released_from"
"""In `extra`: the id of the mail that it came from."""
_NAME = MARK.lower()


def with_origin(report: Report, raw: bytes | None, key: bytes) -> Report:
    """The mark may have been copied: it counts for one of these recipients, and above what was released. Nearly every mail has none."""
    extra = {name: value for name, value in report.extra.items() if name != ORIGIN}
    if raw is not None and _NAME in report.headers.lower():
        head = header_block(raw)
        marks = (is_released(head, address, key) for address in report.recipients)
        mark = next((mark for mark in marks if mark is not None), None)
        if mark is not None and follows_its_mark(raw, mark):
            extra[ORIGIN] = mark.mail_id
    return report if extra == report.extra else replace(report, extra=extra)


def origin_of(detail: MailDetail | None) -> int | None:
    try:
        found = json.loads(detail.extra).get(ORIGIN) if detail else None
    except (ValueError, AttributeError):
        return None
    return found if isinstance(found, int) else None
