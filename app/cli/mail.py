"""flask mail: one stored mail, looked at and released."""

from time import sleep

import click
from flask import current_app
from flask.cli import AppGroup

from app.actor import command_line
from app.cli.answer import plainly
from app.clock import monotonic
from app.errors import NotFound
from app.models import Mail, Mode, Release, Step
from app.queries.learning import lessons_of
from app.queries.mail import mails_called
from app.queries.releases import ANYTHING, recipients_to_release, releases_of
from app.queries.scope import ALL
from app.services.release import Unconfirmed, ask
from app.services.release_elsewhere import wake_others
from app.services.release_sending import send_due

_PATIENCE_SECONDS, _PAUSE_SECONDS = 15.0, 0.3

mail = AppGroup("mail", help="Mails of the log, by their id or the queue id of the mail server.")


@mail.command("show")
@click.argument("name", metavar="ID_OR_QUEUE_ID")
@plainly
def show(name: str) -> None:
    """What is known of a mail, to whom it was released, and what Rspamd was taught with it."""
    found = one(name)
    recipients = [row.given or row.address for row in recipients_to_release(found.id, ANYTHING)]
    facts = {
        "id": str(found.id),
        "queue id": found.queue_id,
        "received": f"{found.received_at:%Y-%m-%d %H:%M:%S} UTC",
        "from": found.mail_from or "<>",
        "to": ", ".join(recipients),
        "subject": found.subject,
        "message id": found.message_id,
        "from ip": str(found.ip or ""),
        "node": found.node,
        "size": f"{found.size} bytes",
        "action": f"{found.action} ({found.score:g}){', virus' if found.has_virus else ''}",
        "copy": f"{found.copy_state} {found.copy_node or ''}".strip(),
    }
    for label, value in facts.items():
        click.echo(f"{label + ':':<11} {printable(value)}")
    for row in releases_of(found.id, ALL):
        click.echo(
            f"{'release:':<11} {printable(f'{row.target} {row.state} {row.asked_at:%Y-%m-%d %H:%M:%S} UTC by {row.asked_by} {row.reply}')}"
        )
    for lesson in lessons_of(found.id):
        told = f"{lesson.lesson} {lesson.state} {lesson.at:%Y-%m-%d %H:%M:%S} UTC by {lesson.asked_by} {lesson.reply}"
        click.echo(f"{'taught:':<11} {printable(told)}".rstrip())


@mail.command("release")
@click.argument("name", metavar="ID_OR_QUEUE_ID")
@click.option("--to", multiple=True, help="Only to this address; several times for several. Without it: to all recipients of the mail.")
@click.option("--attached", is_flag=True, help="As the attachment of a mail that explains it.")
@click.option("--yes", is_flag=True, help="Do not ask, not even for a virus or where it went already.")
@plainly
def release(name: str, to: tuple[str, ...], attached: bool, yes: bool) -> None:
    """Send a stored mail on, at once; as it came, where neither --attached nor RELEASE_MODE says otherwise."""
    found = one(name)
    mail_id, shown = found.id, f"“{printable(found.subject)}” from {printable(found.mail_from or '<>')}"
    targets = list(to) or [row.given or row.address for row in recipients_to_release(mail_id, ANYTHING)]
    mode = Mode.ATTACHED if attached else None
    if not yes:
        click.confirm(f"Release {shown} to {printable(', '.join(targets))}?", abort=True)
    try:
        ids = ask(ANYTHING, mail_id, targets, mode=mode, sure=yes, at_once=True, actor=command_line())
    except Unconfirmed as question:
        warnings = ["A virus was found in it."] if question.virus else []
        warnings += [f"It went already, or may have gone, to {printable(', '.join(question.again))}."] if question.again else []
        click.confirm(f"{' '.join(warnings)} Release it all the same?", abort=True)
        ids = ask(ANYTHING, mail_id, targets, mode=mode, sure=True, at_once=True, actor=command_line())
    send_due(len(ids), only=ids)
    wake_others(ids)
    rows = _ended(mail_id, ids)
    for row in reversed(rows):
        by = "" if row.node == current_app.config["NODE_NAME"] else f" (by {row.node})"
        click.echo(f"{printable(row.target)}: {row.state}{', tried again later' if row.is_tried_again else ''}{by}. {printable(row.reply)}")
    if any(row.state != Step.SENT for row in rows):
        raise click.ClickException("Not all of it was sent.")


def _ended(mail_id: int, ids: list[int]) -> list[Release]:
    """What another node sends ends a moment later."""
    end = monotonic() + _PATIENCE_SECONDS
    while True:
        rows = [row for row in releases_of(mail_id, ALL) if row.id in ids]
        if monotonic() > end or not any(row.state in (Step.WAITING, Step.SENDING) and not row.reply for row in rows):
            return rows
        sleep(_PAUSE_SECONDS)


def one(name: str) -> Mail:
    found = mails_called(name)
    if not found:
        raise NotFound("There is no such mail.")
    if len(found) > 1:
        raise click.ClickException(f"Several mails have this queue id; name one by its id: {', '.join(str(each.id) for each in found)}")
    return found[0]


def printable(text: str) -> str:
    """Nothing that a terminal would act on."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)
