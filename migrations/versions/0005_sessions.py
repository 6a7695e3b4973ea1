"""Sessions: who is logged in, in which browser."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0005"
down_revision = "0004"

LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def octets(length: int) -> sa.types.TypeEngine:
    return sa.LargeBinary(length).with_variant(mysql.VARBINARY(length), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "login_session",
        sa.Column("digest", octets(32), nullable=False, comment="SHA-256 of the cookie: the table logs nobody in"),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("data", LONG_TEXT, nullable=False, comment="JSON object"),
        sa.Column("created_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.Column("seen_at", sa.DateTime(), nullable=False, comment="UTC; to the minute"),
        sa.Column("ip", octets(16), nullable=True, comment="at the login"),
        sa.Column("agent", sa.String(255), nullable=False, comment="User-Agent at the login"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("ix_login_session_user_id", "login_session", ["user_id"])
    op.create_index("ix_login_session_seen_at", "login_session", ["seen_at"])


def downgrade() -> None:
    op.drop_table("login_session")
