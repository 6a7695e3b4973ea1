"""Mails sent on."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0012"
down_revision = "0011"


def key(length: int) -> sa.types.TypeEngine:
    """Text compared byte for byte."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "mail_release",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("mail_id", BIG_ID, nullable=False),
        sa.Column("address", key(320), nullable=False, comment="lower case"),
        sa.Column("number", sa.Integer(), nullable=False, comment="of those for this mail and address, from 1 on"),
        sa.Column("target", key(320), nullable=False, comment="the address as the envelope had it"),
        sa.Column("mode", key(10), nullable=False),
        sa.Column("state", key(10), nullable=False),
        sa.Column("node", key(64), nullable=False, comment="the node that was asked, which has the copy and sends it"),
        sa.Column("due_at", sa.DateTime(), nullable=False, comment="UTC: until then it may be undone"),
        sa.Column("next_try_at", sa.DateTime(), nullable=True, comment="UTC; none where nothing is to be done"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim", key(32), nullable=True, comment="random, of who sends it"),
        sa.Column("claimed_at", sa.DateTime(), nullable=True, comment="UTC"),
        sa.Column("reply", sa.String(500), nullable=False, comment="the relay's words, or why it was not asked"),
        sa.Column("asked_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.Column("asked_by", key(100), nullable=False),
        sa.Column("on_behalf_of", key(100), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True, comment="of who asked; the account may be gone"),
        sa.Column("sent_at", sa.DateTime(), nullable=True, comment="UTC"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("mail_id", "address", "number", name="ux_mail_release"),
    )
    op.create_index("ix_mail_release_due", "mail_release", ["state", "next_try_at"])


def downgrade() -> None:
    op.drop_table("mail_release")
