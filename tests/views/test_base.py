"""What FAB leaves open, and that our base closes it: each test sees the hole in plain FAB first."""

import pathlib
import types
import warnings

import pytest
from flask_appbuilder import ModelView
from flask_appbuilder.models.sqla.interface import SQLAInterface

from app.views.api import ScopedModelRestApi
from app.views.base import ScopedModelView
from app.views.datamodel import ScopedInterface
from tests.views.boxes import Box, Thing, login, make, post, statements, token_in

Made = types.SimpleNamespace


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Made:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(tmp_path_factory.mktemp("plain"), ours=False)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Made:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(tmp_path_factory.mktemp("ours"), ours=True)


@pytest.fixture(autouse=True)
def nothing_done(plain: Made, ours: Made) -> None:
    for made in (plain, ours):
        made.box_view.done.clear()
        with made.app.app_context():
            made.app.appbuilder.sm.limiter.reset()


def test_an_action_keeps_to_the_scope(plain: Made, ours: Made) -> None:
    for made in (plain, ours):
        client = login(made)
        single = post(made, client, "/boxview/action/mark/2")
        several = post(made, client, "/boxview/action_post", action="mark", rowid=["1", "2"])
        if made is plain:
            assert made.box_view.done == ["his", "mine", "his"]
        else:
            assert (single.status_code, several.status_code, made.box_view.done) == (404, 404, [])
            assert post(made, client, "/boxview/action_post", action="mark", rowid=["1"]).data == b"marked"


def test_an_action_needs_a_post(plain: Made, ours: Made) -> None:
    assert login(plain).get("/boxview/action/mark/1").data == b"marked"
    assert login(ours).get("/boxview/action/mark/1").status_code == 405
    assert ours.box_view.done == []


def test_an_unknown_action_is_a_404(plain: Made, ours: Made) -> None:
    assert post(plain, login(plain), "/boxview/action_post", action="nonsense", rowid="1").status_code == 500
    assert post(ours, login(ours), "/boxview/action_post", action="nonsense", rowid="1").status_code == 404


def test_a_get_deletes_nothing(plain: Made, ours: Made) -> None:
    for made, left in ((plain, 0), (ours, 1)):
        with made.app.app_context():
            made.db.session.add(Box(id=50, owner="alice", name="to keep"))
            made.db.session.commit()
        login(made).get("/boxview/delete/50")
        with made.app.app_context():
            assert made.db.session.query(Box).filter(Box.id == 50).count() == left
            made.db.session.query(Box).filter(Box.id == 50).delete()
            made.db.session.commit()


def test_a_post_without_its_token_is_refused(plain: Made, ours: Made) -> None:
    assert login(plain).post("/boxview/action/mark/1").data == b"marked"
    assert login(ours).post("/boxview/action/mark/1").status_code == 400
    assert ours.box_view.done == []


def test_related_rows_need_the_permission_of_their_own_list(plain: Made, ours: Made) -> None:
    for made, leaks in ((plain, True), (ours, False)):
        client = login(made)
        assert client.get("/thingview/list/").status_code in (302, 403, 404)
        assert (b"a thing" in client.get("/boxview/show/1").data) is leaks


@pytest.mark.parametrize(
    ("query", "plain_status"),
    [
        ("page_BoxView=abc", 500),
        ("page_BoxView=-1", 200),
        ("psize_BoxView=abc", 500),
        ("psize_BoxView=-1", 200),
        ("psize_BoxView=60000", 200),
        ("_oc_BoxView=nonsense&_od_BoxView=asc", 500),
        ("_oc_BoxView=secret&_od_BoxView=asc", 200),
        ("_flt_9_flag=1", 500),
        ("_flt_0_flag=maybe", 200),
        ("_flt_0_secret=x", 200),
        ("_flt_x", 200),
    ],
)
def test_a_bad_parameter_is_a_400(plain: Made, ours: Made, query: str, plain_status: int) -> None:
    assert login(plain).get(f"/boxview/list/?{query}").status_code == plain_status
    assert login(ours).get(f"/boxview/list/?{query}").status_code == 400


@pytest.mark.parametrize("pk", ["999", "abc", "-1", "99999999999999999999999", "1 OR 1=1", "%00", "2"])
def test_a_row_that_is_not_there_or_not_mine_is_a_404(ours: Made, pk: str) -> None:
    assert login(ours).get(f"/boxview/show/{pk}").status_code == 404


def test_no_filter_is_shared_between_requests(plain: Made, ours: Made) -> None:
    for made, shared in ((plain, True), (ours, False)):
        view = next(v for v in made.app.appbuilder.baseviews if isinstance(v, made.box_view))
        with made.app.test_request_context():
            first = view._filters
        with made.app.test_request_context():
            second = view._filters
        assert (first is second) is shared


