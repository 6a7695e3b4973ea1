"""flask spool: what waits for the database."""

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli.answer import plainly
from app.queries.health import spool_state
from app.services import spooled

spool = AppGroup("spool", help="Mails that are safe on disk and not yet in the database.")


@spool.command("status")
@plainly
def status() -> None:
    """How much waits, and since when."""
    state = spool_state(current_app.config["SPOOL_DIR"])
    click.echo(f"{state.segments} segments, {state.size} bytes, oldest {state.oldest_seconds} s, {state.failed} refused by the database")


@spool.command("replay")
@click.option("--failed", is_flag=True, help="Try again what the database refused, too.")
@plainly
def replay(failed: bool) -> None:
    """Bring in what dead processes left. Running ones do this for themselves, and for the dead, every few seconds."""
    result = spooled.replay_all(with_failed=failed)
    click.echo(
        f"{result.committed} new, {result.known} already there, {result.failed} refused; {result.busy} slots belong to running processes"
    )
    if result.stuck:
        raise click.ClickException(f"{len(result.stuck)} files wait on: {result.stuck[0]}")
