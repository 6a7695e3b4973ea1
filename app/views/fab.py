"""The AppBuilder of one app: made here, because one that lives in a module cannot serve two apps."""

from typing import Any

from flask import Flask
from flask_appbuilder import AppBuilder
from flask_appbuilder.menu import Menu
from flask_babel import lazy_gettext as _l

from app.extensions import db
from app.faces import at_portal
from app.geo import Countries
from app.security import owed
from app.security.headers import protect
from app.security.manager import MailkeepSecurityManager
from app.views.accounts import LoginView, RoleView
from app.views.acting import ActingView
from app.views.api import OpenApi
from app.views.api_keys import ApiKeyView
from app.views.audit import AuditView
from app.views.banners import open_requests, unnamed_proxy
from app.views.bulk import BulkView
from app.views.bulk_api import BulkApi
from app.views.datamodel import ScopedInterface
from app.views.deletion_api import DeletionApi
from app.views.deletions import DeletionView
from app.views.domains import DomainView
from app.views.formats import FILTERS
from app.views.holds import HoldView
from app.views.home import Home, first_screen
from app.views.jobs import JobView
from app.views.language import Builder
from app.views.learning import LearningView
from app.views.learning_api import LearningApi, LessonApi
from app.views.letter_words import NoticeWordsView
from app.views.mail_api import MailApi
from app.views.mail_log import MailLogView
from app.views.map_export import MapExportView
from app.views.map_history import MapHistoryView
from app.views.map_import import MapImportView
from app.views.map_reports import MapReportView
from app.views.map_settings import MapSettingsView
from app.views.maps import MapView
from app.views.message import MessageView
from app.views.new_password import NewPasswordView
from app.views.nodes import NodeView
from app.views.nodes_api import NodesApi
from app.views.notice_api import NoticeApi, NoticeChoiceApi
from app.views.notice_letters import NoticeView
from app.views.notice_rules import NoticeDomainView, NoticeRefusalView
from app.views.notice_rules_api import NoticeDomainApi, NoticeRefusalApi
from app.views.opening import ReasonView
from app.views.people import PeopleView
from app.views.portal import PortalBuilder
from app.views.profile import ProfileView
from app.views.providers import ProviderView
from app.views.quarantine import QuarantineView
from app.views.reasons import load_reasons
from app.views.release_api import RawApi, ReleaseApi
from app.views.releases import ReleaseView
from app.views.request_api import RequestApi
from app.views.requests import RequestView
from app.views.reset import PasswordLinkView
from app.views.row_acts import RowActView
from app.views.rspamd_config import RspamdView
from app.views.searches import SearchView
from app.views.second_factor import SecondFactorView
from app.views.second_step import SecondStepView
from app.views.sessions import SessionView
from app.views.statistics import StatisticsView
from app.views.statistics_api import StatisticsApi
from app.views.timeline import TimelineView
from app.views.timeline_api import TimelineApi
from app.views.undoing import this_page
from environment import ConfigError

# View, label, icon, category
MENU = (
    (MailLogView, "Mails", _l("Mails"), "fa-envelope-o"),
    (QuarantineView, "Quarantine", _l("Quarantine"), "fa-archive"),
    (StatisticsView, "Statistics", _l("Statistics"), "fa-bar-chart"),
    (RequestView, "Requests", _l("Requests"), "fa-inbox"),
    (NoticeView, "Letters", _l("Letters"), "fa-paper-plane-o"),
    (MapView, "Maps", _l("Maps"), "fa-list-ul"),
    (PeopleView, "People", _l("People"), "fa-users"),
    (DomainView, "Domains", _l("Domain aliases"), "fa-at"),
    (RoleView, "Roles", _l("Roles"), "fa-id-badge"),
    (NodeView, "Nodes", _l("Nodes"), "fa-server"),
    (JobView, "Jobs", _l("Jobs"), "fa-clock-o"),
    (RspamdView, "Rspamd", "Rspamd", "fa-cogs"),
    (HoldView, "Holds", _l("Legal holds"), "fa-lock"),
    (AuditView, "Audit trail", _l("Audit trail"), "fa-history"),
)
# Opened from other pages only.
PAGES = (
    MapSettingsView,
    MapImportView,
    MapExportView,
    MapHistoryView,
    MapReportView,
    SearchView,
    MessageView,
    ReleaseView,
    LearningView,
    RowActView,
    DeletionView,
    TimelineView,
    BulkView,
    ReasonView,
    NoticeDomainView,
    NoticeRefusalView,
    ProfileView,
    SessionView,
    ApiKeyView,
    ActingView,
    ProviderView,
    SecondStepView,
    SecondFactorView,
    NewPasswordView,
    NoticeWordsView,
)

APIS = (
    *(MailApi, RawApi, ReleaseApi, RequestApi, LessonApi, LearningApi),
    *(DeletionApi, TimelineApi, BulkApi, NodesApi, NoticeApi, NoticeChoiceApi, NoticeDomainApi, NoticeRefusalApi, StatisticsApi, OpenApi),
)


class Manager(MailkeepSecurityManager):
    authdbview = LoginView
    rolemodelview = RoleView

    def __init__(self, appbuilder: Any) -> None:
        super().__init__(appbuilder)
        RoleView.datamodel = ScopedInterface(self.role_model)  # FAB has just put its own there

    def register_views(self) -> None:
        """Asking for a link is limited as logging in is."""
        super().register_views()
        page = self.appbuilder.add_view_no_menu(PasswordLinkView)
        self.limiter.limit(self.auth_rate_limit, methods=["POST"])(page.blueprint)


def make_appbuilder(app: Flask) -> AppBuilder:
    """Runs no SQL: permissions and tables are a deployment's business (`flask mailkeep init`)."""
    protect(app)
    _load_files(app)
    app.jinja_env.filters.update(FILTERS)
    known = {"unnamed_proxy": unnamed_proxy, "open_requests": open_requests, "first_screen": first_screen, "this_page": this_page}
    app.jinja_env.globals.update(known)
    builder = PortalBuilder if at_portal() else Builder
    appbuilder = builder(menu=Menu(reverse=False), indexview=Home, security_manager_class=Manager, update_perms=False)
    appbuilder.init_app(app, db.session)
    owed.guard(app)
    for view, name, label, icon in MENU:
        appbuilder.add_view(view, name, label=label, icon=icon)
    for page in PAGES:
        appbuilder.add_view_no_menu(page)
    for api in APIS:
        appbuilder.add_api(api)
    return appbuilder


def _load_files(app: Flask) -> None:
    try:
        app.extensions["mailkeep_reasons"], app.extensions["mailkeep_reason_groups"] = load_reasons(app.config["REASONS_FILE"])
    except ValueError as error:
        raise ConfigError("REASONS_FILE", str(error)) from None
    try:
        app.extensions["mailkeep_countries"] = Countries(app.config["GEOIP_DATABASE"])
    except ValueError as error:
        raise ConfigError("GEOIP_DATABASE", str(error)) from None
