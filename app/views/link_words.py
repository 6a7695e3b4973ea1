"""What the pages behind the links of a letter say, to people who may never have heard of us."""

from dataclasses import dataclass

from flask_babel import gettext as _

from app.queries.notice_links import LinkAct
from app.services.notice_links import Standing
from app.services.notice_use import Can


@dataclass(frozen=True, slots=True)
class Words:
    title: str
    text: str
    yes: str
    warning: str = ""


def words_of(act: LinkAct, can: Can, *, has_virus: bool, sender: str, address: str) -> Words:
    if can is Can.ASK:
        return Words(
            _("Ask for this mail?"),
            _("You cannot have it delivered yourself. If you ask for it, the administrators look at it and decide."),
            _("Yes, ask them for it"),
        )
    match act:
        case LinkAct.BLOCK:
            text = _(
                "From now on mail from %(sender)s to %(address)s is held back. This mail stays where it is.", sender=sender, address=address
            )
            return Words(_("Block this sender?"), text, _("Yes, block this sender"))
        case LinkAct.REPORT:
            text = _("The administrators learn that this mail was wrongly held back. The mail itself stays where it is.")
            return Words(_("Tell the administrators?"), text, _("Yes, tell them"))
    careful = _("Have it delivered only if you know the sender and were expecting it.")
    warning = _("A virus was found in it. Whoever opens it may be harmed.") if has_virus else ""
    if act is LinkAct.ALLOW:
        text = _("The mail is delivered to %(address)s, and later mail from %(sender)s is let through.", sender=sender, address=address)
        return Words(_("Deliver this mail and allow its sender?"), f"{text} {careful}", _("Yes, deliver it and allow the sender"), warning)
    text = _("The mail is delivered to %(address)s.", address=address)
    return Words(_("Deliver this mail?"), f"{text} {careful}", _("Yes, deliver it"), warning)


def ended_words(standing: Standing) -> tuple[str, str]:
    """A title and a sentence, each its own."""
    match standing:
        case Standing.USED:
            return _("This link was used already"), _("Each link works once. What it was for was done then.")
        case Standing.EXPIRED:
            return _("This link is too old"), _(
                "The links in a letter count for some days only. Log in to see your mail, or ask an administrator."
            )
        case Standing.REVOKED:
            return _("This link was revoked"), _("An administrator has revoked the links of this letter.")
        case Standing.GONE:
            return _("The mail is gone"), _("It is no longer kept here, so nothing can be done with it.")
    return _("This link no longer counts"), _(
        "The account or the address that the letter was for has changed, or the mail is no longer yours."
    )
