"""Raw mails: store_for() is the only place that chooses where they are."""

from app.storage.local import LocalStore


def store_for(url: str) -> LocalStore:
    """`url` is STORE_URL, checked by config.py."""
    return LocalStore(url.removeprefix("file://"))


def is_shared(url: str) -> bool:
    """Whether all nodes keep their copies there."""
    return not url.startswith("file://")
