"""Programs act on many mails: what a search finds is counted and confirmed first, and nobody acts on what is not theirs."""

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app.views.bulk_api import _is_true
from app.views.bulk_page import Meant
from tests.apps import close
from tests.bulk import counts, events, releases, worked
from tests.databases import SqliteCopies
from tests.make import make_user
from tests.releases import BOB, CAROL, releasing_app, states, stored
from tests.servers.relay import Relay
from tests.views.test_release_api import call

OFFERS = {"act": "release", "search": {"subject.is": "offer", "time.on": "today"}}


@pytest.fixture
def app(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path, relay: Relay) -> Iterator[Flask]:
    app = releasing_app(sqlite_copies.make(tmp_path), tmp_path, relay.url, UNDO_SECONDS=3600)
    for name, role in (("root", "Admin"), ("bob", "Recipient"), ("carol", "Recipient"), ("auditor", "Auditor")):
        make_user(app, name, role)
    yield app
    close(app)


def begin(app: Flask, who: str, **wish: Any) -> tuple[int, dict[str, Any]]:
    answer = call(app, who, "POST", "bulk", json=wish)
    return answer.status_code, answer.get_json()


def test_a_search_is_counted_confirmed_and_keeps_to_what_was_counted(app: Flask) -> None:
    mails = [stored(app, subject="offer") for _ in range(3)]
    stored(app, subject="another")
    status, told = begin(app, "root", **OFFERS)
    assert (status, told["confirm"], told["count"], told["is_exact"]) == (409, "count", 3, True)
    assert begin(app, "root", **OFFERS, count=2)[0] == 409
    stored(app, subject="offer")
    assert begin(app, "root", **OFFERS, count=3)[0] == 409, "there is one more by now"
    status, begun = begin(app, "root", **OFFERS, count=3, before=told["before"], token="abc")
    run = begun["result"]
    assert (status, run["state"], run["total"]) == (202, "waiting", 3)
    assert begin(app, "root", **OFFERS, token="abc")[1]["result"]["id"] == run["id"], "the same token is the same act"
    worked(app)
    assert (releases(app), counts(app, run["id"])) == (mails, ("done", 3, 0, 0))
    assert [verb for verb, _after in events(app)] == ["bulk.begun", "bulk.ended"]


def test_it_is_watched_cancelled_and_undone(app: Flask) -> None:
    clean, infected = stored(app), stored(app, virus="EICAR")
    number = begin(app, "root", act="release", ids=[str(clean), infected])[1]["result"]["id"]
    assert call(app, "carol", "GET", f"bulk/{number}").status_code == 404
    worked(app)
    run = call(app, "root", "GET", f"bulk/{number}").get_json()["result"]
    assert (run["state"], run["done"], run["skipped"], run["undo_until"] is not None) == ("done", 1, 1, True)
    assert [(each["id"], each["kind"]) for each in run["left_out"]] == [(str(infected), "skipped")]
    assert call(app, "root", "DELETE", f"bulk/{number}").status_code == 409
    assert call(app, "carol", "POST", f"bulk/{number}/undo").status_code == 404
    undone = call(app, "root", "POST", f"bulk/{number}/undo").get_json()
    assert (undone["undone"], undone["late"], states(app, clean)) == (1, 0, [(BOB, "cancelled")])
    waits = begin(app, "root", act="release", ids=[infected], options=["viruses"])[1]["result"]["id"]
    assert call(app, "root", "DELETE", f"bulk/{waits}").get_json()["result"]["state"] == "cancelled"
    page = call(app, "root", "GET", "bulk?size=1").get_json()
    assert ([each["id"] for each in page["result"]], page["older"]) == ([waits], waits)
    assert [each["id"] for each in call(app, "root", "GET", f"bulk?before={page['older']}").get_json()["result"]] == [number]
    assert call(app, "carol", "GET", "bulk").get_json()["result"] == []


def test_nobody_counts_or_acts_on_what_is_not_theirs(app: Flask) -> None:
    own, foreign = stored(app, BOB, subject="offer"), stored(app, CAROL, subject="offer")
    assert begin(app, "bob", act="release", ids=[foreign]) == begin(app, "bob", act="release", ids=[foreign + 1])
    assert begin(app, "bob", **OFFERS)[1]["count"] == 1
    number = begin(app, "bob", act="release", ids=[own, foreign])[1]["result"]["id"]
    worked(app)
    assert (states(app, own), states(app, foreign)) == ([(BOB, "waiting")], [])
    assert call(app, "bob", "GET", f"bulk/{number}").get_json()["result"]["done"] == 1
    for act in ("delete_mail", "delete_copy", "learn_spam"):
        assert begin(app, "bob", act=act, ids=[own])[0] == 403
    assert (
        begin(app, "auditor", act="release", ids=[own])[0],
        begin(app, "bob", act="release", search={"headers.contains": "x"}, count=1)[0],
    ) == (
        403,
        400,
    )


@pytest.mark.parametrize(
    "wish",
    [
        {"act": "burn", "ids": [1]},
        {"act": ["release"], "ids": [1]},
        {"ids": [1]},
        {"act": "release"},
        {"act": "release", "ids": [1], "search": {}},
        {"act": "release", "ids": []},
        {"act": "release", "ids": ["x"]},
        {"act": "release", "ids": [True]},
        {"act": "release", "ids": [0]},
        {"act": "release", "ids": [1 << 70]},
        {"act": "release", "ids": list(range(1, 1100))},
        {"act": "release", "search": "all"},
        {"act": "release", "search": []},
        # What the list's address may say beside its filters, or says nothing, would mean all mails.
        {"act": "release", "search": {"before": "5"}, "count": 1},
        {"act": "release", "search": {"subject.is": " "}, "count": 1},
        {"act": "release", "search": {"subject.is": []}, "count": 1},
        {"act": "release", "search": {"subject.is": None}, "count": 1},
        {"act": "release", "search": {"score.ge": "NaN"}, "count": 1},
        {"act": "release", "search": {"nothing.is": "x"}, "count": 1},
        {"act": "release", "search": {"subject.is": ["x"] * 40}, "count": 1},
        {"act": "release", "search": {}, "count": "1"},
        {"act": "release", "search": {}, "count": True},
        {"act": "release", "search": {}, "count": 1, "before": "x"},
        {"act": "release", "search": {}, "count": 1, "options": ["all"]},
        {"act": "release", "search": {}, "count": 1, "options": [[]]},
        {"act": "release", "search": {}, "count": 1, "token": "a b"},
    ],
)
def test_what_is_no_order_is_refused(app: Flask, wish: dict[str, Any]) -> None:
    stored(app)
    status, told = begin(app, "root", **wish)
    assert (status, bool(told["message"]), events(app)) == (400, True, [])


def test_where_a_reason_is_wanted_nothing_begins_without(app: Flask) -> None:
    app.config["AUDIT_REASON"] = True
    mail_id = stored(app)
    assert begin(app, "root", act="release", ids=[mail_id])[0] == 403
    answer = call(app, "root", "POST", "bulk", json={"act": "release", "ids": [mail_id]}, headers={"X-Reason": "asked by bob"})
    assert answer.status_code == 202


def test_where_time_ran_out_the_number_need_not_be_the_same_twice() -> None:
    def meant(total: int, *, is_exact: bool) -> Meant:
        return Meant((), (), 1, total, is_exact, False, ())

    assert not _is_true(90, meant(100, is_exact=True))
    assert [_is_true(count, meant(100, is_exact=False)) for count in (None, 1, 90, 150, 151)] == [False, False, True, True, False]
