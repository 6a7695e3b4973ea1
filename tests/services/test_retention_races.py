"""Retention beside those who release, hold and bring mails at the same time: whoever was told yes has what he was told."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from app.errors import MailkeepError
from app.extensions import db
from app.models import Held, LegalHold, Mail, Release
from app.rspamd.report import Received
from app.services import copy_removal, expiry
from app.services.copies import raw_of
from app.services.holds import add_hold
from tests.make import make_entry, make_node, make_raw
from tests.releases import ADMIN, asked
from tests.retention import old, retire


def every(strange: list[Exception], act: Callable[[int], object], numbers: range) -> None:
    for number in numbers:
        try:
            act(number)
        except MailkeepError:  # it was quicker
            continue
        except Exception as error:
            strange.append(error)


def test_what_was_promised_is_kept(any_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any grace, which is worse than it can get."""
    monkeypatch.setattr(copy_removal, "GRACE", timedelta(0))
    monkeypatch.setattr(expiry, "_FIRST", 5)
    monkeypatch.setattr(expiry, "_MOST", 5)
    any_app.config |= {"SMTP_URL": "smtp://127.0.0.1:9", "UNDO_SECONDS": 3600}
    make_node(any_app)
    raws = [make_raw() for _ in range(60)]
    ids = [old(any_app, 400, raw=raw) for raw in raws]
    intake, strange = any_app.extensions["mailkeep_intake"].get(), list[Exception]()
    came: list[int] = []

    def hold(number: int) -> None:
        with any_app.app_context():
            add_hold(Held.MAIL, str(ids[number]), "court", actor=ADMIN)

    def come(number: int) -> None:
        came.append(intake.accept("mx1", Received(make_entry(raws[number]).report, raws[number])).mail_id)

    def remove(_number: int) -> None:
        with any_app.app_context():
            copy_removal.remove_due()

    acts = [
        (lambda number: asked(any_app, ids[number]), range(59, 0, -3)),
        (hold, range(58, 0, -3)),
        (come, range(60)),
        (remove, range(10)),
        (lambda _: retire(any_app), range(2)),
    ]
    threads = [threading.Thread(target=every, args=(strange, *act)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with any_app.app_context():
        while copy_removal.remove_due():
            pass
        promised = {int(value) for (value,) in db.session.query(LegalHold.value)} | {row for (row,) in db.session.query(Release.mail_id)}
        for mail_id in (*promised, *came):
            assert raw_of(db.session.get(Mail, mail_id))
        assert {row for (row,) in db.session.query(Mail.id)} == promised | set(came)
    assert strange == []
