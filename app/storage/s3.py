"""Raw mails as objects of an S3 bucket: the same bytes under the same names as the files of LocalStore, for all servers of a panel."""

import base64
import contextlib
import functools
import hashlib
import logging
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar
from urllib.parse import parse_qs, urlsplit

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.clock import monotonic
from app.errors import NotFound, Unavailable
from app.storage.local import LARGEST, checked, verified

T = TypeVar("T")

log = logging.getLogger(__name__)
logging.getLogger("botocore").setLevel(logging.WARNING)  # below that it writes down what it signs, and a session's token is part of it

PARALLEL = 16
"""Puts at once: one waits some tens of milliseconds for the network, so that one after the other would be a few dozen a second."""

_TRIES = 2
_CONNECT_SECONDS = 3.0
_TELL_SECONDS = 60.0
_GONE = ("NoSuchKey", "404", "NotFound")


@dataclass(frozen=True, slots=True)
class Place:
    """What a STORE_URL says: s3://bucket/prefix?endpoint=…&region=…&path_style=…&timeout=…"""

    bucket: str
    prefix: str
    endpoint: str | None
    region: str | None
    path_style: bool
    seconds: float
    """For each step over the network, not for a whole mail."""

    @classmethod
    def of(cls, url: str) -> "Place":
        parts = urlsplit(url)
        said = {name: values[0] for name, values in parse_qs(parts.query).items()}
        prefix = parts.path.strip("/")
        endpoint = said.get("endpoint")
        # Amazon wants the bucket in the host's name; at home that would need a name and a certificate for each bucket.
        path_style = said.get("path_style", "yes" if endpoint else "no") == "yes"
        return cls(parts.netloc, f"{prefix}/" if prefix else "", endpoint, said.get("region"), path_style, float(said.get("timeout", "5")))


