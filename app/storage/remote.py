"""Raw mails that are in another node's store: read only, and believed no more than one's own disk is."""

import io
from collections.abc import Callable
from typing import BinaryIO

from app.errors import Unavailable
from app.storage.local import digest_of

Fetch = Callable[[], bytes]


class RemoteStore:
    """`fetch` has it from whoever holds it; NotFound and Unavailable are its to say."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch

    def open(self, digest: str) -> BinaryIO:
        raw = self._fetch()
        if digest_of(raw) != digest:
            raise Unavailable("The stored copy is damaged.")
        return io.BytesIO(raw)
