"""Codes that count once: those a device makes from a secret and the time (RFC 6238), and those written on paper."""

import base64
import hashlib
import hmac
import secrets
from urllib.parse import quote, urlencode

DIGITS, STEP_SECONDS = 6, 30
_SECRET_BYTES = 20
_RECOVERY_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
_RECOVERY_LENGTH = 10
_LONGEST = 40


def new_secret() -> str:
    """In base 32, as devices want it."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def code_at(secret: str, step: int, digits: int = DIGITS) -> str:
    digest = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def step_of(seconds: float) -> int:
    return int(seconds) // STEP_SECONDS


def matching_step(secret: str, code: str, now: int, after: int) -> int | None:
    """Which of the steps around `now` the code is of; clocks may be one off. None counts that is not later than `after`."""
    matching = [step for step in (now - 1, now, now + 1) if hmac.compare_digest(code_at(secret, step).encode(), code.encode())]
    return next((step for step in matching if step > after), None)


def address_of_secret(secret: str, issuer: str, account: str) -> str:
    """What the square on the screen says to a device."""
    label = quote(f"{issuer.replace(':', ' ')}:{account}", safe="")
    settings = {"secret": secret, "issuer": issuer, "algorithm": "SHA1", "digits": DIGITS, "period": STEP_SECONDS}
    return f"otpauth://totp/{label}?{urlencode(settings, quote_via=quote)}"


def new_recovery_code() -> str:
    letters = "".join(secrets.choice(_RECOVERY_LETTERS) for _ in range(_RECOVERY_LENGTH))
    return f"{letters[:5]}-{letters[5:]}"


def plain(text: str) -> str:
    """As it is compared: people type blanks, hyphens and capitals."""
    return "".join(letter for letter in text[:_LONGEST].lower() if letter.isascii() and letter.isalnum())


def is_code(word: str) -> bool:
    return len(word) == DIGITS and word.isdigit()


def is_recovery_code(word: str) -> bool:
    return len(word) == _RECOVERY_LENGTH
