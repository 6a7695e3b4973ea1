"""Actions and their colours."""

import pytest

from app.rspamd.actions import Action, action_named, tone_of


@pytest.mark.parametrize("action", Action)
def test_every_action_has_a_tone(action: Action) -> None:
    assert tone_of(action) != "plain"


@pytest.mark.parametrize(
    ("text", "action"),
    [("Add Header", "add header"), ("soft_reject", "soft reject"), ("my_own", "my_own"), ("", ""), ("reject", Action.REJECT)],
)
def test_an_action_has_one_spelling(text: str, action: str) -> None:
    assert action_named(text) == action


def test_an_unknown_action_is_neutral() -> None:
    assert tone_of("my own") == "plain"
