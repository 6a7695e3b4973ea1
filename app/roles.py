"""The roles there are, and what each may do: the code's table, which services/permissions writes to the database."""

from collections.abc import Collection
from enum import StrEnum, unique
from typing import Any


@unique
class Role(StrEnum):
    ADMIN = "Admin"
    DOMAIN_ADMIN = "Domain admin"
    AUDITOR = "Auditor"
    RECIPIENT = "Recipient"
    PUBLIC = "Public"


Grant = tuple[str, str]
"""A permission and the view it is for, as FAB names them."""

_OWN_ACCOUNT: tuple[Grant, ...] = (("can_edit", "ProfileView"), ("can_own", "SessionView"), ("can_own", "ApiKeyView"))
_PEOPLE: tuple[Grant, ...] = (("menu_access", "People"), ("can_list", "PeopleView"), ("can_edit", "PeopleView"))
LOG: tuple[Grant, ...] = (
    ("menu_access", "Mails"),
    ("menu_access", "Quarantine"),
    ("can_list", "MailLogView"),
    ("can_show", "MailLogView"),
    ("can_export", "MailLogView"),
    ("can_list", "QuarantineView"),
    ("can_save", "SearchView"),
    ("can_get", "MailApi"),
    ("can_get_list", "MailApi"),
    ("can_get", "OpenApi"),
    ("can_show", "ReleaseView"),
)
_ACTS: tuple[Grant, ...] = (("can_release", "ReleaseView"), ("can_delete", "DeletionView"), ("can_act", "BulkView"))
_REQUEST: tuple[Grant, ...] = (("menu_access", "Requests"), ("can_list", "RequestView"), ("can_ask", "RequestView"))
_DECIDE: tuple[Grant, ...] = (("can_decide", "RequestView"),)
_LEARN: tuple[Grant, ...] = (("can_learn", "LearningView"), ("can_rescan", "LearningView"))
_RESCANS: tuple[Grant, ...] = (("can_show", "LearningView"),)
_CONTENT: tuple[Grant, ...] = (("can_read", "MessageView"), ("can_download", "MessageView"))
_SYMBOLS: tuple[Grant, ...] = (("can_symbols", "MailLogView"),)
_MAPS: tuple[Grant, ...] = (("menu_access", "Maps"), ("can_list", "MapView"))
_ENTRIES: tuple[Grant, ...] = (("can_edit", "MapView"),)
_NODES: tuple[Grant, ...] = (("menu_access", "Nodes"), ("can_list", "NodeView"))
_JOBS: tuple[Grant, ...] = (("menu_access", "Jobs"), ("can_list", "JobView"))
_LETTERS: tuple[Grant, ...] = (("menu_access", "Letters"), ("can_list", "NoticeView"))
_LETTERS_SET: tuple[Grant, ...] = (*_LETTERS, ("can_edit", "NoticeView"))
_AUDIT: tuple[Grant, ...] = (("menu_access", "Audit trail"), ("can_list", "AuditView"))
_STATISTICS: tuple[Grant, ...] = (("menu_access", "Statistics"), ("can_list", "StatisticsView"))
_HOLDS: tuple[Grant, ...] = (("menu_access", "Holds"), ("can_list", "HoldView"))

# Admin has all there is.
GRANTS: dict[str, frozenset[Grant]] = {
    Role.DOMAIN_ADMIN: frozenset(
        _OWN_ACCOUNT + LOG + _CONTENT + _ACTS + _REQUEST + _DECIDE + _LEARN + _RESCANS + _SYMBOLS + _PEOPLE + _MAPS + _ENTRIES
    )
    | frozenset(_LETTERS_SET + _STATISTICS),
    Role.AUDITOR: frozenset(_OWN_ACCOUNT + LOG + _RESCANS + _SYMBOLS + _AUDIT + _HOLDS + _MAPS + _NODES + _JOBS + _LETTERS + _STATISTICS),
    Role.RECIPIENT: frozenset(_OWN_ACCOUNT + LOG + _CONTENT + _ACTS + _REQUEST + _MAPS + _ENTRIES),
    Role.PUBLIC: frozenset(),
}


def may_be_of_key(role: str, held: Collection[str]) -> bool:
    """Whether a key of who has these roles may be for that one: for their own, for an admin any, and for all the least."""
    return role != Role.PUBLIC and (role in held or Role.ADMIN in held or (role == Role.RECIPIENT and bool(held)))


def grants_of_views(appbuilder: Any) -> frozenset[Grant]:
    """Every permission that the views of this process ask for, and its menu."""
    views = {(permission, view.class_permission_name) for view in appbuilder.baseviews for permission in view.base_permissions or ()}
    menus = {("menu_access", name) for item in appbuilder.menu.menu for name in (item.name, *(child.name for child in item.childs))}
    return frozenset(views | {(permission, name) for permission, name in menus if name != "-"})
