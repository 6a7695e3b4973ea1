"""flask demo: a panel with something in it."""

import click
from flask import current_app
from flask.cli import AppGroup

from app.actor import command_line
from app.cli.answer import plainly
from app.errors import Conflict
from app.services import demo as service

demo = AppGroup("demo", help="Believable mails to look at.")


@demo.command("fill")
@click.option("--mails", default=3000, show_default=True, type=click.IntRange(1, 100_000), help="How many.")
@click.option("--days", default=14, show_default=True, type=click.IntRange(1, 365), help="Over how many past days.")
@click.option("--yes", is_flag=True, help="Also where the panel holds real mail.")
@plainly
def fill(mails: int, days: int, yes: bool) -> None:
    """Put made-up mails into the log and the store. A second call adds nothing."""
    new = service.fill(mails, days, beside_real_mail=yes)
    try:
        current_app.extensions["mailkeep_scheduler"].run_here("rollups", command_line().name, whole=True)
    except Conflict:
        click.echo("They are counted for the statistics within some minutes.")
    click.echo(f"{new} demo mails added." if new else "The demo mails are there already.")
