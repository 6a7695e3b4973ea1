"""flask domains: other names of domains."""

import click
from flask.cli import AppGroup

from app.actor import command_line
from app.cli.answer import plainly
from app.queries.domains import all_aliases
from app.services import domains as service

domains = AppGroup("domains", help="Domain aliases: whose mail an address in another name of a domain is.")


@domains.command("list")
@plainly
def list_() -> None:
    """Every alias with its domain, one a line."""
    for row in all_aliases():
        click.echo(f"{row.alias}  {row.domain}")


@domains.command("alias")
@click.argument("alias")
@click.argument("domain")
@plainly
def alias(alias: str, domain: str) -> None:
    """Mail to somebody@ALIAS is seen by who has somebody@DOMAIN."""
    row = service.add_alias(alias, domain, actor=command_line())
    click.echo(f"{row.alias} stands for {row.domain}.")


@domains.command("unalias")
@click.argument("alias")
@plainly
def unalias(alias: str) -> None:
    """ALIAS is a domain of its own again."""
    service.remove_alias(alias, actor=command_line())
    click.echo(f"{alias} is no alias any more.")
