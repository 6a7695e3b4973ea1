"""What people choose for themselves, and what their accounts still owe."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0007"
down_revision = "0006"


def key(length: int) -> sa.types.TypeEngine:
    """Text compared byte for byte."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "user_setting",
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("language", key(10), nullable=False, comment="empty: the browser's"),
        sa.Column("zone", key(64), nullable=False, comment="empty: the browser's"),
        sa.Column("theme", key(10), nullable=False, comment="light, dark; empty: the browser's"),
        sa.Column("owes_password", sa.Boolean(), nullable=False, comment="chooses a new password before anything else"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id"),
    )


def downgrade() -> None:
    op.drop_table("user_setting")
