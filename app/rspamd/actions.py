"""What Rspamd decides."""

from enum import StrEnum, unique


@unique
class Action(StrEnum):
    NO_ACTION = "no action"
    GREYLIST = "greylist"
    ADD_HEADER = "add header"
    REWRITE_SUBJECT = "rewrite subject"
    SOFT_REJECT = "soft reject"
    REJECT = "reject"
    DISCARD = "discard"
    QUARANTINE = "quarantine"
    ACCEPT = "accept"


_TONES: dict[str, str] = {
    Action.NO_ACTION: "good",
    Action.ACCEPT: "good",
    Action.GREYLIST: "wait",
    Action.SOFT_REJECT: "wait",
    Action.ADD_HEADER: "warn",
    Action.REWRITE_SUBJECT: "warn",
    Action.REJECT: "bad",
    Action.DISCARD: "bad",
    Action.QUARANTINE: "bad",
}


def action_named(text: str) -> str:
    """Lower case; the spelling of Rspamd's settings (add_header) is that of its reports (add header). Unknown actions stay as they are."""
    action = text.lower()
    spaced = action.replace("_", " ")
    return spaced if spaced in _TONES else action


def tone_of(action: str) -> str:
    """The colour a badge has, by name; unknown actions are neutral."""
    return _TONES.get(action, "plain")
