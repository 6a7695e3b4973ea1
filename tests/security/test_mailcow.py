"""mailcow's OAuth2: a mailbox is an account, an admin, or looks after a domain."""

import pathlib
from typing import Any

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import UserDomain
from app.services.people import find_user
from tests.make import make_user
from tests.security.conftest import Maker, account, is_in, roles
from tests.security.oidc import come_by, mailcow, providers_file
from tests.servers.provider import Provider


@pytest.mark.parametrize("kept_back", [False, True])
def test_a_mailbox_is_an_account(app_asking: Maker, provider: Provider, tmp_path: pathlib.Path, kept_back: bool) -> None:
    app = app_asking(OIDC_FILE=providers_file(tmp_path, cow=mailcow(provider)))
    provider.behaviour.header_is_kept_back = kept_back
    client, _answer = come_by(app, "cow")
    assert is_in(client)
    bob = account(app, "bob@example.com")
    assert bob
    assert (bob.email, bob.first_name) == ("bob@example.com", "Bob B")
    assert roles(app, "bob@example.com") == {"Recipient"}
    assert client.post("/logout/").status_code == 302


def domains(app: Any, name: str) -> list[str]:
    with app.app_context():
        user = find_user(name)
        assert user
        return sorted(db.session.scalars(select(UserDomain.domain).where(UserDomain.user_id == user.id)))


def test_a_listed_address_is_an_admin_and_postmaster_looks_after_his_domain(
    app_asking: Maker, provider: Provider, tmp_path: pathlib.Path
) -> None:
    words = {"admins": ["Chief@example.com"], "domain_admin": "postmaster"}
    app = app_asking(OIDC_FILE=providers_file(tmp_path, cow=mailcow(provider, **words)))
    make_user(app, "root")
    expected = {"chief@example.com": "Admin", "postmaster@example.org": "Domain admin", "bob@example.com": "Recipient"}
    for address, role in expected.items():
        provider.behaviour.profile |= {"identifier": address, "email": address}
        assert is_in(come_by(app, "cow")[0])
        assert roles(app, address) == {role}
        assert domains(app, address) == (["example.org"] if role == "Domain admin" else [])
    with app.app_context():
        user = find_user("postmaster@example.org")
        db.session.add(UserDomain(user_id=user.id, domain="given.example", created_at=user.created_on))  # type: ignore[union-attr]
        db.session.commit()
    provider.behaviour.profile |= {"identifier": "postmaster@example.org", "email": "postmaster@example.org"}
    come_by(app, "cow")
    assert domains(app, "postmaster@example.org") == ["example.org"]


def test_no_active_mailbox_is_nobody(app_asking: Maker, provider: Provider, tmp_path: pathlib.Path) -> None:
    app = app_asking(OIDC_FILE=providers_file(tmp_path, cow=mailcow(provider)))
    nothing = {"email": "", "username": ""}
    for profile in ({"success": False}, {"active": "0"}, {"active": ""}, nothing, {"email": "no address"}, {"email": ["a@b.c"]}):
        provider.reset().profile |= profile
        client, answer = come_by(app, "cow")
        assert answer.status_code == 403, profile
        assert not is_in(client)
