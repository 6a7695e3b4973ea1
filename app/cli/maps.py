"""flask maps: Rspamd's lists from the command line."""

import pathlib
import sys
from collections.abc import Iterator
from datetime import UTC
from typing import IO, Any

import click
from flask import current_app
from flask.cli import AppGroup

from app.actor import command_line
from app.cli.answer import plainly
from app.errors import NotFound
from app.forms.map_values import caution_of, sentence_of
from app.forms.maps import read_expiry
from app.models import Map, RevisionVerb, Verb
from app.queries.map_conflicts import report
from app.queries.map_export import exported_page
from app.queries.map_history import revisions_of
from app.queries.map_reach import EVERYTHING
from app.queries.maps import Wish, all_maps, entries_called, map_called, summary_of
from app.rspamd.map_forms import ENOUGH, form_of
from app.rspamd.map_kinds import MapKind
from app.rspamd.map_lines import FORMS, read_lines, write_lines
from app.rspamd.map_values import Value, WrongValue, read_value
from app.services.audit import recorded
from app.services.map_change import Wanted
from app.services.map_entries import add_entry, switch
from app.services.map_files import MapWriter, refuse_other_users
from app.services.map_history import roll_back
from app.services.map_import import import_lines
from app.services.map_tally import Mode, Tally, Verdict

maps = AppGroup("maps", help="Rspamd's lists: looked at, changed, brought in, written out.")
_AT_ONCE = 2000
_PIECE = 256 << 10
_COUNTED = 1_000_000


@maps.command("list")
@plainly
def list_() -> None:
    """Every map, one a line: its name, kind, how many entries it has, and its revision."""
    found = all_maps(EVERYTHING)
    counts = summary_of(EVERYTHING, found, _COUNTED).counts
    for one in found:
        count = f"{_COUNTED}+" if counts[one.id] > _COUNTED else counts[one.id]
        click.echo(
            f"{one.name}  {one.kind}  {one.colour}  {count} entries  revision {one.revision}{'' if one.enabled else '  switched off'}"
        )


@maps.command("show")
@click.argument("name")
@plainly
def show(name: str) -> None:
    """The settings of map NAME."""
    found = _map(name)
    for label in ("name", "title", "kind", "part", "header", "colour", "symbol", "score", "needs_proof", "editors", "enabled", "revision"):
        value = getattr(found, label)
        click.echo(f"{label.replace('_', ' ')}: {'yes' if value is True else 'no' if value is False else value}")
    if found.description:
        click.echo(found.description)


@maps.command("add")
@click.argument("name")
@click.argument("value")
@click.option("--comment", default="", help="Why it is there.")
@click.option("--expires", default="", help="When it ends, such as 2026-01-31 or 2026-01-31 14:30 (UTC).")
@click.option("--disabled", is_flag=True, help="Not in effect yet.")
@plainly
def add(name: str, value: str, comment: str, expires: str, disabled: bool) -> None:
    """Put VALUE into map NAME."""
    found = _map(name)
    wanted = Wanted(_value(found, value), comment, not disabled, read_expiry(expires, UTC))
    number = add_entry(EVERYTHING, found, wanted, actor=command_line())
    click.echo(f"{wanted.value.text} is in {found.name} from revision {number} on.")
    for caution in wanted.value.warnings:
        click.echo(caution_of(caution), err=True)


@maps.command("remove")
@click.argument("name")
@click.argument("value")
@plainly
def remove(name: str, value: str) -> None:
    """Take VALUE out of map NAME."""
    found = _map(name)
    text = _value(found, value).text
    ids = entries_called(found, text)
    if not ids:
        raise NotFound(f"{text} is not in {found.name}.")
    switch(EVERYTHING, found, ids, RevisionVerb.REMOVED, actor=command_line())
    click.echo(f"{text} is no more in {found.name}.")


