"""The country of an address, from a GeoIP database where one is configured. Nothing is ever looked up elsewhere."""

import functools
import logging
from datetime import UTC, datetime

import geoip2.database
import maxminddb
from geoip2.errors import AddressNotFoundError

log = logging.getLogger(__name__)
# All that reading a damaged file was seen to raise.
_DAMAGED = (maxminddb.InvalidDatabaseError, OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError)


class Countries:
    """ValueError where the file cannot be opened."""

    def __init__(self, path: str) -> None:
        try:
            # In memory: the faster reader crashes the process on a damaged file, and on one that is overwritten while it is open.
            self._reader = geoip2.database.Reader(path, mode=maxminddb.MODE_MEMORY) if path else None
        except _DAMAGED as error:
            raise ValueError(f"{path} cannot be opened: {' '.join(str(error).split())}") from None
        self.country_of = functools.lru_cache(maxsize=4096)(self._country_of)

    def _country_of(self, address: str) -> tuple[str, str] | None:
        """(code, English name), or None where it is not known."""
        if self._reader is None:
            return None
        try:
            found = self._reader.country(address).country
            code, name = found.iso_code, found.name or found.iso_code
        except AddressNotFoundError:
            return None
        except _DAMAGED as error:
            log.warning("GeoIP: no country of %s: %s", address, error)
            return None
        return (code, name) if code and isinstance(code, str) and isinstance(name, str) else None


def built_at(path: str) -> datetime:
    """When the file was made; ValueError where it cannot be opened."""
    try:
        with maxminddb.open_database(path, maxminddb.MODE_FILE) as reader:
            return datetime.fromtimestamp(reader.metadata().build_epoch, UTC)
    except _DAMAGED as error:
        raise ValueError(f"{path} cannot be opened: {' '.join(str(error).split())}") from None
