"""flask retention: what is old enough goes now."""

import click
from flask.cli import with_appcontext

from app.cli.answer import Spoken, plainly
from app.services import disk_budget
from app.services import retention as ages


@click.command("retention", help="Let old copies and mails go, by the rules of RETENTION_*.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and let it stay.")
@with_appcontext
@plainly
def retention(dry_run: bool) -> None:
    ages.run(Spoken(dry_run))
    disk_budget.run(Spoken(dry_run))
