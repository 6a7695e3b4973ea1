"""flask notices: the letters that tell people of mail kept for them."""

import click
from flask.cli import AppGroup

from app.cli.answer import plainly
from app.cli.mail import printable
from app.models import NoticeStep
from app.queries.notices import letter_of, letters, lines_of, state_counts

notices = AppGroup("notices", help="The letters that tell people of mail kept for them.")


@notices.command("list")
@click.option("--state", type=click.Choice([step.value for step in NoticeStep]), default=None, help="Only those.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@plainly
def show_list(state: str | None, limit: int) -> None:
    """The newest first, and how many there are in each state."""
    for row in letters(state or "", limit=limit):
        click.echo("  ".join((str(row.id), f"{row.made_at:%Y-%m-%d %H:%M} UTC", row.state, row.kind, row.address, f"{row.mails} mails")))
    click.echo(", ".join(f"{count} {step}" for step, count in sorted(state_counts().items())) or "There are no letters.")


@notices.command("show")
@click.argument("number", type=int)
@plainly
def show(number: int) -> None:
    """Letter NUMBER: what became of it, and what it tells of that is still kept."""
    row = letter_of(number)
    click.echo(f"{row.kind} letter to {printable(row.address)} ({printable(row.owner)}), {row.mails} mails")
    click.echo(f"made {row.made_at:%Y-%m-%d %H:%M} UTC, {row.state}, tried {row.tries} times: {printable(row.answer)}")
    if row.next_try_at is not None:
        click.echo(f"next try {row.next_try_at:%Y-%m-%d %H:%M} UTC")
    for line in lines_of(number, 100):
        click.echo("  ".join((str(line.mail_id), printable(line.address), printable(line.sender), printable(line.subject))))