@maps.command("import")
@click.argument("name")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--mode", type=click.Choice([mode.value for mode in Mode]), default="add", show_default=True, help="What becomes of what is there."
)
@click.option("--form", type=click.Choice(FORMS), help="How the file is written; told by its name or beginning where left out.")
@plainly
def import_(name: str, file: IO[bytes], mode: str, form: str | None) -> None:
    """Bring the lines of FILE (- for standard input) into map NAME, all in one change. Wrong lines are told and left out."""
    found = _map(name)
    beginning = file.read(ENOUGH)
    shown = "" if file.name in ("-", "<stdin>") else pathlib.Path(str(file.name)).name
    form = form or form_of(shown, beginning)
    lines = read_lines(MapKind(found.kind), form, _pieces(beginning, file))
    tally = import_lines(EVERYTHING, found, lines, Mode(mode), form=form, actor=command_line(), name=shown, told=_progress)
    if sys.stderr.isatty():
        click.echo(err=True)
    _tell(tally)


@maps.command("export")
@click.argument("name")
@click.option("--form", type=click.Choice(FORMS), default="text", show_default=True)
@click.option("--out", type=click.File("w", encoding="utf-8", lazy=False), default="-", help="A file, instead of standard output.")
@plainly
def export(name: str, form: str, out: Any) -> None:
    """The entries of map NAME, so that `flask maps import` gives the same again."""
    found = _map(name)
    recorded(command_line(), Verb.MAP_EXPORTED, "map", found.name, after={"form": form, "revision": found.revision})
    out.writelines(write_lines(MapKind(found.kind), form, _rows(found)))


@maps.command("history")
@click.argument("name")
@click.option("-n", "count", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many.")
@plainly
def history(name: str, count: int) -> None:
    """The last changes of map NAME, newest first."""
    rows, _older = revisions_of(EVERYTHING, _map(name), size=count)
    for row in rows:
        who = f"{row.actor} for {row.on_behalf_of}" if row.on_behalf_of else row.actor
        click.echo(f"{row.number}  {row.at.isoformat(sep=' ', timespec='seconds')}  {who}  {row.verb}  +{row.added} -{row.removed}")


@maps.command("back")
@click.argument("name")
@click.argument("revision", type=click.IntRange(0))
@plainly
def back(name: str, revision: int) -> None:
    """Give map NAME the entries of REVISION again; what came after it stays in the history."""
    found = _map(name)
    number = roll_back(EVERYTHING, found, revision, found.revision, actor=command_line())
    click.echo(f"{found.name} has the entries of revision {revision}, as revision {number}.")


@maps.command("conflicts")
@click.argument("name", required=False)
@plainly
def conflicts(name: str | None) -> None:
    """What is allowed and denied at once, covered by another entry, or expired; of map NAME, or of all."""
    after: str | None = ""
    only = _map(name) if name else None
    while after is not None:
        found = report(EVERYTHING, after, only)
        for its, entry, told in found.rows:
            for one in told:
                other = "" if one.entry is entry else f"  {one.map.name}  {one.entry.value}"
                click.echo(f"{its.name}  {entry.value}  {one.clash}{other}")
        after = found.after


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


def _map(name: str) -> Map:
    return map_called(EVERYTHING, name.removesuffix(".txt"))


def _value(found: Map, text: str) -> Value:
    try:
        return read_value(MapKind(found.kind), text)
    except WrongValue as wrong:
        raise click.ClickException(sentence_of(wrong)) from None


def _pieces(beginning: bytes, file: IO[bytes]) -> Iterator[bytes]:
    yield beginning
    while piece := file.read(_PIECE):
        yield piece


def _rows(found: Map) -> Iterator[Any]:
    after, number = "", found.revision
    while rows := exported_page(EVERYTHING, found, number, Wish(), after, _AT_ONCE):
        yield from rows
        after = rows[-1].value


def _progress(count: int) -> None:
    if sys.stderr.isatty() or count % 100_000 == 0:
        click.echo(f"\r{count} lines" if sys.stderr.isatty() else f"{count} lines", nl=not sys.stderr.isatty(), err=True)


def _tell(tally: Tally) -> None:
    for judged in tally.notable:
        if judged.verdict in (Verdict.WRONG, Verdict.NOT_YOURS):
            why = judged.why or (sentence_of(judged.line.wrong) if judged.line.wrong else "")
            click.echo(f"line {judged.line.number}: {why}", err=True)
    counts = ", ".join(f"{count} {verdict.value}" for verdict, count in tally.counts.items() if count) or "no lines"
    removed = f", {tally.removed} removed" if tally.removed else ""
    click.echo(f"{counts}{removed}: {f'revision {tally.revision}' if tally.revision else 'nothing was changed'}.")
