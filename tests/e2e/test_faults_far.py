"""Under load the bucket is killed and falls silent, and our own processes are killed; every mail that got a 200 is there once, with its copy."""

import pathlib

import pytest

from tests.databases import driver_url
from tests.e2e.test_faults import Load, check
from tests.servers.gunicorn import Mailkeep
from tests.servers.s3 import KEYS, S3


@pytest.mark.long
def test_no_accepted_mail_is_lost_or_doubled_where_the_store_is_a_bucket(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with S3() as bucket:
        words = {"STORE_URL": bucket.url("panel", timeout=1), "DB_PATIENCE_SECONDS": 0.5, "SPOOL_SEGMENT_SECONDS": 1, "LOG_LEVEL": "ERROR"}
        server = Mailkeep(f"sqlite:///{tmp_path}/mailkeep.db", **words, **KEYS).prepare()
        server.start()
        loads = [Load(server.port, 30) for _ in range(3)]
        try:
            loads[0].start()
            loads[0].wait_until(10)
            bucket.kill()
            loads[0].join()
            bucket.start()
            loads[1].start()
            loads[1].wait_until(10)
            bucket.hang()
            loads[1].wait_until(20)
            server.kill()  # the spool is not empty, and the next life begins with a silent bucket
            server.start()
            loads[2].start()
            loads[2].wait_until(10)
            bucket.go_on()
            for load in loads[1:]:
                load.join()
            loads[0].accepted += loads[1].accepted + loads[2].accepted
            check(server, loads[0], driver_url(server.settings["DATABASE_URL"]), 120)
        finally:
            bucket.go_on()
            server.close()
