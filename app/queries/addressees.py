"""Who a letter goes to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Addressee:
    owner: str
    user_id: int | None
    address: str
    """Where the letter goes."""
    language: str
    zone: str
    times: str
    domain: str = ""
