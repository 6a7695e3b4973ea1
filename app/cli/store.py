"""flask store: where the raw mails are."""

import click
from flask import current_app
from flask.cli import AppGroup

from app.actor import command_line
from app.cli.answer import Spoken, plainly
from app.clock import monotonic
from app.errors import Unavailable
from app.services import store_sweep
from app.services.store_copy import Tally, copy_all, try_out
from environment_addresses import read_store_url

store = AppGroup("store", help="Where the raw mails are.")

_TELL_SECONDS = 2.0


@store.command("test")
@plainly
def test() -> None:
    """Write, read, move and delete one small copy in the store of STORE_URL."""
    try_out(current_app.config["STORE_URL"])
    click.echo("The store works: a copy was written, read, moved and deleted.")


@store.command("copy")
@click.option("--to", "to_url", required=True, metavar="URL", help="A store URL, as STORE_URL.")
@click.option("--from", "from_url", default="", metavar="URL", help="Another than that of STORE_URL.")
@click.option("--verify", is_flag=True, help="Read back also what is there already.")
@plainly
def copy(to_url: str, from_url: str, verify: bool) -> None:
    """Copy all raw mails to another store, and read back each that is new there. May be stopped and repeated."""
    source = read_store_url("--from", from_url) if from_url else current_app.config["STORE_URL"]
    tally, told = Tally(), monotonic()
    for tally in copy_all(source, read_store_url("--to", to_url), current_app.config["STORE_LEVEL"], verify=verify):
        if monotonic() - told >= _TELL_SECONDS:
            told = monotonic()
            click.echo(f"{tally.seen} so far: {_told(tally)}", err=True)
    click.echo(_told(tally))
    if tally.damaged:
        raise Unavailable(f"{tally.damaged} copies are damaged where they are; the log names them.")


@store.command("sweep")
@click.option("--remove", is_flag=True, help="Let those files go, and say in the log which copies are lost.")
@plainly
def sweep(remove: bool) -> None:
    """Look for files that no mail refers to, and for mails whose file is gone; both older than a day."""
    store_sweep.run(Spoken(dry=not remove), command_line())


def _told(tally: Tally) -> str:
    return f"{tally.new} copied, {tally.there} there already, {tally.gone} deleted meanwhile, {tally.damaged} damaged"
