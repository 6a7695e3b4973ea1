"""What a login stands on: with another password, another second factor, another role or a switched-off account it no longer counts."""

import hashlib
import hmac
import json
from typing import Any

from flask import current_app


def stamp_of(user: Any) -> str:
    """Keyed, so that it tells nothing of the password's hash."""
    roles = sorted({role.id for holder in (user, *user.groups) for role in holder.roles})
    stands_on = json.dumps(["stamp", user.id, user.password, bool(user.is_active), roles, *_factor(user)])
    return hmac.digest(str(current_app.secret_key).encode(), stands_on.encode(), hashlib.sha256).hex()


def _factor(user: Any) -> list[str]:
    return [user.second_factor.secret] if user.second_factor is not None else []


def is_stamp_of(user: Any, stamp: object) -> bool:
    return isinstance(stamp, str) and hmac.compare_digest(stamp.encode(), stamp_of(user).encode())
