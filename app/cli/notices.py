"""flask notices: the letters that tell people of mail kept for them."""

from typing import cast

import click
from flask.cli import AppGroup

from app.actor import command_line
from app.cli.answer import plainly
from app.cli.mail import printable
from app.errors import BadRequest, Conflict
from app.models import NoticeStep
from app.queries.addressees import WATCHED_AT, usual_of_recipients
from app.queries.notice_choices import MOST_COUNTED, domain_rule, domain_rules, refusals, standing_of
from app.queries.notice_letters import counts, letter_of, letters
from app.queries.notices import lines_of
from app.queries.people import Reach
from app.queries.scope import ALL
from app.services import notice_choices, notice_domains
from app.services.addresses import read_domain
from app.services.notice_acts import Unsure, try_again, try_failed_again
from app.services.notice_acts import void as make_void
from app.services.notice_domains import rule_of
from app.services.notice_times import SAMPLES
from app.services.people import user_named

_EVERYWHERE = Reach(everybody=True)

notices = AppGroup("notices", help="The letters that tell people of mail kept for them.")
domains = AppGroup("domains", help="What holds for the letters about a domain's mail.")
refused = AppGroup("refusals", help="Addresses without an account that want no letters.")
notices.add_command(domains)
notices.add_command(refused)


@notices.command("list")
@click.option("--state", type=click.Choice([step.value for step in NoticeStep]), default=None, help="Only those.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@plainly
def show_list(state: str | None, limit: int) -> None:
    """The newest first, and how many there are in each state."""
    left, before = limit, None
    while left:
        page = letters(ALL, state=state or "", before=before, size=left)
        for row in page.rows:
            words = (str(row.id), f"{row.made_at:%Y-%m-%d %H:%M} UTC", row.state, row.kind, printable(row.address), f"{row.mails} mails")
            click.echo("  ".join(words))
        left, before = left - len(page.rows), page.older
        if before is None:
            break
    found = {step: f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count) for step, count in counts(ALL, NoticeStep).items() if count}
    click.echo(", ".join(f"{count} {step}" for step, count in sorted(found.items())) or "There are no letters.")


@notices.command("show")
@click.argument("number", type=int)
@plainly
def show(number: int) -> None:
    """Letter NUMBER: what became of it, and what it tells of that is still kept."""
    row = letter_of(ALL, number)
    click.echo(f"{row.kind} letter to {printable(row.address)} ({printable(row.owner)}), {row.mails} mails")
    click.echo(f"made {row.made_at:%Y-%m-%d %H:%M} UTC, {row.state}, tried {row.tries} times: {printable(row.answer)}")
    if row.next_try_at is not None:
        click.echo(f"next try {row.next_try_at:%Y-%m-%d %H:%M} UTC")
    for line in lines_of(number, 100):
        click.echo("  ".join((str(line.mail_id), printable(line.address), printable(line.sender), printable(line.subject))))


@notices.command("choice")
@click.argument("username")
@click.argument("times", required=False)
@plainly
def choice(username: str, times: str | None) -> None:
    """When the account USERNAME gets letters; with TIMES, from now on: as in `daily at 07:00`, or `""` for what the site says."""
    user = user_named(username)
    if times is not None:
        who = command_line()
        notice_choices.choose(user.id, times, by=who.name, actor=who)
        user = user_named(username)
    standing = standing_of(user)
    chosen = f"by {standing.by}" if standing.chosen else "its address refuses letters" if standing.refuses else "as the site says"
    click.echo(f"{username}: {standing.times} ({chosen}), in the zone {standing.zone}; {standing.waiting} waiting")


@notices.command("void")
@click.argument("number", type=int)
@plainly
def void(number: int) -> None:
    """The links of the letter NUMBER do nothing any more; one that has not gone does not go."""
    make_void(_EVERYWHERE, number, actor=command_line())
    click.echo(f"The links of letter {number} do nothing any more.")


