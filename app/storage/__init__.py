"""Raw mails: store_for() is the only place that chooses where they are."""

import functools
import os
import pathlib
from typing import overload

from app.storage.local import LocalStore
from app.storage.remote import Fetch, RemoteStore
from app.storage.store import Store


@overload
def store_for(url: str) -> Store: ...
@overload
def store_for(url: str, elsewhere: Fetch) -> RemoteStore: ...


def store_for(url: str, elsewhere: Fetch | None = None) -> Store | RemoteStore:
    """`url` is STORE_URL, checked by config.py; `elsewhere` fetches what is in another node's."""
    if elsewhere is not None:
        return RemoteStore(elsewhere)
    return _far_store(url) if is_shared(url) else LocalStore(url.removeprefix("file://"))


def is_shared(url: str) -> bool:
    """Whether every server reads every copy there, whichever of them took the mail."""
    return url.startswith("s3://")


def folder_of(url: str) -> pathlib.Path | None:
    """Of a store that is one."""
    return pathlib.Path(url.removeprefix("file://")) if url.startswith("file://") else None


@functools.lru_cache(maxsize=8)
def _far_store(url: str) -> Store:
    from app.storage.s3 import S3Store  # what it needs is there only where it was installed

    return S3Store(url)


os.register_at_fork(after_in_child=_far_store.cache_clear)  # its threads are the parent's
