"""flask nodes: the servers that may post to us."""

import click
from flask import current_app
from flask.cli import AppGroup

from app.actor import command_line
from app.cli.answer import plainly
from app.models import Node
from app.services import nodes as service

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
    found = service.all_nodes()
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
    places = (("controller", node.controller_url), ("scans", node.scan_url))
    rspamd = "".join(f"  {what} {url}" for what, url in places if url)
    here = "  this server" if node.name == current_app.config["NODE_NAME"] else ""
    return f"{node.name}  number {node.number}{here}  {state}{rspamd}"
