"""A few letters whose turn it is, with all that is read to write them: whom they tell, what is still kept, what their links may do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import current_app

from app.models import Notice
from app.queries.addressees import Addressee, addressees_of, still_told
from app.queries.notice_offers import Offered
from app.queries.notices import Line, addresses_told, due_letters, lines_of, lines_of_all
from app.services.notice_links import acts_offered

_MAILS = 2000
"""Of all letters of a handful; one that tells of more comes alone."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A letter as it would be written now. Without an addressee, or without lines, it has nothing to say."""

    letter: Notice
    addressee: Addressee | None
    lines: Sequence[Line]
    offered: Offered


def next_letters(now: datetime, most: int) -> list[Ready]:
    """Ends no transaction. However many they are, the questions are few."""
    found = _few_enough(due_letters(now, most))
    if not found:
        return []
    people, lost = _people(found)
    lines = _lines([letter for letter in found if letter.owner in people and letter.revoked_at is None], lost)
    told: dict[str, list[Line]] = {}
    for letter in found:
        told.setdefault(letter.owner, []).extend(lines.get(letter.id, ()))
    offered = acts_offered({owner: each for owner, each in told.items() if each})
    return [Ready(letter, people.get(letter.owner), lines.get(letter.id, ()), offered.get(letter.owner, {})) for letter in found]


def _few_enough(found: list[Notice]) -> list[Notice]:
    mails = 0
    for place, letter in enumerate(found):
        mails += letter.mails
        if mails > _MAILS:
            return found[: max(1, place)]
    return found


def _people(found: Sequence[Notice]) -> tuple[dict[str, Addressee], dict[str, set[str]]]:
    """Whom these letters tell, and of which addresses they are told no longer."""
    told = addresses_told([letter.id for letter in found])
    still = still_told(told)
    came_to = {letter.owner: min(still.get(letter.owner) or told.get(letter.owner) or {""}) for letter in found}
    return addressees_of(came_to), {owner: lost for owner, every in told.items() if (lost := every - still[owner])}


def _lines(found: Sequence[Notice], lost: dict[str, set[str]]) -> dict[int, Sequence[Line]]:
    most = int(current_app.config.get("NOTICE_MOST_LINES", 100))
    few = {letter.id: letter.owner for letter in found if letter.mails <= most}
    lines: dict[int, Sequence[Line]] = {
        number: [line for line in each if line.address not in lost.get(few[number], ())] for number, each in lines_of_all(few).items()
    }
    for letter in found:
        if letter.id not in few:
            lines[letter.id] = lines_of(letter.id, most, lost.get(letter.owner, ()))
    return lines
