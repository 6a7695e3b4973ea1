"""flask maps: the lists that Rspamd fetches."""

import click
from flask import current_app
from flask.cli import AppGroup

from app.cli.answer import plainly
from app.services.map_files import MapWriter, refuse_other_users

maps = AppGroup("maps", help="The lists that Rspamd fetches.")


@maps.command("write")
@click.option("--out", help="The folder; else that of MAPS_FILES_DIR.")
@click.option("--replace", is_flag=True, help="Also over files of the same name that are not Mailkeep's.")
@plainly
def write(out: str | None, replace: bool) -> None:
    """Write the texts of all maps as files, where they differ; remove those of maps that are gone."""
    folder = out or current_app.config["MAPS_FILES_DIR"]
    if not folder:
        raise click.UsageError("Name a folder: --out DIR, or the setting MAPS_FILES_DIR.")
    refuse_other_users(current_app.config["MAPS_DIR"])
    done = MapWriter(current_app.extensions["mailkeep_maps"], folder).write(replace=replace)
    click.echo(f"{len(done.written)} written, {done.unchanged} unchanged, {len(done.removed)} removed in {folder}")
    if done.foreign:
        names = ", ".join(f"{name}.txt" for name in done.foreign)
        raise click.ClickException(f"Left alone, for they are not Mailkeep's: {names}; --replace writes over them.")
