"""Keys of programs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0008"
down_revision = "0007"


def key(length: int) -> sa.types.TypeEngine:
    """Text compared byte for byte."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def octets(length: int) -> sa.types.TypeEngine:
    return sa.LargeBinary(length).with_variant(mysql.VARBINARY(length), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False, comment="what it is for"),
        sa.Column("digest", octets(32), nullable=False, comment="SHA-256 of the key: the table lets nobody in"),
        sa.Column("prefix", key(16), nullable=False, comment="how the key begins, to tell it from others"),
        sa.Column("role", key(64), nullable=False, comment="name of the role it acts in, never beyond its owner's"),
        sa.Column("made_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.Column("expires_at", sa.DateTime(), nullable=True, comment="UTC; empty: never"),
        sa.Column("last_used_at", sa.DateTime(), nullable=True, comment="UTC; to the minute"),
        sa.Column("last_ip", octets(16), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest", name="ux_api_key_digest"),
    )
    op.create_index("ix_api_key_user", "api_key", ["user_id"])


def downgrade() -> None:
    op.drop_table("api_key")
