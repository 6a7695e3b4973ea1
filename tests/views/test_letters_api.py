"""What programs do with letters, rules of domains and refusals: as the screens do, by the same rights."""

from flask import Flask

from app.extensions import db
from app.models import NoticeDomain, NoticeRefusal, NoticeStep, Verb
from tests.letters import events, letter, make_letter
from tests.make import login, token
from tests.views.test_letters import app  # noqa: F401
from tests.views.test_releases import domain_admin

API = "/api/v1/notices"


def test_programs_try_letters_again(app: Flask) -> None:  # noqa: F811
    failed, unknown = (make_letter(app, "bob@example.com", state=state) for state in (NoticeStep.FAILED, NoticeStep.UNKNOWN))
    foreign, void = (
        make_letter(app, "dora@example.org", state=NoticeStep.FAILED),
        make_letter(app, "a@example.com", state=NoticeStep.FAILED),
    )
    with app.app_context():
        from app.models import Notice

        db.session.get_one(Notice, void).revoked_at = db.session.get_one(Notice, void).made_at
        db.session.commit()
    chief = domain_admin(app, "chief", "example.com")
    sent = {"X-CSRFToken": token(chief, "/profile/")}
    assert chief.post(f"{API}/{failed}/again").status_code == 400
    assert chief.post(f"{API}/{failed}/again", headers=sent).status_code == 200
    assert letter(app, failed).state == "waiting"
    assert chief.post(f"{API}/{failed}/again", headers=sent).status_code == 409
    answer = chief.post(f"{API}/{unknown}/again", headers=sent)
    assert (answer.status_code, answer.json["confirm"], letter(app, unknown).state) == (409, "sure", "unknown")
    assert chief.post(f"{API}/{unknown}/again", json={"sure": "perhaps"}, headers=sent).status_code == 400
    assert chief.post(f"{API}/{unknown}/again", json={"sure": True}, headers=sent).status_code == 200
    assert chief.post(f"{API}/{foreign}/again", headers=sent).status_code == 404
    more = make_letter(app, "carol@example.com", state=NoticeStep.FAILED)
    assert chief.post(f"{API}/again?after=0", headers=sent).status_code == 400
    assert chief.post(f"{API}/again", headers=sent).json == {"result": {"letters": 1}, "more": None}
    assert [letter(app, number).state for number in (more, foreign, void)] == ["waiting", "failed", "failed"]
    assert [who for who, _before, _after in events(app, Verb.NOTICE_AGAIN)] == ["chief"] * 3


def test_programs_set_what_holds_for_domains(app: Flask) -> None:  # noqa: F811
    chief, auditor = domain_admin(app, "chief", "example.com"), login(app, "eva", "Auditor")
    sent = {"X-CSRFToken": token(chief, "/profile/")}
    rule = {"times": "hourly", "everybody": True, "language": "de", "watchers": ["postmaster"], "watch_times": ""}
    told = rule | {"domain": "example.com", "watchers": ["postmaster@example.com"]}
    answer = chief.put(f"{API}/domains/Example.com", json=rule, headers=sent)
    assert (answer.status_code, answer.json["result"]) == (200, told)
    assert auditor.get(f"{API}/domains").json["result"] == [told]
    for wrong in (
        {"times": "soon"},
        {"times": 7},
        {"everybody": "perhaps"},
        {"watchers": "a@example.com"},
        {"watchers": [7]},
        {"watchers": ["a\0@example.com"]},
        {"language": "tlh"},
        {"watcher": ["a@example.com"]},
        ["hourly"],
    ):
        assert chief.put(f"{API}/domains/example.com", json=wrong, headers=sent).status_code == 400, wrong
    assert chief.put(f"{API}/domains/example.com", json={"watchers": ["me@gmail.example"]}, headers=sent).status_code == 403
    assert chief.put(f"{API}/domains/example.org", json={}, headers=sent).status_code == 403
    assert auditor.put(f"{API}/domains/example.com", json={}, headers={"X-CSRFToken": token(auditor, "/profile/")}).status_code == 403
    with app.app_context():
        db.session.add(NoticeDomain(domain="example.org"))
        db.session.commit()
    assert [row["domain"] for row in chief.get(f"{API}/domains").json["result"]] == ["example.com"]
    assert chief.delete(f"{API}/domains/example.org", headers=sent).status_code == 403
    assert [chief.delete(f"{API}/domains/example.com", headers=sent).status_code for _ in range(2)] == [200, 404]
    assert [who for who, _before, _after in events(app, Verb.NOTICES_OF_DOMAIN)] == ["chief"] * 2


def test_programs_list_make_and_take_back_refusals(app: Flask) -> None:  # noqa: F811
    chief = domain_admin(app, "chief", "example.com")
    sent = {"X-CSRFToken": token(chief, "/profile/")}
    answer = chief.post(f"{API}/refusals", json={"address": "Eve+x@Example.com"}, headers=sent)
    assert (answer.status_code, answer.json["result"]) == (200, {"address": "eve@example.com"})
    assert chief.post(f"{API}/refusals", json={"address": "eve@example.org"}, headers=sent).status_code == 403
    for wrong in ({}, {"address": "eve"}, {"address": ["eve@example.com"]}):
        assert chief.post(f"{API}/refusals", json=wrong, headers=sent).status_code == 400, wrong
    for name in ("adam", "zoe"):
        chief.post(f"{API}/refusals", json={"address": f"{name}@example.com"}, headers=sent)
    page = chief.get(f"{API}/refusals?size=2").json
    assert ([row["address"] for row in page["result"]], page["more"]) == (["adam@example.com", "eve@example.com"], "eve@example.com")
    rest = chief.get(f"{API}/refusals?after={page['more']}").json
    assert ([(row["address"], row["by"]) for row in rest["result"]], rest["more"]) == ([("zoe@example.com", "chief")], None)
    assert [row["address"] for row in chief.get(f"{API}/refusals?q=ev").json["result"]] == ["eve@example.com"]
    for status in (200, 404):
        assert chief.delete(f"{API}/refusals?address=eve@example.com", headers=sent).status_code == status
    assert chief.delete(f"{API}/refusals", headers=sent).status_code == 400
    with app.app_context():
        assert {row.address for row in db.session.query(NoticeRefusal)} == {"adam@example.com", "zoe@example.com"}
