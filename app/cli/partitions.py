"""flask db partition: the tables of mails in partitions, or in one piece again."""

import click
from flask import current_app
from flask.cli import with_appcontext
from flask_migrate.cli import db

from app.cli.answer import Spoken, plainly
from app.services import partitions


@db.command("partition", help="On MariaDB: put mails into partitions by their time, which retention drops whole.")
@click.option("--undo", is_flag=True, help="Back into one piece.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and how large the tables are.")
@with_appcontext
@plainly
def partition(undo: bool, dry_run: bool) -> None:
    if undo:
        partitions.undo(Spoken(dry_run))
    else:
        partitions.partition(current_app.config["RETENTION_PARTITIONS"], Spoken(dry_run))
