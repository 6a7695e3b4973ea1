"""flask jobs: what Mailkeep does by itself, by hand or by cron."""

import sys
from datetime import UTC, datetime
from typing import Any, Self

import click
from flask import current_app
from flask.cli import AppGroup

from app.actor import command_line
from app.cli.answer import plainly
from app.models import JobState
from app.queries.jobs import states
from app.services import jobs as service
from app.services.job import Job, Report

jobs = AppGroup("jobs", help="What Mailkeep does by itself, by hand or by cron.")


@jobs.command("list")
@plainly
def list_() -> None:
    """Every job, one a line; those of each node once for each that has run them."""
    there = states()
    for job in _scheduler().jobs.values():
        rows = [state for state in there.values() if state.job == job.name]
        for state in rows:
            click.echo(_line(job, state))
        if not rows:
            click.echo(f"{job.name}  {job.schedule}  has not run yet")


@jobs.command("run")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--all", "whole", is_flag=True, help="Go on until all is done, where a run does only a piece (rollups).")
@plainly
def run(name: str, dry_run: bool, whole: bool) -> None:
    """Run job NAME now, unless it is running already. Ends with 1 where it fails."""
    with _Bar() as bar:
        error = _scheduler().run_here(name, command_line().name, dry=dry_run, whole=whole, shown=bar.show)
    if error:
        raise click.ClickException(error)


@jobs.command("pause")
@click.argument("name")
@plainly
def pause(name: str) -> None:
    """Job NAME does not run by its schedule any more."""
    job, key = _named(name)
    service.set_paused(job, key, True, actor=command_line())
    click.echo(f"{key} is paused.")


@jobs.command("resume")
@click.argument("name")
@plainly
def resume(name: str) -> None:
    """Job NAME runs again, from its next due time on."""
    job, key = _named(name)
    service.set_paused(job, key, False, actor=command_line())
    click.echo(_line(job, states()[key]))


@jobs.command("schedule")
@click.argument("name")
@click.argument("schedule")
@plainly
def schedule(name: str, schedule: str) -> None:
    """Job NAME runs by SCHEDULE, such as "daily at 03:30", or "" for its own."""
    job, key = _named(name)
    service.set_schedule(job, key, schedule, actor=command_line())
    click.echo(_line(job, states()[key]))


class _Bar:
    """On a terminal; elsewhere the lines alone, so that cron has no signs of it."""

    def __init__(self) -> None:
        self._said = ""
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.render_finish()

    def show(self, report: Report) -> None:
        if report.words != self._said:
            self._said = report.words
            click.echo(("\r\033[K" if self._bar is not None else "") + report.words)
        if report.total and sys.stdout.isatty():
            if self._bar is None or self._bar.length != report.total:
                self._bar = click.progressbar(length=report.total)
            self._bar.update(report.done - self._bar.pos)


def _scheduler() -> Any:
    return current_app.extensions["mailkeep_scheduler"]


def _named(name: str) -> tuple[Job, str]:
    """A job of each node is the one of this node, unless another is named: geoip@mx2."""
    job: Job = _scheduler().job(name)
    return job, name if "@" in name else _scheduler().prepare(job)


def _line(job: Job, state: JobState) -> str:
    when = "paused" if state.paused else f"next {_at(state.due_at)}"
    went = "has not run yet" if state.last_ended is None else f"last {_at(state.last_ended)}: {state.last_error or state.last_words}"
    return "  ".join((state.name, state.schedule or job.schedule, when, went))


def _at(moment: datetime) -> str:
    return moment.replace(tzinfo=UTC).isoformat(" ", "minutes").replace("+00:00", " UTC")
