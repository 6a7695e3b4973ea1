"""flask nodes: the servers that may post to us."""

from typing import TextIO

import click
from flask import current_app
from flask.cli import AppGroup

from app.actor import command_line
from app.cli.answer import plainly
from app.models import Node
from app.queries.nodes import known_nodes
from app.services import nodes as service
from app.services.node_look import look
from app.services.peering import Api, new_secret, set_api

nodes = AppGroup("nodes", help="The servers whose Rspamd posts to this Mailkeep.")

ALLOW_HELP = "Address or network it may post from; give it several times for several."


@nodes.command("add")
@click.argument("name")
@click.option("--user", required=True, help="User name Rspamd sends (HTTP Basic).")
@click.option(
    "--password", required=True, prompt=True, hide_input=True, confirmation_prompt=True, help="Its password; asked for when left out."
)
@click.option("--allow", multiple=True, required=True, help=ALLOW_HELP)
@plainly
def add(name: str, user: str, password: str, allow: tuple[str, ...]) -> None:
    """Let the Rspamd of server NAME post its mails."""
    click.echo(_line(service.add_or_enable(name, user, password, split(allow), actor=command_line())))


@nodes.command("list")
@plainly
def list_() -> None:
    """Every node, one a line."""
    found = known_nodes()
    for node in found:
        click.echo(_line(node))
    if not found:
        click.echo("No node yet. `flask nodes add NAME --user U --allow CIDR` adds one.")


@nodes.command("edit")
@click.argument("name")
@click.option("--user", help="New user name.")
@click.option("--password", help="New password.")
@click.option("--allow", multiple=True, help=ALLOW_HELP + " Replaces the whole list.")
@click.option("--enable/--disable", default=None, help="Whether it may post.")
@click.option("--controller", metavar="URL", help="Of its Rspamd's controller, such as http://127.0.0.1:11334; '' for none.")
@click.option("--controller-password", help="What that controller asks for; forgotten when its address changes.")
@click.option(
    "--scan", metavar="URL", help="Of a worker that scans mails, such as http://127.0.0.1:11333, where no controller is known; '' for none."
)
@plainly
def edit(name: str, allow: tuple[str, ...], enable: bool | None, **given: str | None) -> None:
    """Change what is given, leave the rest. Running processes see it within seconds."""
    click.echo(_line(service.edit(name, allow=split(allow) if allow else None, enabled=enable, actor=command_line(), **given)))


@nodes.command("api")
@click.argument("name")
@click.option("--url", help="Where the others reach its Mailkeep: https://mx2.example.com; '' for nowhere.")
@click.option(
    "--ca", type=click.File(), help="A file with the authority of its certificate (PEM), which is kept; '-' reads it from the input."
)
@click.option("--ca-file", help="Name of such a file on each node instead; '' for the system's authorities.")
@click.option("--pin", help="SHA-256 of its certificate or of its key; '' for none.")
@click.option(
    "--allow", multiple=True, help="Address or network it asks the others from; several times for several. Replaces the whole list."
)
@click.option("--user", help="Basic auth for programs that read; '' for none.")
@click.option("--password", help="Its password.")
@plainly
def api(name: str, ca: TextIO | None, ca_file: str | None, allow: tuple[str, ...], **given: str | None) -> None:
    """How the other nodes reach the Mailkeep of node NAME, and from where it may ask them."""
    authority = ca.read() if ca is not None else ca_file
    node = set_api(name, Api(ca=authority, allow=split(allow) if allow else None, **given), actor=command_line())
    click.echo(f"{node.name}  at {node.api_url or 'no address'}  asks from {node.api_allow or 'nowhere'}")


@nodes.command("secret")
@click.argument("name")
@plainly
def secret(name: str) -> None:
    """A new secret with which node NAME signs what it asks. The nodes know it from the database; the old one counts no more."""
    click.echo(new_secret(name, actor=command_line()))


@nodes.command("test")
@click.argument("names", nargs=-1)
@plainly
def test(names: tuple[str, ...]) -> None:
    """Ask the nodes NAMES, or all that have an API address, from this one."""
    here = current_app.config["NODE_NAME"]
    wanted = names or [node.name for node in known_nodes() if node.api_url and node.name != here]
    said = look(list(wanted), impatient=True)
    for each in said.values():
        click.echo(f"{each.name}  {each.trouble or f'answers, version {each.version}, its clock {each.ahead:+.1f} s'}")
    if not said:
        click.echo("No other node has an API address. `flask nodes api NAME --url URL --allow CIDR` gives it one.")
    if any(each.trouble for each in said.values()):
        raise click.ClickException("Not all of them answer.")


@nodes.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@plainly
def remove(name: str, yes: bool) -> None:
    """Forget node NAME. Its mails stay."""
    service.find(name)
    if not yes:
        click.confirm(f"Remove node {name}? Its Rspamd can post no more.", abort=True)
    service.remove(name, actor=command_line())
    click.echo(f"Node {name} removed.")


def split(allow: tuple[str, ...]) -> list[str]:
    """`--allow 10.0.0.0/8,::1` is taken as well."""
    return [word for part in allow for word in part.replace(",", " ").split()]


def _line(node: Node) -> str:
    state = (
        "disabled" if not node.enabled else f"user {node.user}, from {node.allow or 'nowhere'}" if node.user else "may not post (no user)"
    )
    places = (("API", node.api_url), ("controller", node.controller_url), ("scans", node.scan_url))
    rspamd = "".join(f"  {what} {url}" for what, url in places if url)
    here = "  this server" if node.name == current_app.config["NODE_NAME"] else ""
    return f"{node.name}  number {node.number}{here}  {state}{rspamd}"
