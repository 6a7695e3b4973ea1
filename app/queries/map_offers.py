"""What of a mail somebody may put on a list."""

from dataclasses import dataclass
from typing import Any

from app.models import Mail


@dataclass(frozen=True, slots=True)
class Offer:
    name: str
    title: str
    colour: str
    kind: str
    value: str
    why: str


def offers_for(user: Any, mail: Mail) -> list[Offer]:
    return []
