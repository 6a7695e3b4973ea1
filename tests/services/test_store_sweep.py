"""The sweep: files that nobody refers to, mails whose file is gone; told first, and never taken from a store that is away."""

import os
import pathlib
import shutil
import time

import pytest
from flask import Flask

from app.errors import Unavailable
from app.extensions import db
from app.models import CopyRemoval, Mail
from app.services import copy_removal, disk_budget, store_sweep
from app.storage import store_for
from app.storage.local import digest_of, pack
from tests.make import make_raw
from tests.retention import Told, old, states
from tests.servers.s3 import KEYS, S3


def sweep(app: Flask, dry: bool = False) -> tuple[int, int, int, int]:
    with app.app_context():
        swept = store_sweep.run(Told(dry))
    return swept.files, swept.strays, swept.mails, swept.lost


def put(app: Flask, raw: bytes, days: float = 2) -> pathlib.Path:
    store, digest = store_for(app.config["STORE_URL"]), digest_of(raw)
    store.prepare()
    store.put(digest, pack(raw, 1))
    path = pathlib.Path(app.config["STORE_URL"].removeprefix("file://")) / digest[:2] / digest[2] / digest
    os.utime(path, (time.time() - 86400 * days,) * 2)
    return path


def digest_of_mail(app: Flask, mail_id: int) -> str:
    with app.app_context():
        return str(db.session.get(Mail, mail_id).copy_digest)


def test_it_is_told_first_and_done_then(any_app: Flask) -> None:
    kept, lost, young = old(any_app, 3), old(any_app, 3), old(any_app, 0.5)
    put(any_app, make_raw(), days=2), put(any_app, make_raw(), days=0.5)
    store = store_for(any_app.config["STORE_URL"])
    for mail_id in (lost, young):
        store.delete(digest_of_mail(any_app, mail_id))
    assert sweep(any_app, dry=True) == (3, 1, 2, 1)
    assert states(any_app, kept, lost, young) == ["stored"] * 3
    assert sweep(any_app) == (3, 1, 2, 1)
    assert states(any_app, kept, lost, young) == ["stored", "lost", "stored"]
    with any_app.app_context():
        copy_removal.remove_due()
        assert db.session.query(CopyRemoval).one().is_aside
    assert sweep(any_app) == (2, 0, 1, 0)


def test_a_store_that_is_away_is_not_taken_for_one_that_is_empty(app: Flask) -> None:
    ids = [old(app, 3), old(app, 3)]
    shutil.rmtree(app.config["STORE_URL"].removeprefix("file://"))
    with pytest.raises(Unavailable, match="is it there"):
        sweep(app)
    assert states(app, *ids) == ["stored", "stored"]


def test_a_bucket_is_swept_likewise(app: Flask, s3: S3, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(store_sweep, "_YOUNGEST_DAYS", -1)  # nothing there can be made old
    app.config["STORE_URL"] = s3.url(tmp_path.name)
    kept, lost = old(app, 3), old(app, 3)
    store = store_for(app.config["STORE_URL"])
    store.put(digest_of(b"stray"), pack(b"stray", 1))
    store.delete(digest_of_mail(app, lost))
    assert sweep(app) == (2, 1, 2, 1)
    assert states(app, kept, lost) == ["stored", "lost"]


def test_the_oldest_copies_go_where_the_disk_is_full(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [old(app, days, raw=make_raw(size=1000)) for days in (9000, 50, 40, 30, 0.5)]
    app.config |= {"RETENTION_COPY_DAYS": 0, "RETENTION_MIN_FREE_BYTES": 10_000}
    with app.app_context():
        store = store_for(app.config["STORE_URL"])
        size, next_size = (store.size_of(digest_of_mail(app, ids[place])) for place in (0, 2))
        db.session.query(Mail).filter_by(id=ids[1]).update({"copy_node": "mx9"})
        db.session.commit()
        monkeypatch.setattr(disk_budget.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 10_000 - size - 5))
        dry = disk_budget.run(Told(dry=True)).told()
        assert states(app, *ids) == ["stored"] * 5
        assert disk_budget.run(Told()).told() == dry == {"copy free space": {"count": 2, "bytes": size + next_size}}
        assert disk_budget.run(Told()).told() == {}  # they go already
    assert states(app, *ids) == ["deleted", "stored", "deleted", "stored", "stored"]
