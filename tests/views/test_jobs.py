"""The screen of jobs: admins change, auditors look, and what was typed wrongly is told."""

import pytest
from flask import Flask

from app.actor import SYSTEM
from app.extensions import db
from app.jobs.lease import claim
from app.models import AuditEvent
from app.services import jobs as service
from app.services.job import Report
from tests.jobs.cases import NOON, Clock, look, make_job, runs, state, use
from tests.make import login, token


def text_of(client, path: str) -> str:
    return " ".join(client.get(path).get_data(as_text=True).split())


def test_an_admin_chooses_a_schedule_pauses_and_runs_a_job(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, client = Clock(monkeypatch), login(app, "root")
    use(app, make_job())
    assert "has not run yet" in text_of(client, "/jobs/")
    with app.app_context():
        look(app)
    form = {"csrf_token": token(client, "/jobs/tidy")}
    answer = client.post("/jobs/tidy", data=form | {"schedule": "<b>soon</b>"})
    assert answer.status_code == 400
    assert "“&lt;b&gt;soon&lt;/b&gt;” is no schedule." in answer.get_data(as_text=True)
    assert client.post("/jobs/tidy", data=form | {"schedule": "daily at 03:30"}).status_code == 302
    assert client.post("/jobs/tidy/pause", data=form | {"on": "yes"}).status_code == 302
    assert client.post("/jobs/tidy/run", data=form).status_code == 302
    assert "about to run" in text_of(client, "/jobs/")
    with app.app_context():
        look(app)
        assert (state().schedule, state().paused, [run.asked_by for run in runs()]) == ("daily at 03:30", True, ["root"])
        events = [
            (event.verb, event.target_id, event.after) for event in db.session.query(AuditEvent).filter(AuditEvent.target_kind == "job")
        ]
        run_id = runs()[0].id
    assert events == [
        ("job.changed", "tidy", '{"schedule": "daily at 03:30"}'),
        ("job.changed", "tidy", '{"paused": true}'),
        ("job.asked", "tidy", ""),
    ]
    assert "Tidied up." in text_of(client, f"/jobs/tidy/runs/{run_id}")
    assert "paused" in text_of(client, "/jobs/")
    assert clock.now == NOON


def test_an_auditor_looks_and_others_do_not(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    use(app, make_job())
    with app.app_context():
        look(app)
    auditor = login(app, "watcher", role="Auditor")
    shown = text_of(auditor, "/jobs/tidy")
    assert "every 15 minutes" in shown
    assert "Run now" not in shown
    assert "Run now" not in text_of(auditor, "/jobs/")
    form = {"csrf_token": token(auditor)}
    for path in ("/jobs/tidy", "/jobs/tidy/pause", "/jobs/tidy/run"):
        auditor.post(path, data=form | {"schedule": "daily at 03:30", "on": "yes"})
    with app.app_context():
        assert (state().schedule, state().paused, state().asked_by) == ("", False, "")
    assert login(app, "chief", role="Domain admin").get("/jobs/").status_code in (302, 403)


def test_how_a_job_stands_is_shown(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Report) -> None:
        raise OSError("no <disk>")

    clock, client = Clock(monkeypatch), login(app, "root")
    use(app, make_job(), make_job("bad", run=fail))
    with app.app_context():
        look(app)
        clock.move(minutes=15)
        look(app)
    shown = text_of(client, "/jobs/")
    assert 'failing</span> <span class="mk-why">OSError: no &lt;disk&gt;' in shown
    assert "well</span>" in shown
    with app.app_context():
        service.ask_for_run("tidy", actor=SYSTEM)
        assert claim("tidy") is not None
    assert "running</span>" in text_of(client, "/jobs/")
    assert "data-load-again" in text_of(client, "/jobs/")
    clock.move(seconds=26)
    assert "its process has ended" in text_of(client, "/jobs/")
    with app.app_context():
        look(app)
    clock.move(minutes=18)
    assert "overdue" in text_of(client, "/jobs/")


def test_a_job_that_rests_waits_and_is_overdue_only_after_that(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def rest(report: Report) -> None:
        report.rests = True
        report.say("The relay is away.")

    clock, client = Clock(monkeypatch), login(app, "root")
    use(app, make_job(schedule="every minute", run=rest))
    with app.app_context():
        for _ in range(4):
            look(app)
            clock.now = max(clock.now, state().not_before or state().due_at)
        look(app)
    clock.move(minutes=7)
    assert 'waits</span> <span class="mk-why">The relay is away.' in text_of(client, "/jobs/")
    clock.move(minutes=2)
    assert "well</span>" in text_of(client, "/jobs/")
    clock.move(minutes=2)
    assert "overdue</span>" in text_of(client, "/jobs/")


@pytest.mark.parametrize(
    "path", ["nothing", "nothing/runs/1", "tidy@nowhere", "tidy/runs/1", "tidy/runs/99999999999999999999", "a%00b", "%2e%2e"]
)
def test_what_is_not_there_is_not_found(app: Flask, path: str) -> None:
    use(app, make_job())
    assert login(app, "root").get(f"/jobs/{path}").status_code == 404
