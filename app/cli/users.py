"""flask users: accounts from the command line."""

import secrets
import sys

import click
from flask.cli import AppGroup

from app.actor import command_line
from app.cli.answer import changing, plainly
from app.queries.access_keys import keys_of
from app.queries.people import Reach, addresses_by_user, domains_by_user, find_people
from app.roles import Role
from app.security.reset import Purpose, link_for, send_link
from app.services import access_keys, addresses, passwords, people, second_factor
from app.services.letters import must_carry_links

users = AppGroup("users", help="Accounts: who may log in, what they may do, which addresses are theirs.")
_ALL = Reach(everybody=True)
_OURS = {role.lower(): role.value for role in Role}
_ROLE_HELP = f"{', '.join(role for role in Role if role is not Role.PUBLIC)}, or one of your own. May be given again."

_must_change = click.option("--must-change", is_flag=True, help="They choose another password at the next login.")


@users.command("list")
@click.argument("text", default="")
@plainly
def list_(text: str) -> None:
    """All accounts, or those with TEXT in their names or addresses."""
    after: str | None = ""
    while after is not None:
        found = find_people(_ALL, text, after, size=200)
        theirs, domains = addresses_by_user(found.rows), domains_by_user(found.rows)
        for user in found.rows:
            roles = ", ".join(sorted(role.name for role in user.roles)) or "no role"
            further = "".join(f" +{row.address}" for row in theirs[user.id])
            looked_after = f" looks after {', '.join(domains[user.id])}" if domains[user.id] else ""
            state = "" if user.active else "  switched off"
            last = f"  last login {user.last_login:%Y-%m-%d %H:%M}" if user.last_login else ""
            click.echo(f"{user.username}  {user.email}{further}  {roles}{looked_after}{state}{last}")
        after = found.more


@users.command("add")
@click.argument("name")
@click.argument("address")
@click.option("--role", "roles", multiple=True, default=[Role.RECIPIENT.value], show_default=True, help=_ROLE_HELP)
@click.option("--domain", "domains", multiple=True, help="One that a domain admin looks after; may be given again.")
@click.option("--alias", "aliases", multiple=True, help="A further address; may be given again.")
@click.option("--first-name", default="")
@click.option("--last-name", default="")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; else one is made and shown once.")
@click.option("--invite", is_flag=True, help="Mail them a link, good for seven days, to choose a password.")
@_must_change
@changing
def add(
    name: str,
    address: str,
    roles: tuple[str, ...],
    domains: tuple[str, ...],
    aliases: tuple[str, ...],
    first_name: str,
    last_name: str,
    password_stdin: bool,
    invite: bool,
    must_change: bool,
) -> None:
    """Make the account NAME with the mail ADDRESS."""
    if invite and password_stdin:
        raise click.UsageError("--invite and --password-stdin exclude each other.")
    if invite:
        must_carry_links()
    password = _password(password_stdin)
    typed = people.Person(name, first_name, last_name, address, _roles(roles), domains, further=aliases)
    user = people.make_person(_ALL, typed, password, must_change=must_change, actor=command_line())
    click.echo(f"{user.username} is made." + ("" if password_stdin or invite else f"\nPassword, shown this once: {password}"))
    if invite:
        send_link(user, Purpose.INVITATION, actor=command_line())
        click.echo(f"A link to choose a password is on its way to {address}.")


@users.command("passwd")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; else one is made and shown once.")
@_must_change
@changing
def passwd(name: str, password_stdin: bool, must_change: bool) -> None:
    """Give NAME a new password."""
    password = _password(password_stdin)
    passwords.set_password(people.user_named(name), password, must_change=must_change, actor=command_line())
    click.echo(f"The password of {name} is changed." + ("" if password_stdin else f"\nPassword, shown this once: {password}"))


@users.command("reset-link")
@click.argument("name")
@changing
def reset_link(name: str) -> None:
    """Show a link by which NAME chooses a new password, once and within an hour."""
    click.echo(link_for(people.user_named(name), actor=command_line()))


