"""All that is done with mails, to one mail by many at once and in any order: each is done or refused in a sentence, and none is lost."""

import pathlib
import random
import threading
from collections.abc import Callable

from flask import Flask
from sqlalchemy import select

from app.errors import MailkeepError
from app.extensions import db
from app.models import AuditEvent, CopyState, Deletion, Extent, Mail, MailRequest, Release
from app.queries.deletions import ANYTHING as ANY_DELETION
from app.queries.releases import ANYTHING
from app.services import deletion, release, release_sending, requests
from app.services.audit import verify
from tests.apps import close
from tests.bulk import ordered, worked
from tests.databases import MariaDBCopies
from tests.make import make_user
from tests.releases import BOB, CAROL, releasing_app, stored
from tests.servers.relay import Relay
from tests.services.test_requests import EVERYTHING, HERE, WHO

_AT_ONCE, _ACTS = 8, 12


def acts_on(app: Flask, mail_id: int) -> list[Callable[[], object]]:
    def undo() -> None:
        found = db.session.scalars(select(Release.id).where(Release.mail_id == mail_id).order_by(Release.id.desc())).first()
        release.undo(ANYTHING, mail_id, found or 1, actor=WHO)

    def decide(act: Callable[..., object]) -> None:
        found = db.session.scalars(select(MailRequest.id).where(MailRequest.mail_id == mail_id)).first()
        act(EVERYTHING, found or 1, actor=WHO)

    return [
        lambda: release.ask(ANYTHING, mail_id, [BOB, CAROL], actor=WHO),
        lambda: release.ask(ANYTHING, mail_id, [CAROL], sure=True, actor=WHO),
        undo,
        release_sending.send_due,
        lambda: requests.ask_for(HERE, mail_id, actor=WHO),
        lambda: decide(requests.approve),
        lambda: decide(requests.deny),
        lambda: deletion.ask(ANY_DELETION, mail_id, Extent.COPY, actor=WHO),
        lambda: deletion.undo(ANY_DELETION, mail_id, actor=WHO),
        deletion.delete_due,
        lambda: worked(app, 1),
    ]


def test_a_storm_of_acts_comes_to_an_end_that_makes_sense(mariadb_copies: MariaDBCopies, tmp_path: pathlib.Path, relay: Relay) -> None:
    app = releasing_app(mariadb_copies.make(tmp_path), tmp_path, relay.url)
    make_user(app, "root")
    mail_id = stored(app, BOB, CAROL)
    for act in ("release", "delete_copy"):
        ordered(app, ids=[mail_id], total=1, act=act)
    ready, strange = threading.Barrier(_AT_ONCE), list[Exception]()

    def work(number: int) -> None:
        ready.wait()
        for act in random.Random(number).choices(acts_on(app, mail_id), k=_ACTS):
            with app.app_context():
                try:
                    act()
                except MailkeepError:
                    continue
                except Exception as error:
                    strange.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(_AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    worked(app)
    with app.app_context():
        deletion.delete_due()
        release_sending.send_due()
        mail, rows = db.session.get_one(Mail, mail_id), db.session.scalars(select(Release).where(Release.mail_id == mail_id)).all()
        deleted = db.session.query(Deletion).filter_by(mail_id=mail_id, state="done").count()
        sent = db.session.query(AuditEvent).filter(AuditEvent.verb == "mail.released", AuditEvent.after.contains('"sent"')).count()
        states = {row.state for row in rows}
        assert (strange, verify(), states - {"sent", "cancelled"}) == ([], None, set())
        assert deleted == (mail.copy_state == CopyState.DELETED)
        assert len(relay.envelopes) == sent == sum(row.state == "sent" for row in rows)
    close(app)
