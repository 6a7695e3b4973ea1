"""flask hold: mails that nobody deletes until the hold is lifted."""

from datetime import UTC

import click
from flask.cli import AppGroup

from app.actor import command_line
from app.cli.answer import plainly
from app.cli.mail import printable
from app.errors import BadRequest
from app.forms.search import read_filters, read_pairs, read_terms
from app.models import Held
from app.queries.holds import standing_holds
from app.services import holds

hold = AppGroup("hold", help="Mails that nobody deletes until the hold is lifted.")


@hold.command("add")
@click.argument("kind", type=click.Choice([kind.value for kind in Held]))
@click.argument("what", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why; it stands in the audit trail.")
@plainly
def add(kind: str, what: tuple[str, ...], reason: str) -> None:
    """Keep a mail (by its id), all mails to an address or a domain, or all that a search finds, as in `flask mail list`."""
    if kind != Held.SEARCH and len(what) > 1:
        raise BadRequest("Name one at a time.")
    filters = read_filters(read_terms(read_pairs(what)), UTC) if kind == Held.SEARCH else ()
    found = holds.add_hold(Held(kind), " ".join(what), reason, filters=filters, actor=command_line())
    click.echo(f"Hold {found} stands.")


@hold.command("list")
@plainly
def show_list() -> None:
    """The holds that stand."""
    for row in standing_holds():
        told = "  ".join(printable(part) for part in (row.value, row.held_by, row.reason))
        click.echo(f"{row.id}  {row.held_at:%Y-%m-%d %H:%M}  {row.kind}  {told}")


@hold.command("lift")
@click.argument("number", type=int)
@plainly
def lift(number: int) -> None:
    """What it kept may be deleted again."""
    holds.lift_hold(number, actor=command_line())
    click.echo(f"Hold {number} is lifted.")
