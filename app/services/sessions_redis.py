"""Sessions in a Redis, alone or behind Sentinels: it forgets by itself what has ended."""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import ReadOnlyError, RedisError
from redis.exceptions import TimeoutError as Silent
from redis.retry import Retry
from redis.sentinel import Sentinel

from app.errors import Unavailable
from app.services.session_record import Data, Lifetime, Record, as_text, from_text, whole_seconds

log = logging.getLogger(__name__)

_SENTINEL = re.compile(
    r"redis\+sentinel://(?:(?P<user>[^:@/]*):(?P<password>[^@/]*)@)?(?P<hosts>[^@/]+)/(?P<service>[^/]+)(?:/(?P<db>\d+))?"
)
_TIMES: dict[str, Any] = {"socket_timeout": 2, "socket_connect_timeout": 1}


class RedisSessions:
    def __init__(self, url: str, lifetime: Lifetime) -> None:
        self._redis, self._lifetime = connect(url), lifetime

    def add(self, record: Record) -> None:
        values = {
            "user": record.user_id,
            "data": as_text(record.data),
            "created": record.created_at.isoformat(),
            "seen": record.seen_at.isoformat(),
            "ip": record.ip or "",
            "agent": record.agent,
        }
        with _asking(), self._redis.pipeline() as pipe:
            pipe.hset(_key(record.digest), mapping=values)  # type: ignore[arg-type]
            pipe.expire(_key(record.digest), self._lifetime.idle)
            pipe.sadd(_key_of(record.user_id), record.digest)
            pipe.expire(_key_of(record.user_id), self._lifetime.whole)
            pipe.execute()

    def load(self, digest: str) -> Record | None:
        with _asking():
            return self._alive(digest, self._redis.hgetall(_key(digest)))

    def save(self, digest: str, merge: Callable[[Data], Data]) -> None:
        def change(pipe: Any) -> None:
            text = pipe.hget(_key(digest), "data")
            pipe.multi()
            if text is not None:
                pipe.hset(_key(digest), mapping={"data": as_text(merge(from_text(text))), "seen": whole_seconds().isoformat()})
                pipe.expire(_key(digest), self._lifetime.idle)

        with _asking():
            self._redis.transaction(change, _key(digest))

    def renew(self, digest: str) -> None:
        self.save(digest, dict)

    def delete(self, digest: str) -> None:
        with _asking():
            user = self._redis.hget(_key(digest), "user")
            with self._redis.pipeline() as pipe:
                pipe.delete(_key(digest))
                if user:
                    pipe.srem(_key_of(int(user)), digest)  # type: ignore[arg-type]
                pipe.execute()

    def delete_all_of(self, user_id: int, but: str | None = None) -> int:
        ended = [record.digest for record in self.list_of(user_id) if record.digest != but]
        if ended:
            with _asking(), self._redis.pipeline() as pipe:
                pipe.delete(*map(_key, ended))
                pipe.srem(_key_of(user_id), *ended)
                pipe.execute()
        return len(ended)

    def list_of(self, user_id: int) -> list[Record]:
        with _asking():
            digests: list[str] = sorted(self._redis.smembers(_key_of(user_id)))  # type: ignore[arg-type]
            with self._redis.pipeline(transaction=False) as pipe:
                for digest in digests:
                    pipe.hgetall(_key(digest))
                found = {digest: self._alive(digest, values) for digest, values in zip(digests, pipe.execute(), strict=True)}
            gone = [digest for digest, record in found.items() if record is None]
            if gone:
                self._redis.srem(_key_of(user_id), *gone)
        return sorted(filter(None, found.values()), key=lambda record: record.seen_at, reverse=True)

    def purge(self) -> int:
        """Redis does it."""
        return 0

    def _alive(self, digest: str, values: Any) -> Record | None:
        if not values:
            return None
        created, seen = (datetime.fromisoformat(values[name]) for name in ("created", "seen"))
        if self._lifetime.has_ended(created, seen):
            return None
        return Record(digest, int(values["user"]), from_text(values["data"]), created, seen, values["ip"] or None, values["agent"])


def connect(url: str) -> Redis:
    """No connection is made before the first question."""
    retry = Retry(ExponentialBackoff(cap=0.5, base=0.05), 4)
    options: dict[str, Any] = _TIMES | {
        "decode_responses": True,
        "retry": retry,
        "retry_on_error": [Unreachable, Silent, ReadOnlyError],
        "health_check_interval": 30,
    }
    behind = _SENTINEL.fullmatch(url)
    if behind is None:
        return Redis.from_url(url, **options)
    hosts = [(host.rpartition(":")[0].strip("[]"), int(host.rpartition(":")[2])) for host in behind["hosts"].split(",")]
    if behind["password"]:
        options |= {"username": behind["user"] or None, "password": behind["password"]}
    sentinel: Any = Sentinel(hosts, **_TIMES)  # type: ignore[no-untyped-call]
    found: Redis = sentinel.master_for(behind["service"], db=int(behind["db"] or 0), **options)
    return found


def _key(digest: str) -> str:
    return f"mailkeep:session:{digest}"


def _key_of(user_id: int) -> str:
    return f"mailkeep:sessions-of:{user_id}"


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        log.error("sessions: Redis: %s: %s", type(error).__name__, error)
        raise Unavailable(_("Where sessions are kept does not answer. Try again in a moment.")) from None
