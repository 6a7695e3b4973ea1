"""flask notices words, flask notices test: what the letters of kept mail say, and one of them to look at."""

from typing import IO

import click
from flask.cli import AppGroup

from app.actor import command_line
from app.cli.answer import plainly
from app.cli.notices import notices
from app.errors import BadRequest
from app.models import NoticeKind
from app.queries.settings import choices_at
from app.services.addresses import read_address
from app.services.notice_samples import send_sample
from app.services.notice_words import Words, current_words, edited_words, kind_of, known_language, slug_of
from app.services.notice_words_change import reset_words, set_words

words = AppGroup("words", help="What the letters say.")
notices.add_command(words)
_KIND = click.Choice([slug_of(kind) for kind in NoticeKind])
_kind = click.argument("kind", type=_KIND)
_language = click.argument("language")
_FILE = click.File("r", encoding="utf-8")


@words.command("show")
@_kind
@_language
@click.option("--part", type=click.Choice(["subject", "text", "html"]), help="Only this one, as it is, to be edited.")
@plainly
def show(kind: str, language: str, part: str | None) -> None:
    """What the letter KIND says in LANGUAGE."""
    found = current_words(*_letter(kind, language))
    if part:
        click.echo(getattr(found, part).rstrip("\n"))
        return
    click.echo("Its own words." if edited_words(*_letter(kind, language)) else "As it comes.")
    for name in ("subject", "text", "html"):
        click.echo(f"--- {name}\n{getattr(found, name).rstrip()}")


@words.command("set")
@_kind
@_language
@click.option("--subject", help="Left out: it stays.")
@click.option("--text", type=_FILE, help="A file, or - for what is piped in; left out: it stays.")
@click.option("--html", type=_FILE, help="Likewise.")
@plainly
def set_(kind: str, language: str, subject: str | None, text: IO[str] | None, html: IO[str] | None) -> None:
    """Have the letter KIND say something else in LANGUAGE."""
    if subject is None and text is None and html is None:
        raise BadRequest("Say what is to be changed: --subject, --text or --html.")
    now = current_words(*_letter(kind, language))
    typed = Words(now.subject if subject is None else subject, text.read() if text else now.text, html.read() if html else now.html)
    set_words(*_letter(kind, language), typed, actor=command_line())
    click.echo("The letters say so from now on.")


@words.command("reset")
@_kind
@_language
@plainly
def reset(kind: str, language: str) -> None:
    """Have the letter KIND say in LANGUAGE what it comes with."""
    reset_words(*_letter(kind, language), actor=command_line())
    click.echo("The letter says what it comes with.")


@notices.command("test")
@click.argument("address")
@click.option("--kind", type=_KIND, default=slug_of(NoticeKind.DIGEST), show_default=True)
@click.option("--language", default="", help="Left out: of the account that the address belongs to.")
@plainly
def test(address: str, kind: str, language: str) -> None:
    """Send a letter of examples to ADDRESS, and show what the relay says."""
    to = read_address(address)
    chosen = choices_at(to)
    which = _letter(kind, language or known_language(chosen.language))
    said = send_sample(which[0], current_words(*which), to, which[1], chosen.zone)
    click.echo(f"The relay took it: {said}")


def _letter(slug: str, language: str) -> tuple[NoticeKind, str]:
    kind = kind_of(slug)
    if kind is None or known_language(language) != language:
        raise BadRequest("There is no such letter.")
    return kind, language