@notices.command("again")
@click.argument("number", type=int, required=False)
@click.option("--failed", is_flag=True, help="All that failed, instead of one.")
@click.option("--sure", is_flag=True, help="Also one of which nobody knows whether it arrived: it may come twice.")
@plainly
def again(number: int | None, failed: bool, sure: bool) -> None:
    """The letter NUMBER is tried again, or with --failed every one that failed."""
    if (number is None) is not failed:
        raise BadRequest("Name one letter, or --failed.")
    if number is not None:
        try:
            try_again(_EVERYWHERE, number, sure=sure, actor=command_line())
        except Unsure as why:
            raise Conflict(f"{why} Say --sure if it is meant.") from None
        click.echo(f"Letter {number} is tried again with the next that go.")
        return
    count, after = 0, cast(int | None, 0)
    while after is not None:
        some, after = try_failed_again(_EVERYWHERE, after=after, actor=command_line())
        count += some
    click.echo(f"{count} letters are tried again.")


@domains.command("list")
@plainly
def list_domains() -> None:
    """Each domain of which something is set, one a line."""
    for row in domain_rules(ALL):
        click.echo(_told(rule_of(row)))


@domains.command("set")
@click.argument("domain")
@click.option("--times", help=f"For who has chosen nothing: {SAMPLES}; empty: as the site says.")
@click.option("--everybody/--accounts", default=None, help="Whether addresses without an account are told, too.")
@click.option("--language", help="For who has chosen none; empty: the site's.")
@click.option("--watcher", "watchers", multiple=True, help="Who is told of all its mail; once for each. `postmaster`; or `none`.")
@click.option("--watch-times", help=f"When watchers get their letters; empty: {WATCHED_AT}.")
@plainly
def set_domain(domain: str, watchers: tuple[str, ...], **given: str | bool | None) -> None:
    """What is not named stays as it is."""
    name = read_domain(domain)
    there = rule_of(domain_rule(name), name)
    asked = {key: value for key, value in given.items() if value is not None}
    if watchers:
        asked["watchers"] = () if watchers == ("none",) else watchers  # type: ignore[assignment]
    values = {"domain": name, **there.told(), "watchers": there.watchers, **asked}
    rule = notice_domains.set_domain(_EVERYWHERE, notice_domains.DomainRule(**values), actor=command_line())
    click.echo(_told(rule))


@domains.command("remove")
@click.argument("domain")
@plainly
def remove_domain(domain: str) -> None:
    """Nothing is set for DOMAIN any more."""
    notice_domains.remove_domain(_EVERYWHERE, domain, actor=command_line())
    click.echo(f"Nothing is set for {domain} any more.")


@refused.command("list")
@plainly
def list_refusals() -> None:
    """Every address that wants no letters, one a line."""
    after: str | None = ""
    while after is not None:
        page = refusals(ALL, after=after, size=500)
        for row in page.rows:
            click.echo(f"{printable(row.address)}  {row.refused_at:%Y-%m-%d %H:%M}  {printable(row.by)}")
        after = page.more


@refused.command("add")
@click.argument("address")
@plainly
def add_refusal(address: str) -> None:
    """ADDRESS gets no letters any more."""
    who = command_line()
    click.echo(f"{notice_choices.refuse(address, by=who.name, actor=who)} gets no letters any more.")


@refused.command("remove")
@click.argument("address")
@plainly
def remove_refusal(address: str) -> None:
    """ADDRESS may get letters again."""
    notice_choices.accept_again(address, actor=command_line())
    click.echo(f"{address} may get letters again.")


def _told(rule: notice_domains.DomainRule) -> str:
    watched = f"; watched by {', '.join(rule.watchers)}, {rule.watch_times or WATCHED_AT}" if rule.watchers else ""
    who, language = "everybody" if rule.everybody else "accounts", f"; {rule.language}" if rule.language else ""
    times = rule.times or f"as the site says (recipients: {usual_of_recipients()})"
    return printable(f"{rule.domain}  {times}; {who}{language}{watched}")
