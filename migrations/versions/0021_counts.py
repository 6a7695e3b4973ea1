"""Sums by the hour and by the day, and how far they have been counted."""

import time
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0021"
down_revision = "0020"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def key(length: int) -> sa.types.TypeEngine:
    """Text compared byte for byte."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def counts(table: str) -> None:
    op.create_table(
        table,
        sa.Column("kind", key(5), nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False, comment="since 1970, UTC; of a day: its first"),
        sa.Column("name", key(255), nullable=False, comment="a domain, or a virus; empty: none, or not told apart"),
        sa.Column("node", key(64), nullable=False),
        sa.Column("action", key(32), nullable=False),
        sa.Column("direction", key(3), nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.Integer(), nullable=False, comment="of which a copy was kept"),
        sa.Column("viruses", sa.Integer(), nullable=False),
        sa.Column("scanned", sa.Integer(), nullable=False, comment="of so many it was looked how long Rspamd took"),
        sa.Column("scan_ms", sa.Double(), nullable=False, comment="of all of these"),
        sa.PrimaryKeyConstraint("kind", "hour", "name", "node", "action", "direction"),
    )
    op.create_index(f"ix_{table}_name", table, ["kind", "name", "hour"])


def upgrade() -> None:
    counts("hourly_count")
    counts("daily_count")
    state = op.create_table(
        "count_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("marked_before", sa.Integer(), nullable=False, comment="who brings in a mail of an earlier hour marks it as late"),
        sa.Column("marked_since", sa.DateTime(), nullable=False, comment="UTC"),
        sa.Column("closed_before", sa.Integer(), nullable=False, comment="earlier hours are counted once; what comes late is added"),
        sa.Column("counted_from", sa.Integer(), nullable=False, comment="earlier hours have not had their turn yet; 0: all have"),
        sa.Column("counted_at", sa.DateTime(), nullable=True, comment="UTC"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table("late_mail", sa.Column("mail_id", BIG_ID, autoincrement=False, nullable=False), sa.PrimaryKeyConstraint("mail_id"))
    # From the hour before this one on; what came earlier is counted from there backwards.
    hour, now = int(time.time()) // 3600 - 1, datetime.now(UTC).replace(tzinfo=None)
    first = {"id": 1, "marked_before": hour, "marked_since": now, "closed_before": hour, "counted_from": hour, "counted_at": None}
    op.bulk_insert(state, [first])


def downgrade() -> None:
    for table in ("late_mail", "count_state", "daily_count", "hourly_count"):
        op.drop_table(table)
