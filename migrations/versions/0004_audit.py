"""The audit trail: events in a chain, and the row that holds its end."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0004"
down_revision = "0003"


def key(length: int) -> sa.types.TypeEngine:
    """Text compared byte for byte."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def digest() -> sa.types.TypeEngine:
    return sa.LargeBinary(32).with_variant(mysql.VARBINARY(32), "mysql", "mariadb")


def big_id() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def long_text() -> sa.types.TypeEngine:
    return sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def moment() -> sa.types.TypeEngine:
    return sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "audit_event",
        sa.Column("id", big_id(), autoincrement=False, nullable=False, comment="from 1 on, without a gap"),
        sa.Column("at", moment(), nullable=False, comment="UTC"),
        sa.Column("actor", key(100), nullable=False, comment="empty: a visitor"),
        sa.Column("user_id", sa.Integer(), nullable=True, comment="of the actor's account, which may be gone"),
        sa.Column("on_behalf_of", key(100), nullable=False),
        sa.Column("ip", key(45), nullable=False),
        sa.Column("verb", key(40), nullable=False),
        sa.Column("target_kind", key(20), nullable=False),
        sa.Column("target_id", key(64), nullable=False),
        sa.Column("reason", long_text(), nullable=False),
        sa.Column("before", long_text(), nullable=False, comment="JSON, or empty"),
        sa.Column("after", long_text(), nullable=False, comment="JSON, or empty"),
        sa.Column("previous", digest(), nullable=False, comment="digest of the event before"),
        sa.Column("digest", digest(), nullable=False, comment="SHA-256 of all the above"),
        sa.PrimaryKeyConstraint("id"),
    )
    for name, columns in (("at", ["at"]), ("actor", ["actor", "id"]), ("ip", ["ip", "id"]), ("verb", ["verb", "id"])):
        op.create_index(f"ix_audit_event_{name}", "audit_event", columns)
    op.create_index("ix_audit_event_target", "audit_event", ["target_kind", "target_id", "id"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False, comment="1"),
        sa.Column("last_id", big_id(), nullable=False),
        sa.Column("last_digest", digest(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.bulk_insert(head, [{"id": 1, "last_id": 0, "last_digest": bytes(32)}])


def downgrade() -> None:
    op.drop_table("audit_head")
    op.drop_table("audit_event")
