"""Tells the admins by letter that a job fails, once, and once that it is well again."""

import logging

from flask import current_app

from app.errors import MailkeepError
from app.queries.people import admins
from app.queries.settings import choices_of
from app.services.letters import send_letter

log = logging.getLogger(__name__)


def tell(name: str, error: str) -> None:
    """Whoever cannot be reached keeps it from nobody else."""
    if not current_app.config["SMTP_URL"]:
        return
    letter = "job-failing" if error else "job-well"
    for address, language in [(user.email, choices_of(user).language) for user in admins()]:
        try:
            send_letter(letter, address, language, job=name, why=error)
        except MailkeepError:
            log.debug("jobs: %s was not told of %s", address, name)
