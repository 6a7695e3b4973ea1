"""Which entries of a map cover another one, and under which entries that which a mail has may stand.

An address is covered by its domain, a network by every wider one, a pair by the pairs of the domains of its sides: bob@x|carol@y by
x|carol@y, bob@x|y and x|y. A domain covers no subdomain: Rspamd compares whole domains.
"""

import ipaddress

from app.rspamd.map_domains import read_address_or_domain
from app.rspamd.map_kinds import MapKind
from app.rspamd.map_networks import read_network, text_of
from app.rspamd.map_values import WrongValue, normal_form


def covering(kind: MapKind, text: str) -> tuple[str, ...]:
    """The normal forms that would cover this one, nearest first; not itself. Of an address its domain, too, which may stand in
    another map."""
    return _wider(MapKind.ADDRESS_OR_DOMAIN if kind is MapKind.ADDRESS else kind, text)[1:]


def keys_of(kind: MapKind, found: str) -> tuple[str, ...]:
    """The normal forms under which what a mail has may stand, itself first; none where it can stand nowhere in such a map."""
    try:
        if kind is MapKind.DOMAIN and "@" in found:
            found = found.rpartition("@")[2]
        return _wider(kind, normal_form(kind, found))
    except WrongValue:
        return ()


def keys_of_pair(sender: str, rcpt: str) -> tuple[str, ...]:
    """Of an envelope or header sender and one recipient."""
    try:
        return _wider(MapKind.PAIR, f"{read_address_or_domain(sender)[0]}|{read_address_or_domain(rcpt)[0]}")
    except WrongValue:
        return ()


def _wider(kind: MapKind, text: str) -> tuple[str, ...]:
    match kind:
        case MapKind.IP:
            return _networks(text)
        case MapKind.ADDRESS_OR_DOMAIN:
            return _sides(text)
        case MapKind.PAIR:
            sender, _bar, rcpt = text.partition("|")
            return tuple(f"{first}|{second}" for second in _sides(rcpt) for first in _sides(sender))
    return (text,)


def _sides(text: str) -> tuple[str, ...]:
    local, at, domain = text.rpartition("@")
    return (text, domain) if at and local else (text,)


def _networks(text: str) -> tuple[str, ...]:
    network = ipaddress.ip_network(read_network(text)[0])
    return tuple(text_of(network.supernet(new_prefix=length)) for length in range(network.prefixlen, -1, -1))
