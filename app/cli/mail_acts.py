"""flask mail list, raw and delete: mails looked for, their bytes, and their end."""

from datetime import UTC

import click

from app.actor import command_line
from app.cli.answer import plainly
from app.cli.mail import mail, one, printable
from app.forms.search import read_filters, read_pairs, read_terms
from app.ids import id_time
from app.models import Extent, Verb
from app.queries.deletions import ANYTHING
from app.queries.scope import ALL
from app.queries.search import Search, find
from app.services.audit import recorded
from app.services.copies import raw_of
from app.services.copy_removal import remove_due
from app.services.deletion import ask, delete_due

__all__ = ["mail"]

_SECONDS = 60.0


@mail.command("list")
@click.argument("search", nargs=-1, metavar="[SEARCH]...")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="So many at most.")
@plainly
def show_list(search: tuple[str, ...], limit: int) -> None:
    """Mails, newest first. SEARCH is as in the panel's addresses, such as sender.contains=example.net, or a word as typed there.

    Times are UTC; mails with a stored copy have a star."""
    asked = Search(ALL, read_filters(read_terms(read_pairs(search)), UTC))
    page = find(asked, limit, seconds=_SECONDS, cap=1)
    for row in page.rows:
        star = "*" if row.copy_state == "stored" else " "
        parts = (row.mail_from or "<>", row.first_rcpt, row.subject)
        told = "  ".join(printable(part) for part in parts)
        click.echo(f"{row.id} {star} {id_time(row.id):%Y-%m-%d %H:%M:%S}  {printable(row.action)} ({row.score:g})  {told}")
    if page.searched_to is not None:
        raise click.ClickException(f"Time was up: searched back to {id_time(page.searched_to):%Y-%m-%d %H:%M:%S} UTC.")


@mail.command("raw")
@click.argument("name", metavar="ID_OR_QUEUE_ID")
@plainly
def raw(name: str) -> None:
    """The stored copy, byte for byte."""
    found = one(name)
    mail_id, content = found.id, raw_of(found)
    recorded(command_line(), Verb.MAIL_DOWNLOADED, "mail", mail_id)
    click.echo(content, nl=False)


@mail.command("delete")
@click.argument("name", metavar="ID_OR_QUEUE_ID")
@click.option("--copy", is_flag=True, help="Only the stored copy: what the log knows of the mail stays.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@plainly
def delete(name: str, copy: bool, yes: bool) -> None:
    """Delete a mail with all that is known of it, or its stored copy, at once."""
    found = one(name)
    mail_id, shown = found.id, f"“{printable(found.subject)}” from {printable(found.mail_from or '<>')}"
    extent = Extent.COPY if copy else Extent.MAIL
    if not yes:
        click.confirm(f"Delete the stored copy of {shown}?" if copy else f"Delete {shown}, with all that is known of it?", abort=True)
    done = delete_due(only=[ask(ANYTHING, mail_id, extent, at_once=True, actor=command_line())])
    remove_due()
    if not done:
        raise click.ClickException("Somebody else has just undone it.")
    click.echo("Deleted.")
