"""The search of the audit trail as it was typed, read into values; and how verbs are called."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.errors import BadRequest
from app.forms.values import read_span
from app.models.audit import Verb
from app.queries.audit import AuditSearch
from app.queries.fields import Op

FIELDS = ("who", "verb", "target", "ip", "from", "until", "text")
_LONGEST = 200
VERBS = {
    Verb.LOGIN: _l("logged in"),
    Verb.LOGIN_FAILED: _l("failed to log in"),
    Verb.LOGOUT: _l("logged out"),
    Verb.ACCOUNT_ADDED: _l("made the account"),
    Verb.ACCOUNT_CHANGED: _l("changed the account"),
    Verb.ACCOUNT_DELETED: _l("deleted the account"),
    Verb.ROLES_SET: _l("set the roles"),
    Verb.ACTIVE_SET: _l("switched the account on or off"),
    Verb.PASSWORD_SET: _l("set the password"),
    Verb.PASSWORD_RESET_ASKED: _l("asked for a link to a new password"),
    Verb.FACTOR_SET: _l("set up the second factor"),
    Verb.FACTOR_REMOVED: _l("removed the second factor"),
    Verb.CODES_MADE: _l("made new recovery codes"),
    Verb.ADDRESS_ADDED: _l("added an address"),
    Verb.ADDRESS_CHANGED: _l("changed an address"),
    Verb.ADDRESS_REMOVED: _l("removed an address"),
    Verb.DOMAINS_SET: _l("set the domains"),
    Verb.API_KEY_MADE: _l("made an API key"),
    Verb.API_KEY_REVOKED: _l("revoked an API key"),
    Verb.ACTING_BEGUN: _l("began to act as"),
    Verb.ACTING_ENDED: _l("no longer acts as"),
    Verb.ROLE_ADDED: _l("made the role"),
    Verb.ROLE_CHANGED: _l("changed the role"),
    Verb.ROLE_DELETED: _l("deleted the role"),
    Verb.GROUP_ADDED: _l("made the group"),
    Verb.GROUP_CHANGED: _l("changed the group"),
    Verb.GROUP_DELETED: _l("deleted the group"),
    Verb.NODE_ADDED: _l("added the node"),
    Verb.NODE_CHANGED: _l("changed the node"),
    Verb.NODE_REMOVED: _l("removed the node"),
    Verb.ALIAS_ADDED: _l("made the domain an alias"),
    Verb.ALIAS_REMOVED: _l("the domain is no alias any more"),
    Verb.MAP_MADE: _l("made the map"),
    Verb.MAP_CHANGED: _l("changed the settings of the map"),
    Verb.MAP_DELETED: _l("deleted the map"),
    Verb.MAP_ENTRIES: _l("changed entries of the map"),
    Verb.MAP_EXPORTED: _l("exported the map"),
    Verb.SEARCH_SHARED: _l("shared the search"),
    Verb.SEARCH_UNSHARED: _l("no longer shares the search"),
    Verb.SEARCH_DELETED: _l("deleted the search"),
    Verb.LOG_EXPORTED: _l("exported mails"),
    Verb.AUDIT_EXPORTED: _l("exported the audit trail"),
    Verb.REASON_GIVEN: _l("gave a reason to open the mail"),
    Verb.MAIL_OPENED: _l("opened the mail"),
    Verb.MAIL_READ: _l("read the message"),
    Verb.MAIL_DOWNLOADED: _l("downloaded the message or a part"),
    Verb.MAIL_RELEASED: _l("released the mail"),
    Verb.RELEASE_WANTED: _l("requested the release of the mail"),
    Verb.RELEASE_APPROVED: _l("approved the release of the mail"),
    Verb.RELEASE_DENIED: _l("denied the release of the mail"),
    Verb.MAIL_REPORTED: _l("told that the mail was wrongly held back"),
    Verb.REPORT_CLOSED: _l("closed what was told of the mail"),
    Verb.LINK_USED: _l("used a link in a letter about the mail"),
    Verb.MAIL_FETCHED: _l("had the copy from another node"),
    Verb.MAIL_LEARNED: _l("taught Rspamd with the mail"),
    Verb.MAIL_RESCANNED: _l("scanned the mail again"),
    Verb.MAIL_DELETED: _l("deleted the mail"),
    Verb.COPY_DELETED: _l("deleted the stored copy"),
    Verb.BULK_BEGUN: _l("began to act on many mails"),
    Verb.BULK_ENDED: _l("ended the act on many mails"),
    Verb.JOB_CHANGED: _l("changed the job"),
    Verb.JOB_ASKED: _l("had the job run"),
    Verb.NOTICES_CHOSEN: _l("chose when letters come"),
    Verb.NOTICES_OF_DOMAIN: _l("set the letters of a domain"),
    Verb.NOTICES_REFUSED: _l("refused letters to an address"),
    Verb.NOTICES_ACCEPTED: _l("allowed letters to an address again"),
    Verb.NOTICE_VOIDED: _l("made a letter’s links void"),
    Verb.NOTICE_AGAIN: _l("had a letter sent again"),
    Verb.NOTICE_WORDS: _l("changed the words of the letter"),
    Verb.HOLD_ADDED: _l("began the legal hold"),
    Verb.HOLD_LIFTED: _l("lifted the legal hold"),
    Verb.RETENTION_ENDED: _l("let go what was old enough"),
    Verb.STORE_SWEPT: _l("swept the store"),
}


def asked_fields(values: Mapping[str, str]) -> dict[str, str]:
    """What was typed, of what there is to type."""
    return {name: text for name in FIELDS if (text := values.get(name, "").strip())}


def read_audit_search(fields: Mapping[str, str], zone: tzinfo) -> AuditSearch:
    for text in fields.values():
        if len(text) > _LONGEST or "\0" in text:
            raise BadRequest(_("That is too long to search for, or no text."))
    verb = fields.get("verb", "")
    if verb and verb not in VERBS:
        raise BadRequest(_("“%(text)s” is no kind of event.", text=verb))
    since, until = fields.get("from"), fields.get("until")
    return AuditSearch(
        who=fields.get("who", ""),
        verb=verb,
        target=fields.get("target", ""),
        ip=fields.get("ip", ""),
        since=_utc(read_span(Op.GE, since, zone)[0]) if since else None,
        until=_utc(read_span(Op.LE, until, zone)[1]) if until else None,
        text=fields.get("text", ""),
    )


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)
