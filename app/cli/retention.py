"""flask retention: what is old enough goes now."""

import click

from app.cli.answer import plainly
from app.services import disk_budget
from app.services import retention as ages


class Spoken:
    """A run that is told on the terminal, and ends when all is done."""

    def __init__(self, dry: bool) -> None:
        self.dry = dry

    def say(self, text: str) -> None:
        click.echo(text)

    def progress(self, at: int, total: int) -> None: ...

    def is_over(self) -> bool:
        return False


@click.command("retention", help="Let old copies and mails go, by the rules of RETENTION_*.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and let it stay.")
@plainly
def retention(dry_run: bool) -> None:
    ages.run(Spoken(dry_run))
    disk_budget.run(Spoken(dry_run))
