"""flask mail learn, flask mail rescan: Rspamd taught with a stored mail, and asked once more what it says of it."""

import json

import click

from app.actor import command_line
from app.cli.answer import plainly
from app.cli.mail import mail, one, plain
from app.queries.learning import ANYTHING, rescans_of
from app.queries.mail import detail_of
from app.rspamd.lessons import Lesson
from app.rspamd.rescan import Change, compared
from app.services.learning import learn
from app.services.rescanning import scan_again


@mail.command("learn")
@click.argument("lesson", type=click.Choice([each.value for each in Lesson]))
@click.argument("name", metavar="ID_OR_QUEUE_ID")
@click.option("--again", is_flag=True, help="Also what it was taught already.")
@plainly
def learn_(lesson: str, name: str, again: bool) -> None:
    """Teach Rspamd with a stored mail."""
    taught = learn(ANYTHING, one(name).id, Lesson(lesson), sure=again, actor=command_line())
    click.echo(f"{taught.node}: {taught.lesson}: {taught.state}. {plain(taught.reply)}".strip())
    if not taught.is_good:
        raise click.ClickException("Rspamd has not learned it.")


@mail.command("rescan")
@click.argument("name", metavar="ID_OR_QUEUE_ID")
@click.option("--node", help="Whose Rspamd scans it. Without it: that of the mail's own node.")
@plainly
def rescan_(name: str, node: str | None) -> None:
    """Scan a stored mail again, and show what has changed since it came."""
    found = one(name)
    mail_id, before, detail = found.id, f"{found.action} ({found.score:g})", detail_of(found.id)
    old = json.loads(detail.symbols) if detail else []
    scan_again(ANYTHING, mail_id, node, actor=command_line())
    row = rescans_of(mail_id)[0]
    click.echo(f"{row.node}: {before} -> {plain(row.action)} ({row.score:g})")
    for each in compared(old, json.loads(row.symbols)):
        if each.change != Change.SAME:
            sides = " -> ".join("-" if score is None else f"{score:g}" for score in (each.before, each.after))
            click.echo(f"{each.change.value:<6} {plain(each.name)}  {sides}")
