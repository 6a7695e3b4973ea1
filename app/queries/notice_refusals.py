"""Addresses that want no letters: each refuses for all its forms, under the one that stands for them."""

from collections.abc import Collection, Iterable, Mapping

from flask import current_app
from sqlalchemy import select

from app.extensions import db
from app.mime.addresses import base_of
from app.models import NoticeRefusal
from app.queries.domains import aliases_for
from app.queries.pieces import pieces


def plain_form(address: str, plus: str, mains: Mapping[str, str]) -> str:
    """Without what follows the plus, and in its domain's own name."""
    local, _at, domain = (base_of(address, plus) or address).rpartition("@")
    return f"{local}@{mains.get(domain, domain)}"


def plain_forms(addresses: Collection[str]) -> dict[str, str]:
    plus, mains = str(current_app.config["PLUS_ADDRESSING"]), aliases_for(address.rpartition("@")[2] for address in addresses)
    return {address: plain_form(address, plus, mains) for address in addresses}


def refused_among(forms: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for piece in pieces(forms):
        found |= set(db.session.scalars(select(NoticeRefusal.address).where(NoticeRefusal.address.in_(piece))))
    return found


def refusing(addresses: Collection[str]) -> set[str]:
    forms = plain_forms(addresses)
    refused = refused_among(forms.values())
    return {address for address, form in forms.items() if form in refused}
