"""Which entries cover another, and where that which a mail has may stand."""

import ipaddress

from app.rspamd.map_covers import covering, keys_of, keys_of_pair
from app.rspamd.map_kinds import MapKind


def test_an_address_is_covered_by_its_domain_and_by_no_other() -> None:
    assert covering(MapKind.ADDRESS_OR_DOMAIN, "bob@mx.example.com") == ("mx.example.com",)
    assert covering(MapKind.ADDRESS_OR_DOMAIN, "mx.example.com") == ()
    assert covering(MapKind.ADDRESS, "bob@example.com") == ("example.com",)
    assert covering(MapKind.TEXT, "word") == ()


def test_a_network_is_covered_by_every_wider_one() -> None:
    found = covering(MapKind.IP, "192.0.2.128/25")
    assert (found[0], found[1], found[-1], len(found)) == ("192.0.2.0/24", "192.0.2.0/23", "0.0.0.0/0", 25)
    address = ipaddress.ip_address("2001:db8::1")
    found = covering(MapKind.IP, str(address))
    assert len(found) == 128
    assert all(address in ipaddress.ip_network(network) for network in found)


def test_a_pair_is_covered_by_those_of_its_domains() -> None:
    assert covering(MapKind.PAIR, "bob@x.de|carol@y.de") == ("x.de|carol@y.de", "bob@x.de|y.de", "x.de|y.de")
    assert covering(MapKind.PAIR, "bob@x.de|y.de") == ("x.de|y.de",)
    assert covering(MapKind.PAIR, "x.de|y.de") == ()


def test_what_a_mail_has_is_looked_for_in_its_normal_form() -> None:
    assert keys_of(MapKind.ADDRESS_OR_DOMAIN, "Bob+news@BÜCHER.example") == ("bob@xn--bcher-kva.example", "xn--bcher-kva.example")
    assert keys_of(MapKind.ADDRESS, "Bob@example.com") == ("bob@example.com",)
    assert keys_of(MapKind.DOMAIN, "Bob@example.com") == ("example.com",)
    assert keys_of(MapKind.IP, "::ffff:192.0.2.1")[:2] == ("192.0.2.1", "192.0.2.0/31")
    assert keys_of(MapKind.HOST, "MX.example.com.") == ("mx.example.com",)
    assert keys_of(MapKind.URL, "http://example.com/a b/C") == ("http://example.com/a%20b/c",)
    assert keys_of(MapKind.TEXT, "Word") == ("word",)
    assert keys_of(MapKind.IP, "unknown") == ()
    assert keys_of(MapKind.ADDRESS, "") == ()


def test_what_a_mail_has_holds_no_symbol_and_no_second_value() -> None:
    assert keys_of(MapKind.TEXT, "12 WORDS:5") == ("12 words:5",)
    assert keys_of(MapKind.DOMAIN, "example.com SYM:5") == ()
    assert keys_of(MapKind.VIRUS, '"Eicar" X') == ()


def test_the_pairs_of_a_mail() -> None:
    assert keys_of_pair("Bob@x.de", "Carol+a@y.de") == ("bob@x.de|carol@y.de", "x.de|carol@y.de", "bob@x.de|y.de", "x.de|y.de")
    assert keys_of_pair("", "carol@y.de") == ()
    assert keys_of_pair("bob@x.de", "carol") == ("bob@x.de|carol", "x.de|carol")
