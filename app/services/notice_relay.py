"""What the relay's answers say of the relay itself, and not of a letter or of whom it is for."""

import re

from app.models import NoticeStep
from app.smtp import Answer, Kind

_MOST_IN_A_ROW, _MOST_REFUSED, _MOST_PUT_OFF = 5, 20, 20
"""So many letters one after the other that the relay will not have now, or not at all, and it will have none."""
# Enhanced codes (RFC 3463) of a mailbox that is not there, moved, full or switched off; x.4 is the way to its server.
_OF_RECIPIENT = re.compile(r"(?!421)\d{3}[ -][45]\.(?:1\.(?:[1236]|10)|[24]\.\d{1,3})\b")
# The relay's own disk, its own settings.
_OF_SYSTEM = re.compile(r"\d{3}[ -]4\.3\.")
_PUT_OFF_CODES, _REFUSED_CODES = (450, 451, 452), (550, 551, 553)
# Codes that say nothing of policy: "no such user", and that alone.
_OF_POLICY = re.compile(r"\d{3}[ -][45]\.7\.")


class Judgement:
    """Of one run."""

    def __init__(self) -> None:
        self.why = ""
        """The relay is away, or takes nothing: the rest waits for the next run."""
        self.is_refused = False
        """It is not the letters: somebody has to look."""
        self._in_a_row = self._put_off = self._refused = 0

    def hear(self, step: NoticeStep, answer: Answer) -> None:
        """What it said to one letter."""
        if _is_of_mailbox(answer):  # a stranger may have made up a thousand of them
            return
        match answer.kind:
            case Kind.SENT:
                self._in_a_row = self._put_off = self._refused = 0
            case Kind.LATER if is_of_address(answer):
                self._put_off += 1
            case Kind.LATER | Kind.UNKNOWN:
                self._in_a_row += 1
            case Kind.NEVER:
                self._in_a_row = self._put_off = 0
        self._refused += step is NoticeStep.FAILED and answer.code > 0
        if self._in_a_row >= _MOST_IN_A_ROW or self._put_off >= _MOST_PUT_OFF:
            self.why = f"The relay takes no letters now: {answer.words}"
        elif self._refused >= _MOST_REFUSED:
            self.is_refused, self.why = True, f"The relay refuses all letters: {answer.words}"


def is_of_address(answer: Answer) -> bool:
    """It was said of the recipient, and not of us or the relay: that address alone waits."""
    return answer.to_recipient and answer.code in _PUT_OFF_CODES and not _OF_SYSTEM.match(answer.words)


def _is_of_mailbox(answer: Answer) -> bool:
    """Also by a bare "550 no such user" to the recipient."""
    if _OF_RECIPIENT.match(answer.words):
        return True
    return answer.to_recipient and answer.code in _REFUSED_CODES and not _OF_POLICY.match(answer.words)
