"""What of a mail may be put into which map: by whom, for whom, and in which form."""

from typing import Any

import pytest
from flask import Flask

from app.actor import SYSTEM
from app.clock import stored_now
from app.extensions import db
from app.models import Mail, Map
from app.queries.map_offers import Offer, Why, offers_for
from app.rspamd.map_values import read_value
from app.services import addresses, domains, people
from app.services.insert import insert_entries
from tests.make import list_value, make_entry, make_user

ROLES = {"bob": "Recipient", "carol": "Recipient", "dora": "Domain admin", "admin": "Admin", "audrey": "Auditor"}


@pytest.fixture
def people_there(app: Flask) -> None:
    for name, role in ROLES.items():
        make_user(app, name, role)
    with app.app_context():
        domains.add_alias("alias.example", "example.com", actor=SYSTEM)
        addresses.set_domains(people.user_named("dora"), ["example.com"], actor=SYSTEM)


def offers(app: Flask, name: str, *rcpts: str, **fields: Any) -> list[Offer]:
    entry = make_entry(recipients=rcpts, **fields)
    with app.app_context():
        insert_entries(db.engine, [entry], "mx1")
        mail = db.session.get(Mail, entry.id)
        assert mail
        return offers_for(people.user_named(name), mail)


def of_map(found: list[Offer], name: str) -> dict[Why, list[str]]:
    whys: dict[Why, list[str]] = {}
    for offer in found:
        if offer.map_name == name:
            whys.setdefault(offer.why, []).append(offer.value)
    return whys


BLOCK, PAIRS = "mime_from_blacklist", "mime_from_rcpt_to_blacklist"


@pytest.mark.usefixtures("people_there")
def test_an_admin_is_offered_each_part_for_each_map_it_fits(app: Flask) -> None:
    found = offers(
        app, "admin", "bob@example.com", "x@example.org", mail_from="VERP+7@Bounce.example", header_from="Shop <news@räksmörgås.example>"
    )
    assert of_map(found, "mail_from_whitelist") == {Why.SENDER: ["verp@bounce.example"], Why.SENDER_DOMAIN: ["bounce.example"]}
    domain = "xn--rksmrgs-5wao1o.example"
    assert of_map(found, BLOCK) == {Why.HEADER_FROM: [f"news@{domain}"], Why.HEADER_FROM_DOMAIN: [domain]}
    assert of_map(found, "ip_blacklist") == {Why.IP: ["198.51.100.7"]}
    rcpts = ("bob@example.com", "x@example.org")
    assert of_map(found, PAIRS)[Why.HEADER_FROM] == [f"news@{domain}|{rcpt}" for rcpt in rcpts]
    assert {offer.colour for offer in found if offer.map_name == PAIRS} == {"deny"}


@pytest.mark.usefixtures("people_there")
def test_everybody_else_only_pairs_for_those_of_their_own_that_they_may_know_of(app: Flask) -> None:
    rcpts = ("Bob+shop@Example.com", "carol@example.com", "x@example.org")
    for name, theirs in {
        "bob": {"bob@example.com"},
        "carol": {"carol@example.com"},
        "dora": {"bob@example.com", "carol@example.com"},
    }.items():
        found = offers(app, name, *rcpts)
        assert {offer.rcpt for offer in found} == theirs
        assert {offer.kind for offer in found} == {"pair"}
        assert len(found) == 4 * 2 * len(theirs)
    assert {offer.rcpt for offer in offers(app, "bob", "bob@alias.example")} == {"bob@example.com"}
    assert offers(app, "bob", "carol@example.com") == []
    assert offers(app, "audrey", *rcpts) == []


@pytest.mark.usefixtures("people_there")
def test_custom_maps_whose_part_fits_and_what_is_there_already(app: Flask) -> None:
    now = stored_now()
    common = {"title": "T", "description": "", "created_at": now, "changed_at": now, "editors": "domain_admins", "symbol": ""}
    with app.app_context():
        for name, kind, part, fields in (
            ("partners", "domain", "mime_from", {}),
            ("off", "domain", "mime_from", {"enabled": False}),
            ("subjects", "text", "subject", {}),
            ("patterns", "regexp", "mail_from", {}),
        ):
            db.session.add(Map(name=name, kind=kind, part=part, colour="neutral", **common | fields))
        db.session.commit()
    list_value(app, "partners", "example.net")
    found = [offer for offer in offers(app, "dora", "bob@example.com") if offer.kind != "pair"]
    assert [(offer.map_name, offer.value, offer.why, offer.is_there) for offer in found] == [
        ("partners", "example.net", Why.HEADER_FROM_DOMAIN, True)
    ]
    assert "partners" not in {offer.map_name for offer in offers(app, "bob", "bob@example.com")}


@pytest.mark.usefixtures("people_there")
@pytest.mark.parametrize("sender", ["", "postmaster", "a b@x", "<@>", "x@y@", "#@example.net|", "a" * 300 + "@example.net"])
def test_odd_senders_are_offered_in_a_form_that_may_be_kept_or_not_at_all(app: Flask, sender: str) -> None:
    found = offers(app, "admin", "bob@example.com", mail_from=sender, header_from="", ip=None)
    assert all(read_value(offer.kind, offer.value).text == offer.value for offer in found)
    assert not of_map(found, BLOCK)
