"""A second factor for accounts, and its recovery codes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "second_factor",
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "secret",
            sa.String(200).with_variant(mysql.VARCHAR(200, collation="utf8mb4_bin"), "mysql", "mariadb"),
            nullable=False,
            comment="encrypted under SECRET_KEY: the table alone makes no codes",
        ),
        sa.Column("last_step", sa.BigInteger(), nullable=False, comment="of the last code taken: none counts twice, nor an older one"),
        sa.Column("tries", sa.SmallInteger(), nullable=False, comment="codes typed since the last right one"),
        sa.Column("tried_at", sa.DateTime(), nullable=True, comment="UTC"),
        sa.Column("confirmed_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column(
            "digest",
            sa.LargeBinary().with_variant(mysql.VARBINARY(32), "mysql", "mariadb"),
            nullable=False,
            comment="keyed: without SECRET_KEY no guess can be tried on it",
        ),
        sa.Column("used_at", sa.DateTime(), nullable=True, comment="UTC"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "digest", name="ux_recovery_code"),
    )


def downgrade() -> None:
    op.drop_table("recovery_code")
    op.drop_table("second_factor")
