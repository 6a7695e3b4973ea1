"""The country of an address, from a GeoIP database where one is configured. Nothing is ever looked up elsewhere."""

import functools
import logging

import geoip2.database
import maxminddb
from geoip2.errors import AddressNotFoundError

log = logging.getLogger(__name__)


class Countries:
    """ValueError where the file cannot be opened."""

    def __init__(self, path: str) -> None:
        try:
            self._reader = geoip2.database.Reader(path) if path else None
        except (OSError, maxminddb.InvalidDatabaseError) as error:
            raise ValueError(f"{path} cannot be opened: {error}") from None
        self.country_of = functools.lru_cache(maxsize=4096)(self._country_of)

    def _country_of(self, address: str) -> tuple[str, str] | None:
        """(code, English name), or None where it is not known."""
        if self._reader is None:
            return None
        try:
            found = self._reader.country(address).country
        except (AddressNotFoundError, ValueError):
            return None
        except (maxminddb.InvalidDatabaseError, TypeError, OSError) as error:
            log.warning("GeoIP: %s", error)
            return None
        return (found.iso_code, found.name or found.iso_code) if found.iso_code else None
