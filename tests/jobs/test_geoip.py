"""An old GeoIP database makes its job fail, which is how somebody hears of it."""

import pathlib
from datetime import timedelta

import netaddr
import time_machine
from flask import Flask
from mmdb_writer import MMDBWriter

from app.clock import utcnow
from app.jobs.geoip import look_at_geoip
from tests.jobs.cases import make_job, runs, state, use


def ran(app: Flask) -> tuple[bool, str]:
    with app.app_context():
        use(app, make_job("geoip", "daily at 04:10", look_at_geoip))
        app.extensions["mailkeep_scheduler"].run_here("geoip", "root")
        return runs("geoip")[-1].ok, runs("geoip")[-1].words


def test_an_old_database_fails_with_its_age_and_none_does_not(app: Flask, tmp_path: pathlib.Path) -> None:
    assert ran(app) == (True, "No GeoIP database is configured (GEOIP_DATABASE).")
    writer = MMDBWriter(6, "GeoLite2-Country", languages=["en"], ipv4_compatible=True)
    writer.insert_network(netaddr.IPSet(["192.0.2.0/24"]), {"country": {"iso_code": "GR", "names": {"en": "Greece"}}})
    path = tmp_path / "countries.mmdb"
    writer.to_db_file(str(path))
    app.config["GEOIP_DATABASE"] = str(path)
    assert ran(app) == (True, "The GeoIP database is 0 days old.")
    with time_machine.travel(utcnow() + timedelta(days=61, minutes=1), tick=True):
        ok, words = ran(app)
    assert (ok, f"The GeoIP database {path} is 61 days old: renew it" in words) == (False, True)
    with app.app_context():
        assert (state("geoip").failures, state("geoip").last_error) == (1, words)
