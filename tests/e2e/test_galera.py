"""Two nodes of a real Galera cluster that both take writes: what is to happen once happens once, whichever node is asked."""

import pathlib
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import delete, select
from sqlalchemy.exc import OperationalError

from app.clock import stored_now
from app.errors import MailkeepError
from app.extensions import db
from app.jobs import lease
from app.models import AuditEvent, Held, JobState, Mail, Release
from app.services import release_sending
from app.services.audit import verify
from app.services.entry import Entry
from app.services.expiry import pass_gate
from app.services.holds import add_hold
from app.services.insert import insert_entries
from app.services.tries import was_beaten
from tests.apps import close
from tests.databases import MariaDBCopies, driver_url
from tests.make import make_entry, make_raw
from tests.releases import ADMIN, BOB, CAROL, releasing_app, stored
from tests.retention import old, retire, states
from tests.servers.galera import Galera
from tests.servers.relay import Relay
from tests.services.test_acts_storm import acts_on

Both = tuple[Flask, Flask]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Galera]:
    with Galera() as running:
        yield running


@pytest.fixture(scope="module")
def copies(cluster: Galera, tmp_path_factory: pytest.TempPathFactory) -> MariaDBCopies:
    return MariaDBCopies(cluster.nodes[0], tmp_path_factory.mktemp("copies"))


@pytest.fixture
def both(cluster: Galera, copies: MariaDBCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Both]:
    """The same panel on each node."""
    url = copies.make(tmp_path)
    name = url.rpartition("/")[2].partition("?")[0]
    apps = tuple(releasing_app(driver_url(node.url(name)), tmp_path, relay.url) for node in cluster.nodes)
    cluster.settle()
    yield apps
    for app in apps:
        close(app)


def at_once(*works: Callable[[], object]) -> list[Exception]:
    ready, strange = threading.Barrier(len(works)), list[Exception]()

    def work(each: Callable[[], object]) -> None:
        ready.wait()
        try:
            each()
        except Exception as error:
            strange.append(error)

    threads = [threading.Thread(target=work, args=(each,)) for each in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return strange


def test_a_job_is_begun_by_one_of_two_nodes(both: Both, cluster: Galera) -> None:
    with both[0].app_context():
        db.session.add_all(JobState(name=f"job{number}", due_at=stored_now()) for number in range(40))
        db.session.commit()
    cluster.settle()
    got = Counter[str]()

    def look(app: Flask, numbers: list[int]) -> None:
        with app.app_context():
            for number in numbers:
                if lease.claim(f"job{number}"):
                    got[f"job{number}"] += 1

    numbers = list(range(40))
    assert at_once(*(lambda app=app: look(app, numbers) for app in both for _ in range(2))) == []
    assert got == Counter({f"job{number}": 1 for number in numbers})


def test_a_storm_of_acts_on_both_nodes_comes_to_an_end_that_makes_sense(both: Both, cluster: Galera, relay: Relay) -> None:
    mail_id = stored(both[0], BOB, CAROL)
    cluster.settle()

    def work(app: Flask, number: int) -> None:
        for act in random.Random(number).choices(acts_on(app, mail_id)[:-1], k=12):
            with app.app_context():
                try:
                    act()
                except MailkeepError:
                    continue
                except OperationalError as error:  # the other node was faster: the panel says so
                    assert was_beaten(error)

    strange = at_once(*(lambda app=app, number=number: work(app, number) for number, app in enumerate(both * 3)))
    with both[0].app_context():
        release_sending.send_due()
    cluster.settle()
    for app in both:
        with app.app_context():
            rows = db.session.scalars(select(Release).where(Release.mail_id == mail_id)).all()
            sent = db.session.query(AuditEvent).filter(AuditEvent.verb == "mail.released", AuditEvent.after.contains('"sent"')).count()
            assert (strange, verify(), {row.state for row in rows} - {"sent", "cancelled"}) == ([], None, set())
            assert len(relay.envelopes) == sent == sum(row.state == "sent" for row in rows)


def posted(number: int) -> Entry:
    named = {"queue_id": f"Q{number}", "message_id": f"{number}@example.net", "subject": f"Mail {number}"}
    return make_entry(make_raw(number), **named)


def test_a_mail_that_both_nodes_take_stands_once(both: Both, cluster: Galera) -> None:
    of_one, of_other = ([posted(number) for number in range(30)] for _ in both)

    def take(app: Flask, found: list[Entry]) -> None:
        with app.app_context():
            for start in range(0, 30, 5):
                insert_entries(db.engine, found[start : start + 5], "mx1")

    assert at_once(lambda: take(both[0], of_one), lambda: take(both[1], of_other)) == []
    cluster.settle()
    for app in both:
        with app.app_context():
            assert db.session.query(Mail).count() == 30


def test_partitions_are_not_made_where_they_could_not_be_locked(both: Both) -> None:
    done = both[0].test_cli_runner().invoke(args=["db", "partition"])
    assert (done.exit_code, "Not on a Galera cluster" in done.output) == (1, True)


def test_what_is_held_on_one_node_is_not_deleted_by_who_is_at_it_on_the_other(both: Both, cluster: Galera) -> None:
    mail_id = old(both[0], 460, "bob@example.com")
    cluster.settle()
    with both[0].app_context():
        pass_gate()
        db.session.execute(delete(Mail).where(Mail.id == mail_id))
        with both[1].app_context():
            add_hold(Held.ADDRESS, "bob@example.com", "court", actor=ADMIN)
        with pytest.raises(OperationalError) as refused:
            db.session.commit()
        db.session.rollback()
    assert was_beaten(refused.value)
    cluster.settle()
    retire(both[0])
    assert states(both[0], mail_id) == ["stored"]
