"""What commands share: errors of ours end a command with one line, never a traceback."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click
from sqlalchemy.exc import SQLAlchemyError

from app.errors import MailkeepError
from app.services.moves import only_writing

P = ParamSpec("P")
R = TypeVar("R")


def plainly(command: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(command)
    def answered(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except MailkeepError as error:
            raise click.ClickException(str(error)) from error
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise click.ClickException(f"The database says: {reason} (is it there, and has `flask db upgrade` run?)") from error

    return answered


def changing(command: Callable[P, R]) -> Callable[P, R]:
    """Plainly; and where it reads before it writes, nobody else writes in between (SQLite would refuse it then)."""

    @functools.wraps(command)
    def alone(*args: P.args, **kwargs: P.kwargs) -> R:
        with only_writing():
            return command(*args, **kwargs)

    return plainly(alone)


class Spoken:
    """A run that is told on the terminal, and ends when all is done."""

    def __init__(self, dry: bool) -> None:
        self.dry = dry

    def say(self, text: str) -> None:
        click.echo(text)

    def progress(self, at: int, total: int) -> None: ...

    def is_over(self) -> bool:
        return False
