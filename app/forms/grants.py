"""How permissions are called, for people who put roles together."""

from typing import Any

from flask_babel import lazy_gettext as _l

from app.roles import Grant

GRANT_LABELS: dict[Grant, Any] = {
    ("menu_access", "Mails"): _l("Menu: Mails"),
    ("menu_access", "Quarantine"): _l("Menu: Quarantine"),
    ("menu_access", "People"): _l("Menu: People"),
    ("menu_access", "Roles"): _l("Menu: Roles"),
    ("menu_access", "Audit trail"): _l("Menu: Audit trail"),
    ("can_list", "MailLogView"): _l("Mails: search the log"),
    ("can_show", "MailLogView"): _l("Mails: open the page of one"),
    ("can_symbols", "MailLogView"): _l("Mails: see the symbols"),
    ("can_export", "MailLogView"): _l("Mails: export"),
    ("can_save", "SearchView"): _l("Mails: save searches"),
    ("can_read", "MessageView"): _l("Messages: read"),
    ("can_download", "MessageView"): _l("Messages: download, with attachments"),
    ("can_show", "ReleaseView"): _l("Mails: see to whom they were released"),
    ("can_release", "ReleaseView"): _l("Mails: release"),
    ("menu_access", "Requests"): _l("Menu: Requests"),
    ("can_list", "RequestView"): _l("Requests: see them"),
    ("can_ask", "RequestView"): _l("Requests: ask for a release"),
    ("can_decide", "RequestView"): _l("Requests: decide them"),
    ("can_learn", "LearningView"): _l("Mails: teach Rspamd"),
    ("can_rescan", "LearningView"): _l("Mails: scan again"),
    ("can_show", "LearningView"): _l("Mails: see what was scanned again"),
    ("can_delete", "DeletionView"): _l("Mails: delete, or their stored copies"),
    ("can_act", "BulkView"): _l("Mails: act on many at once"),
    ("can_list", "QuarantineView"): _l("Quarantine: see the days"),
    ("can_get_list", "MailApi"): _l("API: search the log"),
    ("can_get", "MailApi"): _l("API: one mail"),
    ("can_get", "OpenApi"): _l("API: its description"),
    ("can_get", "MenuApi"): _l("API: the menu"),
    ("can_edit", "ProfileView"): _l("Own account: change it"),
    ("can_own", "SessionView"): _l("Own account: see and end sessions"),
    ("can_own", "ApiKeyView"): _l("Own account: API keys"),
    ("menu_access", "Maps"): _l("Menu: Maps"),
    ("can_list", "MapView"): _l("Maps: see them"),
    ("can_edit", "MapView"): _l("Maps: change entries"),
    ("can_define", "MapView"): _l("Maps: make and change maps, go back to a revision"),
    ("can_list", "PeopleView"): _l("People: see them"),
    ("can_edit", "PeopleView"): _l("People: make and change accounts"),
    ("can_delete", "PeopleView"): _l("People: delete accounts"),
    ("menu_access", "Nodes"): _l("Menu: Nodes"),
    ("can_list", "NodeView"): _l("Nodes: see how they are"),
    ("can_edit", "NodeView"): _l("Nodes: add and change them"),
    ("menu_access", "Domains"): _l("Menu: Domain aliases"),
    ("can_edit", "DomainView"): _l("Domain aliases: see and change"),
    ("can_act", "ActingView"): _l("People: act as one of them"),
    ("can_list", "RoleView"): _l("Roles: see the list"),
    ("can_show", "RoleView"): _l("Roles: open one"),
    ("can_add", "RoleView"): _l("Roles: make new ones"),
    ("can_edit", "RoleView"): _l("Roles: change"),
    ("can_delete", "RoleView"): _l("Roles: delete"),
    ("copyrole", "RoleView"): _l("Roles: copy"),
    ("menu_access", "Rspamd"): _l("Menu: Rspamd"),
    ("can_make", "RspamdView"): _l("Rspamd: make its files"),
    ("menu_access", "Holds"): _l("Menu: Legal holds"),
    ("menu_access", "Jobs"): _l("Menu: Jobs"),
    ("can_list", "JobView"): _l("Jobs: see how they run"),
    ("can_edit", "JobView"): _l("Jobs: change and run them"),
    ("menu_access", "Letters"): _l("Menu: Letters"),
    ("can_list", "NoticeView"): _l("Letters: see them, and what holds for domains"),
    ("can_edit", "NoticeView"): _l("Letters: void, send again, set what holds for domains"),
    ("can_list", "HoldView"): _l("Legal holds: see"),
    ("can_edit", "HoldView"): _l("Legal holds: begin and lift"),
    ("can_edit", "NoticeWordsView"): _l("Letters: change their words"),
    ("can_list", "AuditView"): _l("Audit trail: read and export"),
}


def grant_label(grant: Any) -> str:
    """Of a row of FAB's; its own words where we have none."""
    return str(GRANT_LABELS.get((grant.permission.name, grant.view_menu.name), grant))
