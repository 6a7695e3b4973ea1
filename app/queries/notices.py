"""What a letter tells of."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Line:
    mail_id: int
    received_at: datetime
    sender: str
    subject: str
    action: str
    score: float
    size: int
    has_virus: bool
    address: str
