"""Whether an address is in one of some networks: the one place that knows how a dual-stack socket shows IPv4."""

import functools
import ipaddress
from collections.abc import Iterable

_network = functools.lru_cache(maxsize=1024)(functools.partial(ipaddress.ip_network, strict=False))


def is_in(address: str, networks: Iterable[str]) -> bool:
    """False for what is no address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None) or found  # ::ffff:192.0.2.1
    return any(mapped in _network(network) for network in networks)
