"""What is asked of those who may release mails."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0013"
down_revision = "0012"


def key(length: int) -> sa.types.TypeEngine:
    """Text compared byte for byte."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "mail_request",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("mail_id", BIG_ID, nullable=False),
        sa.Column("asks", key(10), nullable=False),
        sa.Column("address", key(320), nullable=False, comment="lower case: the recipient of the mail that it is asked for"),
        sa.Column("domain", key(255), nullable=False),
        sa.Column("state", key(10), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False, comment="of who asks; the account may be gone"),
        sa.Column("asked_by", key(100), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.Column("comment", sa.String(500), nullable=False),
        sa.Column("decided_by", key(100), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=True, comment="UTC"),
        sa.Column("words", sa.String(500), nullable=False, comment="of who decided"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("mail_id", "asks", "address", name="ux_mail_request"),
    )
    op.create_index("ix_mail_request_state", "mail_request", ["state", "id"])
    op.create_index("ix_mail_request_domain", "mail_request", ["domain", "id"])
    op.create_index("ix_mail_request_user", "mail_request", ["user_id", "id"])


def downgrade() -> None:
    op.drop_table("mail_request")
