"""Countries come from a file, or not at all."""

import pathlib
from random import Random

import netaddr
import pytest
from mmdb_writer import MMDBWriter

from app import create_app
from app.geo import Countries
from tests.apps import SECRET


@pytest.fixture
def database(tmp_path: pathlib.Path) -> pathlib.Path:
    writer = MMDBWriter(6, "GeoLite2-Country", languages=["en"], ipv4_compatible=True)
    writer.insert_network(netaddr.IPSet(["192.0.2.0/24"]), {"country": {"iso_code": "GR", "names": {"en": "Greece"}}})
    writer.insert_network(netaddr.IPSet(["2001:db8::/32"]), {"country": {"iso_code": "DE", "names": {"en": "Germany"}}})
    path = tmp_path / "countries.mmdb"
    writer.to_db_file(str(path))
    return path


def test_an_address_has_its_country(database: pathlib.Path) -> None:
    countries = Countries(str(database))
    assert countries.country_of("192.0.2.7") == ("GR", "Greece")
    assert countries.country_of("2001:db8::1") == ("DE", "Germany")
    assert countries.country_of("198.51.100.1") is None
    assert countries.country_of("no address") is None


def test_without_a_file_nothing_is_known() -> None:
    assert Countries("").country_of("192.0.2.7") is None


@pytest.mark.parametrize(
    ("setting", "content"), [("GEOIP_DATABASE", None), ("GEOIP_DATABASE", b"rubbish"), ("REASONS_FILE", None), ("REASONS_FILE", b"rubbish")]
)
def test_a_file_that_cannot_be_used_stops_the_start_with_one_line(tmp_path: pathlib.Path, setting: str, content: bytes | None) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SystemExit) as stopped:
        create_app(SECRET_KEY=SECRET, SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/m.db", SPOOL_DIR=str(tmp_path), **{setting: str(path)})
    assert setting in str(stopped.value)
    assert "\n" not in str(stopped.value)


def test_a_damaged_file_is_no_country_or_stops_the_start_and_never_the_process(database: pathlib.Path) -> None:
    whole, random = database.read_bytes(), Random(7)
    opened = 0
    for _ in range(400):
        damaged = bytearray(whole)
        for _ in range(random.choice((1, 5, 50))):
            damaged[random.randrange(len(damaged))] = random.randrange(256)
        database.write_bytes(damaged)
        try:
            countries = Countries(str(database))
        except ValueError as error:
            assert "\n" not in str(error)
            continue
        opened += 1
        for address in ("192.0.2.7", "2001:db8::1"):
            found = countries.country_of(address)
            assert found is None or all(isinstance(text, str) for text in found)
    assert opened > 100


def test_a_file_that_is_overwritten_while_open_does_no_harm(database: pathlib.Path) -> None:
    countries = Countries(str(database))
    database.write_bytes(b"")
    assert countries.country_of("192.0.2.7") == ("GR", "Greece")
