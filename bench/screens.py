"""The screens and searches that are measured and whose plans are looked at, with the milliseconds each may take.

What stands in braces comes from the database; `cursor`, `day`, `mail`, `ip`, `queue_id` and `message_id` are others each round,
from all over the log, so that no round finds the pages of the one before warm.
"""

from dataclasses import dataclass, replace

SCREEN, INDEXED, ANY = 40, 60, 2000


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    path: str
    aim: int
    who: str = "admin"

    @property
    def can_go_deep(self) -> bool:
        return self.aim == INDEXED and "/list/?" in self.path and "id.is" not in self.path


_SCREENS = (
    Page("list", "/mails/list/", SCREEN),
    Page("list, older, anywhere", "/mails/list/?before={cursor}", SCREEN),
    Page("list, newer from there", "/mails/list/?after={cursor}", SCREEN),
    Page("list, 200 rows", "/mails/list/?size=200&before={cursor}", INDEXED),
    Page("today", "/mails/list/?time.on=today", SCREEN),
    Page("any day", "/mails/list/?time.on={day}", SCREEN),
    Page("any day's stored mails", "/mails/list/?stored.is=yes&time.on={day}", SCREEN),
    Page("one mail", "/mails/show/{mail}", SCREEN),
    Page("its symbols", "/mails/symbols/{mail}", SCREEN),
    Page("its message", "/mails/{mail}/message", SCREEN),
    Page("its HTML", "/mails/{mail}/html", SCREEN),
    Page("its source", "/mails/{mail}/source", SCREEN),
    Page("its related mails", "/mails/related/{mail}", ANY),
    Page("quarantine days", "/quarantine/", SCREEN),
    Page("quarantine days, older", "/quarantine/?until={day}", SCREEN),
    Page("new rows (poll)", "/mails/newer?after={newest}", SCREEN),
    Page("API list", "/api/v1/mail/?before={cursor}", SCREEN),
    Page("API, one mail", "/api/v1/mail/{mail}", SCREEN),
    Page("busiest recipient: list", "/mails/list/", SCREEN, "busy"),
    Page("busiest recipient: older", "/mails/list/?before={cursor}", SCREEN, "busy"),
    Page("busiest recipient: any day", "/mails/list/?time.on={day}", SCREEN, "busy"),
    Page("busiest recipient: one mail", "/mails/show/{own}", SCREEN, "busy"),
    Page("busiest recipient: quarantine days", "/quarantine/", SCREEN, "busy"),
    Page("busiest recipient: stored", "/mails/list/?stored.is=yes", INDEXED, "busy"),
    Page("busiest recipient: sender is", "/mails/list/?sender.is={sender}", ANY, "busy"),
    Page("busiest recipient: subject contains", "/mails/list/?subject.contains=invoice", ANY, "busy"),
    Page("quiet recipient: list", "/mails/list/", SCREEN, "quiet"),
    Page("quiet recipient: quarantine days", "/quarantine/", SCREEN, "quiet"),
)
_INDEXED = (
    Page("sender is (busy)", "/mails/list/?sender.is={sender}", INDEXED),
    Page("sender is (nobody)", "/mails/list/?sender.is=nobody@nowhere.example", INDEXED),
    Page("sender is empty (bounces)", "/mails/list/?sender.empty=", INDEXED),
    Page("sender starts with", "/mails/list/?sender.starts=sender999", INDEXED),
    Page("sender domain is", "/mails/list/?sender_domain.is={domain}", INDEXED),
    Page("header From is", "/mails/list/?from.is={sender}", INDEXED),
    Page("header From domain is", "/mails/list/?from_domain.is={domain}", INDEXED),
    Page("recipient is (busy)", "/mails/list/?rcpt.is={busy}", INDEXED),
    Page("recipient is (quiet)", "/mails/list/?rcpt.is={quiet}", INDEXED),
    Page("recipient domain is", "/mails/list/?rcpt_domain.is={busy_domain}", INDEXED),
    Page("IP is", "/mails/list/?ip.is={ip}", INDEXED),
    Page("network /24", "/mails/list/?ip.is={ip}/24", INDEXED),
    Page("network /8", "/mails/list/?ip.is=192.0.0.0/8", INDEXED),
    Page("action is reject", "/mails/list/?action.is=reject", INDEXED),
    Page("action is discard", "/mails/list/?action.is=discard", INDEXED),
    Page("score at least 36.5 (rare)", "/mails/list/?score.ge=36.5", INDEXED),
    Page("score at least 5 (common)", "/mails/list/?score.ge=5", INDEXED),
    Page("stored copies", "/mails/list/?stored.is=yes", INDEXED),
    Page("virus", "/mails/list/?virus.is=yes", INDEXED),
    Page("released", "/mails/list/?released.is=yes", INDEXED),
    Page("user is", "/mails/list/?user.is=user0", INDEXED),
    Page("subject is", "/mails/list/?subject.is=invoice+invoice+order+invoice", INDEXED),
    Page("queue id is", "/mails/list/?queue_id.is={queue_id}", INDEXED),
    Page("message id is", "/mails/list/?message_id.is={message_id}", INDEXED),
    Page("quick: an address", "/mails/list/?q={sender}", INDEXED),
    Page("quick: a domain", "/mails/list/?q={domain}", INDEXED),
    Page("quick: an IP", "/mails/list/?q={ip}", INDEXED),
    Page("API: sender domain is", "/api/v1/mail/?sender_domain.is={domain}&before={cursor}", INDEXED),
)
_ANY = (
    Page("quick: words", "/mails/list/?q=payment+reminder", ANY),
    Page("sender and recipient", "/mails/list/?sender.is={sender}&rcpt.is={busy}", ANY),
    Page("reject and domain, since a day", "/mails/list/?action.is=reject&sender_domain.is={domain}&time.ge={day}", ANY),
    Page("sender is not, reject", "/mails/list/?sender.not={sender}&action.is=reject", ANY),
    Page("sender contains (rare)", "/mails/list/?sender.contains=er9999", ANY),
    Page("subject contains (common)", "/mails/list/?subject.contains=invoice", ANY),
    Page("subject contains (nowhere)", "/mails/list/?subject.contains=no+such+words", ANY),
    Page("subject lacks", "/mails/list/?subject.lacks=invoice", ANY),
    Page("size at least 4 MB", "/mails/list/?size.ge=4M", ANY),
    Page("denied by a list", "/mails/list/?listed.is=deny", ANY),
    Page("dangerous attachment", "/mails/list/?risk.is=yes", ANY),
    Page("notified, on a node, outgoing", "/mails/list/?notified.is=yes&node.is=mx2&direction.is=out", ANY),
    Page("symbol (common)", "/mails/list/?symbol.is=PHISHING", ANY),
    Page("symbol (one of 100 mails)", "/mails/list/?symbol.is=LEAKED_PASSWORD_SCAM", ANY),
    Page("symbol (nowhere)", "/mails/list/?symbol.is=NO_SUCH_SYMBOL", ANY),
    Page("symbol, score at least 5.9", "/mails/list/?symbol.ge=PHISHING+5.9", ANY),
    Page("headers contain (nowhere)", "/mails/list/?headers.contains=no-such-header", ANY),
    Page("headers contain, of a sender", "/mails/list/?headers.contains=X-Token&sender.is={sender}", ANY),
    Page("header To contains", "/mails/list/?to.contains=user29", ANY),
    Page("statistics of all", "/mails/statistics", ANY),
    Page("statistics of a day", "/mails/statistics?time.on={day}", ANY),
    Page("statistics of a sender", "/mails/statistics?sender.is={sender}", ANY),
    Page("statistics of a recipient", "/mails/statistics", ANY, "busy"),
)


def _deep(page: Page) -> Page:
    return replace(page, name=f"{page.name}, deep", path=f"{page.path}&before={{cursor}}")


PAGES = (*_SCREENS, *(each for page in _INDEXED for each in ((page, _deep(page)) if page.can_go_deep else (page,))), *_ANY)
