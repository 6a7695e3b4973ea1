"""Under load the bucket is killed and falls silent, and our own processes are killed; every mail that got a 200 is there once, with its copy."""

import pathlib

import pytest

from tests.databases import driver_url
from tests.e2e.test_faults import Load, check
from tests.servers.gunicorn import Mailkeep
from tests.servers.s3 import KEYS, S3


def test_no_accepted_mail_is_lost_or_doubled_where_the_store_is_a_bucket(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    count = 600
    with S3() as bucket:
        words = {"STORE_URL": bucket.url("panel", timeout=1), "DB_PATIENCE_SECONDS": 0.5, "SPOOL_SEGMENT_SECONDS": 1, "LOG_LEVEL": "ERROR"}
        server = Mailkeep(f"sqlite:///{tmp_path}/mailkeep.db", **words, **KEYS).prepare()
        server.start()
        load = Load(server.port, count)
        try:
            load.start()
            load.wait_until(count // 6)
            bucket.kill()
            load.wait_until(count // 3)
            bucket.start()
            load.wait_until(count // 2)
            server.kill()  # some mails are in the bucket and have no row
            server.start()
            load.wait_until(count * 2 // 3)
            bucket.hang()
            load.wait_until(count * 5 // 6)
            server.kill()  # the spool is not empty, and the next life begins with a silent bucket
            server.start()
            bucket.go_on()
            load.join()
            check(server, load, driver_url(server.settings["DATABASE_URL"]), count)
        finally:
            bucket.go_on()
            server.close()
