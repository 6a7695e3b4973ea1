"""Raw mails: store_for() is the only place that chooses where they are."""

from typing import overload

from app.storage.local import LocalStore
from app.storage.remote import Fetch, RemoteStore


@overload
def store_for(url: str) -> LocalStore: ...
@overload
def store_for(url: str, elsewhere: Fetch) -> RemoteStore: ...


def store_for(url: str, elsewhere: Fetch | None = None) -> LocalStore | RemoteStore:
    """`url` is STORE_URL, checked by config.py; `elsewhere` fetches what is in another node's."""
    if elsewhere is not None:
        return RemoteStore(elsewhere)
    return LocalStore(url.removeprefix("file://"))
