"""What is forgotten by and by, with nobody asking for it."""

from flask import current_app

from app.services import bulk, map_uploads, nonces, notice_leftovers
from app.services.job import Report


def forget_leftovers(report: Report) -> None:
    """Each by itself, the smallest part first; all of them may be done twice."""
    parts = (
        ("logins", current_app.extensions["mailkeep_sessions"].purge),
        ("uploads", map_uploads.forget_old),
        ("acts on many mails", bulk.forget_old),
        ("requests between nodes", nonces.forget_abandoned),
        ("letters that were only begun", notice_leftovers.end_begun),
        ("letters about kept mail, and lines of theirs", notice_leftovers.forget_old),
    )
    counts: dict[str, int] = {}
    for at, (name, forget) in enumerate(parts):
        report.progress(at, len(parts))
        counts[name] = 0
        while not report.is_over() and (count := forget()):
            counts[name] += count
    report.progress(len(parts), len(parts))
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    report.say(f"Forgotten: {told}." if told else "There was nothing to forget.")
