"""The column types: what goes in comes out, and compares as we say, on every database."""

import pytest
from flask import Flask
from sqlalchemy import Engine, insert, literal, select
from sqlalchemy.exc import IntegrityError, StatementError

from app.actor import SYSTEM
from app.extensions import db
from app.models import Mail, Node
from app.models.base import pack_ip, unpack_ip
from app.services.rows import mail_row
from tests.make import make_entry


@pytest.fixture
def engine(any_app: Flask) -> Engine:
    with any_app.app_context():
        return db.engine


def add(engine: Engine, **changes: object) -> int:
    entry = make_entry()
    row = mail_row(entry, "mx1") | changes
    with engine.begin() as connection:
        connection.execute(insert(Mail.__table__), [row])
    return int(str(row["id"]))


def read(engine: Engine, mail_id: int) -> object:
    with engine.connect() as connection:
        return connection.execute(select(Mail.__table__).where(Mail.id == mail_id)).one()


def test_an_address_comes_back_as_it_was(engine: Engine) -> None:
    for address in ("198.51.100.7", "0.0.0.0", "255.255.255.255", "2001:db8::25", "::1", "::", "fe80::1"):
        assert read(engine, add(engine, ip=address)).ip == address  # type: ignore[attr-defined]


def test_no_address_stays_none(engine: Engine) -> None:
    assert read(engine, add(engine, ip=None)).ip is None  # type: ignore[attr-defined]


def test_a_network_is_a_range(engine: Engine) -> None:
    inside = [add(engine, ip=address) for address in ("198.51.100.0", "198.51.100.7", "198.51.100.255")]
    for address in ("198.51.99.255", "198.51.101.0", "2001:db8::1", "::1"):
        add(engine, ip=address)
    with engine.connect() as connection:
        found = connection.scalars(select(Mail.id).where(Mail.ip.between("198.51.100.0", "198.51.100.255")).order_by(Mail.id)).all()
    assert found == inside


def test_an_address_that_is_none_never_reaches_the_database(engine: Engine) -> None:
    with pytest.raises((StatementError, ValueError)):
        add(engine, ip="not an address")


@pytest.mark.parametrize("address", ["198.51.100.7", "2001:db8::1"])
def test_packing_is_undone_by_unpacking(address: str) -> None:
    assert len(pack_ip(address)) == 16
    assert unpack_ip(pack_ip(address)) == address
    assert pack_ip("::ffff:198.51.100.7") == pack_ip("198.51.100.7")


def test_a_digest_comes_back_and_is_found(engine: Engine) -> None:
    digest = "00ff" * 16
    mail_id = add(engine, copy_digest=digest)
    assert read(engine, mail_id).copy_digest == digest  # type: ignore[attr-defined]
    with engine.connect() as connection:
        assert connection.scalars(select(Mail.id).where(Mail.copy_digest == digest)).all() == [mail_id]


@pytest.mark.parametrize(("one", "other"), [("ALICE@example.net", "alice@example.net"), ("é@example.net", "e@example.net"), ("ß", "ss")])
def test_keys_compare_byte_for_byte(engine: Engine, one: str, other: str) -> None:
    mine = add(engine, mail_from=one)
    add(engine, mail_from=other)
    with engine.connect() as connection:
        assert connection.scalars(select(Mail.id).where(Mail.mail_from == one)).all() == [mine]


def test_the_same_post_cannot_have_two_rows(engine: Engine) -> None:
    add(engine, identity="ab" * 16)
    with pytest.raises(IntegrityError):
        add(engine, identity="ab" * 16)


def test_the_largest_id_and_an_exact_score_are_kept(engine: Engine) -> None:
    mail_id = add(engine, id=(1 << 63) - 1, score=-1234.56789012345)
    assert mail_id == (1 << 63) - 1
    assert read(engine, mail_id).score == -1234.56789012345  # type: ignore[attr-defined]


def test_ids_sort_as_numbers(engine: Engine) -> None:
    made = [add(engine, id=number) for number in (9, 10, 100, 1 << 40, 1 << 62)]
    with engine.connect() as connection:
        assert connection.scalars(select(Mail.id).order_by(Mail.id)).all() == made


def test_four_byte_characters_are_kept(engine: Engine) -> None:
    subject = "🎉 中文 \u202e ñ"
    assert read(engine, add(engine, subject=subject)).subject == subject  # type: ignore[attr-defined]
    with engine.connect() as connection:
        assert connection.scalar(select(literal(subject))) == subject


def test_two_nodes_share_neither_name_nor_number(any_app: Flask) -> None:
    from app.services.nodes import add as add_node

    with any_app.app_context():
        numbers = [add_node(name, actor=SYSTEM).number for name in ("mx1", "mx2", "mx3")]
        assert numbers == [1, 2, 3]
        db.session.add(
            Node(
                number=9, name="mx1", user="", password_hash="", allow="", enabled=True, created_at=add_node("mx4", actor=SYSTEM).created_at
            )
        )
        with pytest.raises(IntegrityError):
            db.session.commit()
        db.session.rollback()
