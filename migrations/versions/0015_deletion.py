"""Mails and copies that go."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0015"
down_revision = "0014"


def key(length: int) -> sa.types.TypeEngine:
    """Text compared byte for byte."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def digest(length: int) -> sa.types.TypeEngine:
    return sa.LargeBinary(length).with_variant(mysql.VARBINARY(length), "mysql", "mariadb")


BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "mail_deletion",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("mail_id", BIG_ID, nullable=False),
        sa.Column("identity", digest(16), nullable=False, comment="of the mail: its id may be given to another when a clock was set back"),
        sa.Column("extent", key(4), nullable=False),
        sa.Column("state", key(10), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False, comment="UTC: until then it may be undone"),
        sa.Column("asked_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.Column("asked_by", key(100), nullable=False),
        sa.Column("on_behalf_of", key(100), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True, comment="of who asked; the account may be gone"),
        sa.Column("done_at", sa.DateTime(), nullable=True, comment="UTC"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_mail_deletion_mail", "mail_deletion", ["mail_id"])
    op.create_index("ix_mail_deletion_due", "mail_deletion", ["state", "due_at"])
    op.create_table(
        "copy_removal",
        sa.Column("node", key(64), nullable=False),
        sa.Column("digest", digest(32), nullable=False),
        sa.Column("is_aside", sa.Boolean(), nullable=False, comment="nobody refers to it, it seems: who comes now writes it anew"),
        sa.Column("due_at", sa.DateTime(), nullable=False, comment="UTC: of the next look"),
        sa.PrimaryKeyConstraint("node", "digest"),
    )
    op.create_index("ix_copy_removal_due", "copy_removal", ["node", "due_at"])


def downgrade() -> None:
    op.drop_table("copy_removal")
    op.drop_table("mail_deletion")