@users.command("second-factor")
@click.argument("name")
@click.option("--remove", is_flag=True, help="For a lost device: take it away, with its recovery codes. Ends all logins of NAME.")
@changing
def second_factor_(name: str, remove: bool) -> None:
    """Whether NAME has a second factor."""
    user = people.user_named(name)
    if remove:
        second_factor.remove(user, actor=command_line())
        click.echo(f"The second factor of {name} is removed.")
    elif user.second_factor is None:
        click.echo(f"{name} has no second factor.")
    else:
        made, left = user.second_factor.confirmed_at, second_factor.codes_left(user)
        click.echo(f"{name} has a second factor since {made:%Y-%m-%d %H:%M} UTC, and {left} recovery codes.")


@users.command("role")
@click.argument("name")
@click.argument("roles", nargs=-1, required=True)
@changing
def role(name: str, roles: tuple[str, ...]) -> None:
    """Give NAME these ROLES and no others: Admin, Domain admin, Auditor, Recipient, or roles of your own."""
    people.set_roles(people.user_named(name), _roles(roles), actor=command_line())
    click.echo(f"{name}: {', '.join(_roles(roles))}")


@users.command("domains")
@click.argument("name")
@click.argument("domains", nargs=-1)
@changing
def domains_(name: str, domains: tuple[str, ...]) -> None:
    """The DOMAINS that the domain admin NAME looks after: these and no others."""
    addresses.set_domains(people.user_named(name), domains, actor=command_line())
    click.echo(f"{name}: {', '.join(domains) or 'none'}")


@users.command("alias")
@click.argument("name")
@click.argument("address")
@click.option("--remove", is_flag=True)
@changing
def alias(name: str, address: str, remove: bool) -> None:
    """Add the further ADDRESS to NAME, or remove it."""
    user = people.user_named(name)
    if remove:
        addresses.remove_address(_ALL, user, address, actor=command_line())
    else:
        addresses.add_address(_ALL, user, address, actor=command_line())
    click.echo(f"{address} is {'removed from' if remove else 'added to'} {name}.")


@users.command("keys")
@click.argument("name")
@click.option("--revoke", type=int, metavar="ID", help="End the key of this number at once.")
@changing
def keys(name: str, revoke: int | None) -> None:
    """The API keys of NAME; the keys themselves nobody can read again."""
    user = people.user_named(name)
    if revoke is not None:
        access_keys.revoke_key(user, revoke, actor=command_line())
        click.echo(f"Key {revoke} of {name} is revoked.")
        return
    held = keys_of(user.id)
    if not held:
        click.echo(f"{name} has no keys.")
    for key in held:
        ends = "ended" if key.has_expired else f"ends {key.expires_at:%Y-%m-%d %H:%M}" if key.expires_at else "does not end"
        used = f"last used {key.last_used_at:%Y-%m-%d %H:%M} from {key.last_ip or '?'}" if key.last_used_at else "never used"
        click.echo(f"{key.id}  {key.prefix}…  {key.name}  {key.role}  made {key.made_at:%Y-%m-%d %H:%M}  {ends}  {used}")


@users.command("disable")
@click.argument("name")
@changing
def disable(name: str) -> None:
    """NAME may not log in any more, and is shut out at once."""
    people.set_active(people.user_named(name), False, actor=command_line())
    click.echo(f"{name} is switched off.")


@users.command("enable")
@click.argument("name")
@changing
def enable(name: str) -> None:
    """NAME may log in again."""
    people.set_active(people.user_named(name), True, actor=command_line())
    click.echo(f"{name} is switched on.")


@users.command("delete")
@click.argument("name")
@click.confirmation_option(prompt="Delete the account with its addresses and saved searches?")
@changing
def delete(name: str) -> None:
    """Delete NAME."""
    people.delete_user(people.user_named(name), actor=command_line())
    click.echo(f"{name} is deleted.")


def _password(from_stdin: bool) -> str:
    """Never an argument: those stand in the shell's history and in the list of processes."""
    return sys.stdin.readline().rstrip("\r\n") if from_stdin else secrets.token_urlsafe(12)


def _roles(names: tuple[str, ...]) -> tuple[str, ...]:
    """Ours in any case of letters; a site's own as they are."""
    return tuple(_OURS.get(name.lower(), name) for name in names)
