"""Logging: one line an event, to standard error; whoever runs us keeps the time stamps and the files."""

import logging
import sys
from typing import Any

NOISY = ("flask_appbuilder", "alembic", "flask_limiter")


def setup(level: str) -> None:
    """Safe to call twice (tests make many apps in one process)."""
    root = logging.getLogger()
    root.setLevel(level)
    if not any(getattr(handler, "is_ours", False) for handler in root.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.is_ours = True  # type: ignore[attr-defined]
        handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        root.addHandler(handler)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING if level != "DEBUG" else logging.DEBUG)


class OneLine(logging.Formatter):
    """What comes from outside must not forge a line of its own in the log."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        record.message = "".join(c if c.isprintable() else repr(c)[1:-1] for c in record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name is logging's
        """Set in, so that no line of it looks like one of the log."""
        return "\n".join(f"    {line}" for line in super().formatException(ei).splitlines())
