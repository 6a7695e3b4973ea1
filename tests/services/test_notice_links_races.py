"""A link that is pressed many times at the same moment does its act once, on each database."""

import pathlib
import threading

import pytest
from sqlalchemy import func, select

from app.errors import MailkeepError
from app.extensions import db
from app.models import AuditEvent, Verb
from app.queries.notice_links import LinkAct
from app.services.notice_links import link_of
from app.services.notice_use import Used, press
from tests.apps import close
from tests.letter_links import NOTHING, PUBLIC, done, link, of_bob
from tests.make import make_user
from tests.releases import releasing_app, stored

IP = "192.0.2.7"
R, A, B, T, _LOOK = LinkAct


@pytest.mark.parametrize("act", [R, A, B, T])
def test_of_eight_presses_at_the_same_moment_one_does_it(database: str, tmp_path: pathlib.Path, act: LinkAct) -> None:
    app = releasing_app(database, tmp_path, "smtp://127.0.0.1:9", PUBLIC_URL=PUBLIC, UNDO_SECONDS=3600)
    make_user(app, "bob", role="Recipient")
    mail_id = stored(app)
    text = link(app, of_bob(app, mail_id), mail_id, act)
    together, ends = threading.Barrier(8), []

    def run() -> None:
        with app.app_context():
            found = link_of(text)
            assert found is not None
            together.wait()
            try:
                press(found, ip=IP)
                ends.append("done")
            except Used:
                ends.append("used")
            except MailkeepError as error:
                ends.append(str(error))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    came = {R: {"Release": 1}, A: {"Release": 1, "MapEntry": 1}, B: {"MapEntry": 1}, T: {"MailRequest": 1}}[act]
    assert done(app) == NOTHING | came | {"NoticeUse": 1}
    assert ends.count("done") == 1, ends
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(AuditEvent).where(AuditEvent.verb == Verb.LINK_USED)) == 1
    close(app)
