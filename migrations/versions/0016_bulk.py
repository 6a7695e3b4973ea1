"""Acts on many mails."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0016"
down_revision = "0015"


def key(length: int) -> sa.types.TypeEngine:
    """Text compared byte for byte."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "bulk_run",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("token", key(32), nullable=False, comment="of the page on which it was confirmed: twice is once"),
        sa.Column("act", key(20), nullable=False),
        sa.Column("options", LONG_TEXT, nullable=False, comment="JSON list of names"),
        sa.Column("ids", LONG_TEXT, nullable=False, comment="JSON list of mail ids, the newest first; empty: all that the search finds"),
        sa.Column("search", LONG_TEXT, nullable=False, comment="JSON list of pairs"),
        sa.Column("zone", key(64), nullable=False, comment="in which the days of the search are meant"),
        sa.Column("language", key(10), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False, comment="whose rights count"),
        sa.Column("roles", LONG_TEXT, nullable=False, comment="JSON list: it never may more than these"),
        sa.Column("asked_by", key(100), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True, comment="of who asked; another than user_id acts as that one"),
        sa.Column("on_behalf_of", key(100), nullable=False),
        sa.Column("ip", key(45), nullable=False),
        sa.Column("state", key(10), nullable=False),
        sa.Column("words", sa.String(500), nullable=False, comment="why it ended before its time"),
        sa.Column("total", sa.Integer(), nullable=False, comment="as counted when it was confirmed"),
        sa.Column("is_exact", sa.Boolean(), nullable=False, comment="or at least so many"),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("undone", sa.Integer(), nullable=False, comment="of those that were done"),
        sa.Column("upto", BIG_ID, nullable=False, comment="a mail id: this one and the newer ones have had their turn"),
        sa.Column("claim", key(32), nullable=True, comment="random, of who works on it"),
        sa.Column("claimed_until", sa.DateTime(), nullable=False, comment="UTC"),
        sa.Column("tries", sa.SmallInteger(), nullable=False, comment="claims since the last mail that had its turn"),
        sa.Column("asked_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.Column("started_at", sa.DateTime(), nullable=True, comment="UTC"),
        sa.Column("ended_at", sa.DateTime(), nullable=True, comment="UTC"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "token", name="ux_bulk_run_token"),
    )
    op.create_index("ix_bulk_run_due", "bulk_run", ["state", "claimed_until"])
    op.create_index("ix_bulk_run_ended", "bulk_run", ["ended_at"])
    op.create_table(
        "bulk_result",
        sa.Column("run_id", BIG_ID, nullable=False, autoincrement=False),
        sa.Column("mail_id", BIG_ID, nullable=False, autoincrement=False),
        sa.Column("kind", key(10), nullable=False),
        sa.Column("words", sa.String(500), nullable=False),
        sa.Column("undo", LONG_TEXT, nullable=False, comment="JSON list: what the act needs to undo it"),
        sa.Column("until", sa.DateTime(), nullable=True, comment="UTC: so long it can be"),
        sa.PrimaryKeyConstraint("run_id", "mail_id"),
    )
    op.create_index("ix_bulk_result_kind", "bulk_result", ["run_id", "kind", "until"])


def downgrade() -> None:
    op.drop_table("bulk_result")
    op.drop_table("bulk_run")
