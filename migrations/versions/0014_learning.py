"""The controllers of nodes; what Rspamd was taught, and what it says of a mail today."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0014"
down_revision = "0012"


def key(length: int) -> sa.types.TypeEngine:
    """Text compared byte for byte."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    op.add_column(
        "node", sa.Column("controller_url", key(255), nullable=False, server_default="", comment="of its Rspamd; empty: none is known")
    )
    op.add_column("node", sa.Column("controller_password", sa.String(1000), nullable=False, server_default="", comment="sealed, or empty"))
    op.add_column(
        "node",
        sa.Column("scan_url", key(255), nullable=False, server_default="", comment="of a worker that scans, where no controller is known"),
    )
    op.create_table(
        "mail_lesson",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("mail_id", BIG_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="of those of this mail, from 1 on"),
        sa.Column("lesson", key(12), nullable=False),
        sa.Column("node", key(64), nullable=False, comment="whose Rspamd was taught"),
        sa.Column("state", key(8), nullable=False),
        sa.Column("reply", sa.String(500), nullable=False, comment="Rspamd's words, or why it was not asked"),
        sa.Column("asked_by", key(100), nullable=False),
        sa.Column("on_behalf_of", key(100), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("mail_id", "number", name="ux_mail_lesson"),
    )
    op.create_table(
        "mail_rescan",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("mail_id", BIG_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="of those of this mail, from 1 on"),
        sa.Column("node", key(64), nullable=False, comment="whose Rspamd was asked"),
        sa.Column("version", sa.String(40), nullable=False, comment="of that Rspamd; empty: not told"),
        sa.Column("action", key(32), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("symbols", LONG_TEXT, nullable=False, comment="JSON, as those of the mail"),
        sa.Column("asked_by", key(100), nullable=False),
        sa.Column("on_behalf_of", key(100), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("mail_id", "number", name="ux_mail_rescan"),
    )


def downgrade() -> None:
    op.drop_table("mail_rescan")
    op.drop_table("mail_lesson")
    for name in ("scan_url", "controller_password", "controller_url"):
        op.drop_column("node", name)
