"""Legal holds, and how far retention has come."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0019"
down_revision = "0018"

BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
HASH = sa.LargeBinary(16).with_variant(mysql.VARBINARY(16), "mysql", "mariadb")


def key(length: int) -> sa.types.TypeEngine:
    """Text compared byte for byte."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", key(10), nullable=False),
        sa.Column("value", LONG_TEXT, nullable=False, comment="a mail id, an address, a domain, or a search as it was typed"),
        sa.Column("filters", LONG_TEXT, nullable=False, comment="JSON, of a search: what it meant on that day"),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("held_by", key(100), nullable=False),
        sa.Column("held_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.Column("lifted_by", key(100), nullable=False),
        sa.Column("lifted_at", sa.DateTime(), nullable=True, comment="UTC; none: it stands"),
        sa.PrimaryKeyConstraint("id"),
    )
    marks = op.create_table(
        "retention_mark",
        sa.Column("extent", key(4), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("upto", BIG_ID, nullable=False, comment="a mail id: older ones have had their turn"),
        sa.Column("rules", HASH, nullable=False, comment="hash of the rules it was set by: others begin anew"),
        sa.Column("began_at", sa.DateTime(), nullable=False, comment="UTC: when it last began with the oldest mail"),
        sa.PrimaryKeyConstraint("extent", "days"),
    )
    op.bulk_insert(marks, [{"extent": "gate", "days": 0, "upto": 0, "rules": bytes(16), "began_at": datetime(2000, 1, 1)}])  # noqa: DTZ001 - as columns keep it


def downgrade() -> None:
    op.drop_table("retention_mark")
    op.drop_table("legal_hold")
