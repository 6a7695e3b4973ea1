"""Settings of letters that need each other stop the start."""

import pathlib
from typing import Any

import pytest

from environment import ConfigError
from tests.notices import telling_app


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"SMTP_URL": ""}, "NOTICE_TIMES: needs SMTP_URL and PUBLIC_URL"),
        ({"PUBLIC_URL": ""}, "NOTICE_TIMES: needs SMTP_URL and PUBLIC_URL"),
        ({"PUBLIC_URL": "", "PORTAL_URL": "https://portal.example.com"}, "NOTICE_TIMES: needs SMTP_URL and PUBLIC_URL"),
    ],
)
def test_what_cannot_be_stops_the_start(tmp_path: pathlib.Path, settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        telling_app(f"sqlite:///{tmp_path}/x.db", tmp_path, "smtp://127.0.0.1:9", **settings)