class S3Store:
    """The rules of LocalStore, where its world is another: an object appears whole or not at all, what was put has been flushed, and
    a name is only ever made from 64 hexadecimal digits. Whatever the network does, each verb ends within some seconds."""

    is_far = True

    def __init__(self, url: str) -> None:
        self.place = Place.of(url)
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._told = ("", 0.0)

    def put(self, digest: str, packed: bytes, *, durable: bool = True) -> bool:  # noqa: ARG002 - what is taken, is flushed
        """True when it was not there yet. Unavailable where the store does not take it."""
        key = self._key(digest)
        if self._is_there(key):
            return False
        self._write(key, packed)
        return True

    def put_all(self, copies: Iterable[tuple[str, bytes]]) -> None:
        """Some at a time. Unavailable at the first that is not taken; the others may be there or not."""
        list(self._many(self.put, dict(copies).items()))

    def repair(self, digest: str, packed: bytes) -> bool:
        """Put, whatever is there of that name: True when one was written."""
        key = self._key(digest)
        try:
            self._read(digest, key)
        except (NotFound, Unavailable):  # what is away takes nothing either
            self._write(key, packed)
            return True
        return False

    def repair_all(self, copies: Iterable[tuple[str, bytes]]) -> None:
        list(self._many(self.repair, dict(copies).items()))

    def open(self, digest: str) -> BinaryIO:
        """The raw mail, its digest verified. NotFound where there is none, Unavailable where it is damaged or cannot be read."""
        key, aside = self._key(digest), self._key(digest, aside=True)
        for place in (key, aside):  # it may be set aside or brought back while we look
            with contextlib.suppress(NotFound):
                return self._read(digest, place)
        return self._read(digest, key)

    def delete(self, digest: str) -> bool:
        key = self._key(digest)
        if not self._is_there(key):
            return False
        self._remove(key)
        return True

    def exists(self, digest: str) -> bool:
        return self.is_in_place(digest) or self._is_there(self._key(digest, aside=True))

    # --- what nothing refers to any more, it seems ------------------------------------------------------------------------------
    # Nothing is renamed in a bucket: first the new name, then not the old one. Both are the same bytes, so it does no harm where
    # somebody puts, or dies, in between.

    def is_in_place(self, digest: str) -> bool:
        """Where put() finds it: not what was set aside."""
        return self._is_there(self._key(digest))

    def are_in_place(self, digests: Iterable[str]) -> bool:
        return all(self._many(self.is_in_place, [(digest,) for digest in dict.fromkeys(digests)]))

    def set_aside(self, digest: str) -> bool:
        """From now on put() writes it anew; until it is discarded it can be opened."""
        return self._move(self._key(digest), self._key(digest, aside=True))

    def bring_back(self, digest: str) -> None:
        """It is needed after all."""
        self._move(self._key(digest, aside=True), self._key(digest))

    def discard(self, digest: str) -> None:
        """What was set aside; what was put since stays."""
        self._remove(self._key(digest, aside=True))

    # --- all of it ---------------------------------------------------------------------------------------------------------------

    def scan(self) -> Iterator[tuple[str, int, float]]:
        """Every (digest, bytes, time of change); foreign objects are passed over."""
        with self._asked("The store cannot be listed just now."):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.place.bucket, Prefix=self.place.prefix):
                for found in page.get("Contents", ()):
                    digest = found["Key"].rpartition("/")[2]
                    with contextlib.suppress(NotFound):
                        if found["Key"] == self._key(digest):
                            yield digest, found["Size"], found["LastModified"].timestamp()

    def flush(self, digests: Iterable[str]) -> None:
        """An answered put is flushed."""

    def prepare(self) -> None:
        """Unavailable where the bucket is not there, or not for us. It is made by whoever pays for it."""
        try:
            with self._asked("The store does not answer."):
                self._client.head_bucket(Bucket=self.place.bucket)
        except NotFound:
            raise Unavailable(f"There is no bucket {self.place.bucket}.") from None

    # --- one object -------------------------------------------------------------------------------------------------------------

    def _key(self, digest: str, *, aside: bool = False) -> str:
        name = checked(digest)
        return f"{self.place.prefix}{'aside' if aside else f'{name[:2]}/{name[2]}'}/{name}"

    def _is_there(self, key: str) -> bool:
        try:
            with self._asked("The store does not answer just now."):
                self._client.head_object(Bucket=self.place.bucket, Key=key)
        except NotFound:
            return False
        return True

    def _read(self, digest: str, key: str) -> BinaryIO:
        with self._asked("The stored copy cannot be read just now."):
            found = self._client.get_object(Bucket=self.place.bucket, Key=key)
            if found["ContentLength"] > LARGEST:
                raise Unavailable("The stored copy is damaged.")
            packed: bytes = found["Body"].read()
        return verified(digest, packed)

    def _write(self, key: str, packed: bytes) -> None:
        told = base64.b64encode(hashlib.md5(packed, usedforsecurity=False).digest()).decode()  # what was spoilt on the way is refused
        with self._asked("The store does not take copies just now."):
            self._client.put_object(Bucket=self.place.bucket, Key=key, Body=packed, ContentMD5=told, ContentType="application/zstd")

    def _move(self, key: str, to: str) -> bool:
        try:
            with self._asked("The stored copy cannot be moved just now."):
                self._client.copy_object(Bucket=self.place.bucket, Key=to, CopySource={"Bucket": self.place.bucket, "Key": key})
        except NotFound:
            return False
        self._remove(key)
        return True

    def _remove(self, key: str) -> None:
        with self._asked("The stored copy cannot be deleted just now."):
            self._client.delete_object(Bucket=self.place.bucket, Key=key)

    # --- over the network -------------------------------------------------------------------------------------------------------

    @property
    def _client(self) -> Any:
        return _client_of(self.place)

    @contextlib.contextmanager
    def _asked(self, sentence: str) -> Iterator[None]:
        """NotFound where there is no such object; else Unavailable with the sentence, which is for people. The reason is for the log."""
        try:
            yield
        except ClientError as error:
            answer = error.response.get("Error", {})
            if answer.get("Code") in _GONE:
                raise NotFound("The stored copy is gone.") from None
            self._tell(f"{answer.get('Code')}: {answer.get('Message')}")
            raise Unavailable(sentence) from error
        except BotoCoreError as error:
            self._tell(str(error))
            raise Unavailable(sentence) from error

    def _tell(self, reason: str) -> None:
        """The same reason once a minute: while the store is away it is asked all the time. Names of objects make it no other."""
        kind, now = re.sub(r"[0-9a-f]{64}|[0-9a-f]{2}/[0-9a-f]/", "", reason), monotonic()
        with self._lock:
            if self._told[0] == kind and now - self._told[1] < _TELL_SECONDS:
                return
            self._told = (kind, now)
        log.error("store: s3://%s: %s", self.place.bucket, reason)

    def _many(self, verb: Callable[..., T], things: Iterable[tuple[object, ...]]) -> Iterator[T]:
        """What has not begun when one fails never begins: else each would wait for the network in its turn."""
        with self._lock:
            self._threads = self._threads or ThreadPoolExecutor(PARALLEL, "store")
        return self._threads.map(lambda thing: verb(*thing), things)


@functools.lru_cache(maxsize=8)
def _made(place: Place) -> Any:
    config = Config(
        connect_timeout=min(_CONNECT_SECONDS, place.seconds),
        read_timeout=place.seconds,
        retries={"total_max_attempts": _TRIES, "mode": "standard"},
        max_pool_connections=2 * PARALLEL,
        tcp_keepalive=True,
        s3={"addressing_style": "path" if place.path_style else "virtual"},
        # The newer kinds of checksum are Amazon's; others' servers refuse them.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return botocore.session.get_session().create_client("s3", region_name=place.region, endpoint_url=place.endpoint, config=config)


_making = threading.Lock()
os.register_at_fork(after_in_child=_made.cache_clear)  # its connections are the parent's


def _client_of(place: Place) -> Any:
    with _making:  # making one is not safe in two threads at once
        return _made(place)
