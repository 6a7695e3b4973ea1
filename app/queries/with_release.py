"""What somebody may do with a mail in one go with its release."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.models import Mail
from app.queries.learning import Learning, learning_of
from app.queries.map_offers import Offer, sender_offers
from app.queries.map_reach import MapReach, map_reach_of
from app.queries.requests import Asking, telling_of


@dataclass(frozen=True, slots=True)
class MayAlso:
    reach: MapReach
    offers: tuple[Offer, ...]
    """To allow the sender, for addresses of their own."""
    telling: Asking
    learning: Learning


def may_also_of(user: Any, mail: Mail, addresses: Sequence[str]) -> MayAlso:
    """For these recipients of it."""
    telling = telling_of(user, mail)
    told = Asking(telling.user_id, tuple(address for address in telling.addresses if address in addresses))
    return MayAlso(map_reach_of(user), tuple(sender_offers(user, mail, addresses)), told, learning_of(user, mail))
