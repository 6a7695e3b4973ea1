"""What a controller is taught with a mail, and how it answers."""

import json
from dataclasses import dataclass
from enum import StrEnum, unique

from app.rspamd.controller import Answered, Controller

_MOST_WORDS = 500


@unique
class Lesson(StrEnum):
    SPAM = "spam"
    HAM = "ham"
    FUZZY_ADD = "fuzzy-add"
    FUZZY_DELETE = "fuzzy-delete"

    @property
    def is_fuzzy(self) -> bool:
        return self in (Lesson.FUZZY_ADD, Lesson.FUZZY_DELETE)

    @property
    def opposite(self) -> "Lesson":
        return _OPPOSITES[self]


_OPPOSITES = {
    Lesson.SPAM: Lesson.HAM,
    Lesson.HAM: Lesson.SPAM,
    Lesson.FUZZY_ADD: Lesson.FUZZY_DELETE,
    Lesson.FUZZY_DELETE: Lesson.FUZZY_ADD,
}
_PATHS = {
    Lesson.SPAM: "/learnspam",
    Lesson.HAM: "/learnham",
    Lesson.FUZZY_ADD: "/fuzzyadd",
    Lesson.FUZZY_DELETE: "/fuzzydel",
}


@unique
class Learnt(StrEnum):
    ASKED = "asked"  # claimed by who teaches it
    DONE = "done"
    KNOWN = "known"  # Rspamd knew it already
    REFUSED = "refused"  # by Rspamd: the same mail again would be, too
    FAILED = "failed"  # Rspamd was not reached, or gave no answer


@dataclass(frozen=True, slots=True)
class Heard:
    learnt: Learnt
    words: str


def teach(controller: Controller, lesson: Lesson, raw: bytes, *, flag: int, weight: int) -> Heard:
    """Raises what the controller raises. No envelope goes with it, as with rspamc: else a rule that lets it pass would stop the lesson."""
    headers = {"Content-Type": "message/rfc822"}
    if lesson.is_fuzzy:
        headers |= {"Flag": str(flag)} | ({"Weight": str(weight)} if lesson == Lesson.FUZZY_ADD else {})
    return heard_in(controller.ask("POST", _PATHS[lesson], raw, headers.items()))


def heard_in(answer: Answered) -> Heard:
    """Rspamd says why in the reason of its status line, and most times in its body, too."""
    told = _object(answer.body)
    words = _plain(str(told.get("error") or answer.reason))
    if answer.status == 200 and told.get("success") is True:
        hashes = told.get("hashes")
        return Heard(Learnt.DONE, f"hashes: {len(hashes)}" if isinstance(hashes, list) else "")
    if answer.status == 208 or (answer.status == 204 and "already in class" in words):
        return Heard(Learnt.KNOWN, words)
    if answer.status == 204 or 400 <= answer.status < 500:
        return Heard(Learnt.REFUSED, words)
    if answer.status >= 500:
        return Heard(Learnt.FAILED, f"{answer.status} {words}".strip())
    return Heard(Learnt.FAILED, "This is none of a controller's answers.")


def _object(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()[:_MOST_WORDS]
