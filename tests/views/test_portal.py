"""ROLES=portal: the recipients' part of the panel, with no other door registered, and everybody a recipient."""

import html
import pathlib
import re
import shutil
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.errors import Conflict
from app.extensions import db
from app.queries.visibility import is_admin
from app.roles import Role, grants_of_views
from app.services.insert import insert_entries
from app.services.permissions import sync_permissions
from app.storage import store_for
from tests.apps import close, make_app
from tests.make import login, make_entry, make_user, token
from tests.services.test_permissions import grants_of

DOORS = """
GET  /                                      Home.index
POST /acting/end                             ActingView.end
GET  /api/<version>/_openapi                OpenApi.get
GET  /api/v1/mail/                          MailApi.get_list
GET  /api/v1/mail/<int:mail_id>/raw         RawApi.raw
POST /api/v1/mail/<int:mail_id>/release     ReleaseApi.release
GET  /api/v1/mail/<int:mail_id>/releases    ReleaseApi.releases
DELETE /api/v1/mail/<int:mail_id>/releases/<int:release_id> ReleaseApi.undo
GET  /api/v1/mail/<int:mail_id>             MailApi.get
DELETE /api/v1/mail/<int:mail_id>           DeletionApi.delete
DELETE /api/v1/mail/<int:mail_id>/copy      DeletionApi.delete_copy
POST /api/v1/mail/<int:mail_id>/keep        DeletionApi.keep
GET  /api/v1/mail/<int:mail_id>/lessons     LessonApi.lessons
POST /api/v1/mail/<int:mail_id>/request     RequestApi.ask
GET  /api/v1/mail/<int:mail_id>/requests    RequestApi.of_mail
GET  /api/v1/mail/<int:mail_id>/timeline    TimelineApi.timeline
GET  /api/v1/mail/bulk                      BulkApi.runs
POST /api/v1/mail/bulk                      BulkApi.begin
GET  /api/v1/mail/bulk/<int:run_id>         BulkApi.run
DELETE /api/v1/mail/bulk/<int:run_id>       BulkApi.cancel
POST /api/v1/mail/bulk/<int:run_id>/undo    BulkApi.undo
GET  /api/v1/mail/requests                  RequestApi.queue
GET  /api/v1/mail/statistics                MailApi.statistics
POST /api/v1/security/login                 LimitedSecurityApi.login
POST /api/v1/security/refresh               LimitedSecurityApi.refresh
GET  /back                                  UtilView.back
GET  /bulk/                                 BulkView.runs
GET  /bulk/<int:run_id>                     BulkView.run
POST /bulk/<int:run_id>/cancel              BulkView.cancel
POST /bulk/<int:run_id>/undo                BulkView.undo
POST /bulk/begin/<act>                      BulkView.begin
POST /bulk/confirm/<act>                    BulkView.confirm
GET  /healthz                               health.healthz
GET  /keys/                                 ApiKeyView.list
POST /keys/                                 ApiKeyView.make
POST /keys/revoke                           ApiKeyView.revoke
POST /lang/                                 LanguageView.choose
GET  /login/                                LoginView.login
POST /login/                                LoginView.login
GET  /login/<name>/                          ProviderView.begin
GET  /login/<name>/callback                  ProviderView.callback
GET  /login/code/                           SecondStepView.step
POST /login/code/                           SecondStepView.step
GET  /new-password/                         NewPasswordView.show
POST /new-password/                         NewPasswordView.choose
GET  /lists/                                MapView.list
GET  /lists/<name>                          MapView.entries
POST /lists/<name>/act                      MapView.act
GET  /lists/<name>/entries/<int:entry_id>   MapView.edit
POST /lists/<name>/entries/<int:entry_id>   MapView.edit
POST /lists/<name>/matches                  MapView.matches
GET  /lists/<name>/new                      MapView.new
POST /lists/<name>/new                      MapView.new
GET  /lists/<name>/compare                  MapHistoryView.compare
GET  /lists/<name>/conflicts                MapReportView.conflicts_of
GET  /lists/<name>/export                   MapExportView.export
GET  /lists/<name>/history                  MapHistoryView.revisions
GET  /lists/<name>/history/<int:number>     MapHistoryView.revision
GET  /lists/<name>/history/<int:number>/entries MapHistoryView.entries
GET  /lists/<name>/import                   MapImportView.bring
POST /lists/<name>/import                   MapImportView.take
GET  /lists/<name>/import/<token>           MapImportView.review
POST /lists/<name>/import/<token>           MapImportView.decide
GET  /lists/<name>/try                      MapReportView.try_out
GET  /lists/conflicts                       MapReportView.conflicts
GET  /lists/fetched                         MapReportView.fetched
GET  /lists/find                            MapView.find
GET  /lists/own                             MapView.own
POST /logout/                               LoginView.logout
GET  /password/choose                         PasswordLinkView.choose
POST /password/choose                         PasswordLinkView.chosen
GET  /password/forgotten                      PasswordLinkView.forgotten
POST /password/forgotten                      PasswordLinkView.forgotten
GET  /mails/<int:mail_id>/download          MessageView.download
GET  /mails/<int:mail_id>/html              MessageView.html
GET  /mails/<int:mail_id>/message           MessageView.message
GET  /mails/<int:mail_id>/part/<int:index>  MessageView.part
GET  /mails/<int:mail_id>/reason            ReasonView.reason
POST /mails/<int:mail_id>/reason            ReasonView.reason
POST /mails/<int:mail_id>/release           ReleaseView.release
GET  /mails/<int:mail_id>/releases          ReleaseView.releases
POST /mails/<int:mail_id>/undo/<int:release_id> ReleaseView.undo
POST /mails/<int:mail_id>/delete            DeletionView.delete
POST /mails/<int:mail_id>/keep              DeletionView.keep
POST /mails/<int:mail_id>/release-mine      RowActView.release_mine
GET  /mails/<int:mail_id>/timeline          TimelineView.timeline
POST /mails/<int:mail_id>/undo              RowActView.undo_some
GET  /mails/<int:mail_id>/source            MessageView.source
GET  /mails/export                          MailLogView.export
GET  /mails/find                            MailLogView.find
GET  /mails/list/                           MailLogView.list
GET  /mails/newer                           MailLogView.newer
GET  /mails/related/<pk>                    MailLogView.related
GET  /mails/show/<pk>                       MailLogView.show
GET  /mails/statistics                      MailLogView.statistics
GET  /api/v1/notices/choice                 NoticeChoiceApi.choice
PUT  /api/v1/notices/choice                 NoticeChoiceApi.choose
GET  /profile/                              ProfileView.profile
POST /profile/letters                       ProfileView.letters
POST /profile/name                          ProfileView.name
POST /profile/password                      ProfileView.password
GET  /quarantine/                           QuarantineView.days
GET  /quarantine/<day>                      QuarantineView.day
GET  /readyz                                health.readyz
POST /searches/<int:search_id>/delete       SearchView.delete
POST /searches/save                         SearchView.save
GET  /second-factor/                        SecondFactorView.show
POST /second-factor/                        SecondFactorView.set_up
POST /second-factor/codes                   SecondFactorView.codes
POST /second-factor/off                     SecondFactorView.off
POST /theme/                                ThemeView.choose
POST /profile/choices                       ProfileView.choices
GET  /sessions/                             SessionView.list
POST /sessions/end                          SessionView.end
POST /sessions/end-others                   SessionView.end_others
GET  /static/<path:filename>                static
GET  /static/appbuilder/<path:filename>     appbuilder.static
GET /notice notice_links.show
POST /notice notice_links.pressed
GET /notice/unsubscribe notice_links.unsubscribe
POST /notice/unsubscribe notice_links.unsubscribed
GET /requests/ RequestView.list
POST /requests/ask/<int:mail_id> RequestView.ask
GET /requests/own RequestView.own
"""
RAW = b"From: <eve@example.net>\r\nTo: <root@example.com>\r\nSubject: hi\r\nContent-Type: text/html\r\n\r\n<p>hello</p>"
PEOPLE = {"root": "Admin", "chief": "Domain admin", "watcher": "Auditor", "carol": "Recipient"}


