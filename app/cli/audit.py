"""flask audit: the trail of who did what."""

from typing import TextIO

import click
from flask.cli import AppGroup

from app.actor import command_line
from app.cli.answer import plainly
from app.models.audit import Verb, as_json
from app.queries.audit import events_after, last_events
from app.services.audit import recorded
from app.services.audit import verify as first_broken

audit = AppGroup("audit", help="The audit trail: who did what to what, when and from where.")


@audit.command("verify")
@plainly
def verify() -> None:
    """Look whether any event was changed, removed or put in since it was written."""
    broken = first_broken()
    if broken is not None:
        raise click.ClickException(f"The chain is broken at event {broken}.")
    for last in last_events(1):
        click.echo(f"The chain is whole: {last.id} events, the last one with the digest {last.digest}.")
        return
    click.echo("The chain is whole: no event yet.")


@audit.command("export")
@click.option("--output", type=click.File("w", encoding="utf-8", lazy=False), default="-", help="A file, instead of standard output.")
@click.option("--after", type=click.IntRange(0), default=0, help="Only events after the one with this number.")
@plainly
def export(output: TextIO, after: int) -> None:
    """Every event as one line of JSON, oldest first."""
    recorded(command_line(), Verb.AUDIT_EXPORTED, "audit", "", after={"after": after})
    output.writelines(as_json(event) + "\n" for event in events_after(after))


@audit.command("tail")
@click.option("-n", "count", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many.")
@plainly
def tail(count: int) -> None:
    """The last events, one a line, oldest first."""
    for event in last_events(count):
        what = " ".join(filter(None, (event.verb, event.target_kind, event.target_id)))
        who = f"{event.actor or '-'} for {event.on_behalf_of}" if event.on_behalf_of else event.actor or "-"
        line = f"{event.id}  {event.at.isoformat(sep=' ', timespec='seconds')}  {who}  {event.ip or '-'}  {what}  {event.reason}"
        click.echo("".join(c if c.isprintable() else "?" for c in line).rstrip())
