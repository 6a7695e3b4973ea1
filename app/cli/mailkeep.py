"""flask mailkeep: what a deployment runs once, before the processes start."""

import os
import secrets

import click
from flask import current_app
from flask.cli import AppGroup

from app.actor import command_line
from app.cli.answer import plainly
from app.services.addresses import read_address
from app.services.letters import send_letter
from app.services.nodes import register_local
from app.services.people import ensure_admin
from app.services.permissions import sync_permissions

mailkeep = AppGroup("mailkeep", help="Set up and look after this installation.")


@mailkeep.command("init")
@plainly
def init() -> None:
    """After `flask db upgrade`: permissions, this server's node number, and the first admin. Safe to run again.

    The admin is MAILKEEP_ADMIN_USER (admin) with MAILKEEP_ADMIN_PASSWORD; without one a password is made and shown once.
    """
    sync_permissions()
    node = register_local(current_app.config["NODE_NAME"], actor=command_line())
    click.echo(f"This server is node {node.name}, number {node.number}.")
    user = os.environ.get("MAILKEEP_ADMIN_USER", "admin")
    password = os.environ.get("MAILKEEP_ADMIN_PASSWORD", "") or secrets.token_hex(10)
    if ensure_admin(user, password, os.environ.get("MAILKEEP_ADMIN_EMAIL", f"{user}@localhost")):
        shown = "from MAILKEEP_ADMIN_PASSWORD" if os.environ.get("MAILKEEP_ADMIN_PASSWORD") else password
        click.echo(f"First admin: {user}\nPassword:    {shown}\nThis is shown once; `flask users passwd` makes a new one.")


@mailkeep.command("test-mail")
@click.argument("address")
@plainly
def test_mail(address: str) -> None:
    """Send a test to ADDRESS, and show what the relay says."""
    click.echo(f"The relay took it: {send_letter('test', read_address(address))}")
