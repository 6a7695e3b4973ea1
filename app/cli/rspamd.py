"""flask rspamd: the files that a node's Rspamd needs, and whether it runs what they say."""

import pathlib
import shlex

import click
from flask.cli import AppGroup

from app.cli.answer import plainly
from app.rspamd.controller import Controller
from app.rspamd.site_check import check_site
from app.rspamd.site_config.folder import RSPAMD, Written, write_files
from app.services.rspamd_config import Prepared, Wish, prepare

rspamd = AppGroup("rspamd", help="The configuration of a node's Rspamd.")

NODE = click.option("--node", required=True, help="Name of the node.")
VERSION = click.option("--version", default="", help="Of its Rspamd, 3.4 or 4.1.5. Left out: what it said when it last fetched a map.")
URL = click.option("--url", default="", help="Where its Rspamd reaches this Mailkeep; PUBLIC_URL when left out.")


@rspamd.command("config")
@NODE
@click.option("--out", type=click.Path(file_okay=False, path_type=pathlib.Path), help="Folder for the files; printed when left out.")
@VERSION
@URL
@click.option("--password", default="", help="The node's own, which stands in the files; checked first.")
@click.option("--login-for-maps", is_flag=True, help="User and password also for fetching maps.")
@click.option(
    "--release-from", default="", help="Addresses from which Mailkeep's released mails come, so that they are not held back again."
)
@click.option("--force", is_flag=True, help="Overwrite also what was made or changed by hand.")
@plainly
def config(
    node: str, out: pathlib.Path | None, version: str, url: str, password: str, login_for_maps: bool, release_from: str, force: bool
) -> None:
    """The files for the local.d of a node's Rspamd."""
    prepared = prepare(Wish(node, url, password, version, login_for_maps, release_from))
    for words in prepared.words:
        click.echo(words, err=True)
    if out is None:
        for file in prepared.files:
            click.echo(f"# ----- {file.path}\n{file.text}")
    else:
        _write(out, prepared, force)


def _write(folder: pathlib.Path, prepared: Prepared, force: bool) -> None:
    try:
        results = write_files(folder, prepared.files, force=force)
    except OSError as error:
        raise click.ClickException(f"{error.filename or folder}: {error.strerror}") from error
    for file, result in results:
        click.echo(f"{folder / file.name}: {result}")
    click.echo(f"To be read by Rspamd there: install -g {RSPAMD} -m 640 {shlex.quote(str(folder))}/*.conf /etc/rspamd/local.d/", err=True)
    left = [file.name for file, result in results if result in (Written.CHANGED, Written.FOREIGN)]
    if left:
        raise click.ClickException(f"{', '.join(left)} left alone; --force overwrites, docs/rspamd.md tells how both can stand.")


@rspamd.command("check")
@NODE
@click.option("--controller", default="http://127.0.0.1:11334", show_default=True, help="Address of the node's controller.")
@click.option("--password", default="", help="The controller's; not needed from an address in its secure_ip.")
@VERSION
@URL
@plainly
def check(node: str, controller: str, password: str, version: str, url: str) -> None:
    """Whether a node's Rspamd runs what was made for it."""
    asked = Controller(controller, password)
    prepared = prepare(Wish(node, url, version=version or asked.version()))
    findings = check_site(prepared.site, prepared.rules, asked)
    for finding in findings:
        click.echo(f"{finding.state:<8} {finding.text}")
    if any(finding.is_wrong for finding in findings):
        raise click.exceptions.Exit(1)