def test_one_query_for_all_permissions_of_a_request(plain: Made, ours: Made) -> None:
    counts = {}
    for made in (plain, ours):
        client = login(made)
        client.get("/boxview/list/")
        seen = statements(made, lambda client=client: client.get("/boxview/list/"))
        counts[made.ours] = sum("ab_permission_view" in statement for statement in seen)
    assert counts[False] > 5
    assert counts[True] <= 2


def test_only_what_is_listed_is_fetched_and_counting_stops(plain: Made, ours: Made) -> None:
    with_base = {}
    for made in (plain, ours):
        client = login(made)
        with_base[made.ours] = [s for s in statements(made, lambda client=client: client.get("/boxview/list/")) if "FROM box" in s]
    assert any("secret" in statement for statement in with_base[False])
    assert any("count(*)" in s and "LIMIT" not in s for s in with_base[False])
    assert all("LIMIT" in statement for statement in with_base[True] if "count(*)" in statement)


@pytest.mark.parametrize("needle", ["100%", "a_b", "back\\slash"])
def test_a_wildcard_typed_by_a_visitor_means_itself(plain: Made, ours: Made, needle: str) -> None:
    found = {}
    for made in (plain, ours):
        with made.app.app_context():
            made.db.session.add_all([Box(owner="alice", name=needle + " exactly"), Box(owner="alice", name="100 a-b backslash other")])
            made.db.session.commit()
        index = 1 if made.ours else 0  # "starts with"
        page = (
            login(made)
            .get("/boxview/list/", query_string={f"_flt_{index}_name": needle[:3] if made is plain else needle})
            .get_data(as_text=True)
        )
        found[made.ours] = ("exactly" in page, "other" in page)
        with made.app.app_context():
            made.db.session.query(Box).filter(Box.name.like("%exactly") | Box.name.like("%other")).delete()
            made.db.session.commit()
    assert found[True] == (True, False)


def test_both_ways_to_log_in_are_limited(plain: Made, ours: Made) -> None:
    for made, limited in ((plain, False), (ours, True)):
        client = made.app.test_client()
        wrong = {"username": "alice", "password": "wrong", "provider": "db"}
        statuses = {client.post("/api/v1/security/login", json=wrong).status_code for _ in range(8)}
        assert (429 in statuses) is limited
    client = ours.app.test_client()
    fields = {"username": "alice", "password": "wrong", "csrf_token": token_in(client.get("/login/").get_data(as_text=True))}
    assert 429 in {client.post("/login/", data=fields).status_code for _ in range(8)}


def test_no_upload_is_handed_out(ours: Made) -> None:
    assert "BoxView.download" not in {rule.endpoint for rule in ours.app.url_map.iter_rules()}


def test_a_drop_down_never_offers_every_row_by_silence() -> None:
    class Careless(ScopedModelView):
        datamodel = ScopedInterface(Thing)
        base_filters = []
        include_route_methods = {"list", "add"}

    with pytest.raises(TypeError, match="relation box would offer every row"):
        Careless()


@pytest.mark.parametrize("missing", ["base_filters", "include_route_methods", "datamodel"])
def test_a_view_that_is_silent_about_its_scope_does_not_load(missing: str) -> None:
    class Silent(ScopedModelView):
        datamodel = ScopedInterface(Box)
        base_filters = []
        include_route_methods = {"list"}

    setattr(Silent, missing, SQLAInterface(Box) if missing == "datamodel" else None)
    with pytest.raises(TypeError, match="Silent"):
        Silent()
    assert ModelView.include_route_methods is None  # FAB would have opened every route


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"base_filters": None}, "base_filters"),
        ({"include_route_methods": None}, "include_route_methods"),
        ({"datamodel": SQLAInterface(Box)}, "ScopedInterface"),
        ({"include_route_methods": {"put"}}, "edit_columns"),
        ({"include_route_methods": {"post"}}, "add_columns"),
    ],
)
def test_an_api_that_is_silent_about_its_scope_does_not_load(attributes: dict[str, object], says: str) -> None:
    good: dict[str, object] = {
        "datamodel": ScopedInterface(Box),
        "base_filters": [],
        "include_route_methods": {"get"},
        "resource_name": "box",
    }
    api = type("SilentApi", (ScopedModelRestApi,), good | attributes)
    with pytest.raises(TypeError, match=says):
        api()


def test_apis_that_a_cookie_opens_want_the_token() -> None:
    assert ScopedModelRestApi.csrf_exempt is False


def test_a_start_needs_no_database(tmp_path: pathlib.Path) -> None:
    from tests.apps import make_app

    app = make_app("mysql+mysqldb://nobody:none@127.0.0.1:1/none?charset=utf8mb4", tmp_path)
    assert app.test_client().get("/healthz").status_code == 200
    answer = app.test_client().get("/mails/list/")
    assert answer.status_code in (302, 503)
    assert b"Traceback" not in answer.data