@pytest.fixture
def portal(sqlite_template: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[Flask]:
    """Beside a panel on the same database."""
    shutil.copy(sqlite_template, tmp_path / "mailkeep.db")
    app = make_app(f"sqlite:///{tmp_path}/mailkeep.db", tmp_path, ROLES=("portal",))
    yield app
    close(app)


def mails_of(app: Flask, *addresses: str) -> list[int]:
    entries = [make_entry(RAW, keep=True, recipients=(address,)) for address in addresses]
    with app.app_context():
        for entry in entries:
            store_for(app.config["STORE_URL"]).put(entry.digest or "", entry.packed)
        insert_entries(db.engine, entries, "mx1")
    return [entry.id for entry in entries]


def doors(app: Flask) -> list[tuple[str, str, str]]:
    return sorted(
        (rule.rule, method, rule.endpoint) for rule in app.url_map.iter_rules() for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )


def test_the_portal_has_these_doors_and_no_other(portal: Flask) -> None:
    listed = [line.split() for line in DOORS.strip().splitlines()]
    assert doors(portal) == sorted((path, method, endpoint) for method, path, endpoint in listed)
    assert [item.name for item in portal.extensions["appbuilder"].menu.menu] == ["Mails", "Quarantine", "Requests", "Maps"]


def test_a_door_of_admins_is_not_there_for_anybody(portal: Flask, app: Flask) -> None:
    clients = [portal.test_client(), *(login(portal, name, role=role) for name, role in PEOPLE.items())]
    gone = {(re.sub("<[^>]*>", "1", path), method) for path, method, _ in set(doors(app)) - set(doors(portal))}
    assert {path.split("/")[1] for path, _ in gone} >= {"people", "roles", "audit", "metrics", "ingest"}
    for path, method in gone:
        for client in clients:
            assert client.open(path, method=method).status_code == 404, (method, path)


@pytest.mark.parametrize("name", PEOPLE)
def test_everybody_sees_their_own_mail_only_and_no_dead_link(portal: Flask, name: str) -> None:
    client = login(portal, name, role=PEOPLE[name])
    own, foreign = mails_of(portal, f"{name}@example.com", "stranger@example.com")
    with portal.app_context():
        assert is_admin(portal.extensions["appbuilder"].sm.find_user("root")) if name == "root" else True  # in fact, but not here
    seen, waiting = set(), ["/"]
    while waiting:
        path = waiting.pop()
        if path in seen or "/static/" in path:
            continue
        seen.add(path)
        answer = client.get(path)
        assert answer.status_code < 400, path
        text = answer.get_data(as_text=True) if answer.mimetype == "text/html" else ""
        found = [html.unescape(each) for each in re.findall(r'(?:href|src|data-load|data-load-open|data-url)="(/[^"]*)"', text)]
        waiting += [answer.location] if answer.location else [each for each in found if len(seen) < 60]
    assert f"/mails/show/{own}" in seen
    assert not [path for path in seen if str(foreign) in path]
    assert client.get(f"/mails/show/{foreign}").status_code == 404
    assert client.get(f"/mails/{foreign}/message").status_code == (403 if name == "watcher" else 404)  # an auditor reads no content
    assert client.get("/mails/list/?symbol.is=BAYES_SPAM").status_code == 400
    page = client.get(f"/mails/show/{own}").get_data(as_text=True)
    assert "/mails/symbols/" not in page
    assert "/audit/" not in page


def test_an_admin_shares_no_search_here(portal: Flask) -> None:
    client = login(portal, "root")
    assert 'name="shared"' not in client.get("/mails/list/?score.ge=5").get_data(as_text=True)
    sent = {"csrf_token": token(client), "name": "Heavy", "query": "score.ge=5", "shared": "1"}
    assert client.post("/searches/save", data=sent).status_code == 403


def test_a_token_of_the_portal_opens_no_more_than_its_screens(portal: Flask) -> None:
    make_user(portal, "root")
    own, foreign = mails_of(portal, "root@example.com", "stranger@example.com")
    client: FlaskClient = portal.test_client()
    sent = {"username": "root", "password": "Correct-Horse-99", "provider": "db"}
    bearer = {"Authorization": f"Bearer {client.post('/api/v1/security/login', json=sent).json['access_token']}"}  # type: ignore[index]
    listed = client.get("/api/v1/mail/", headers=bearer).json["result"]  # type: ignore[index]
    assert [row["id"] for row in listed] == [str(own)]
    assert "symbols" not in client.get(f"/api/v1/mail/{own}", headers=bearer).json["result"]  # type: ignore[index]
    assert client.get(f"/api/v1/mail/{foreign}", headers=bearer).status_code == 404


def test_permissions_are_not_written_from_here(portal: Flask, app: Flask) -> None:
    before = grants_of(portal, Role.ADMIN)
    with portal.app_context(), pytest.raises(Conflict, match="ROLES including web"):
        sync_permissions()
    assert grants_of(portal, Role.ADMIN) == before == grants_of_views(app.extensions["appbuilder"])
    assert portal.test_cli_runner().invoke(args=["mailkeep", "init"]).exit_code == 1
