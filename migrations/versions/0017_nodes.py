"""How nodes reach each other, and what each says of itself."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0017"
down_revision = "0016"


def key(length: int) -> sa.types.TypeEngine:
    """Text compared byte for byte."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def columns() -> list[sa.Column]:
    return [
        sa.Column("api_url", sa.String(300), nullable=False, server_default="", comment="empty: the others cannot ask it"),
        sa.Column("api_ca", LONG_TEXT, nullable=True, comment="PEM, or a file that holds it; empty: the system's authorities"),
        sa.Column("api_pin", sa.String(64), nullable=False, server_default="", comment="SHA-256 of its certificate or of its key"),
        sa.Column("api_secret", sa.String(300), nullable=False, server_default="", comment="sealed; it signs what it asks of others"),
        sa.Column("api_allow", LONG_TEXT, nullable=True, comment="addresses and networks it may ask others from"),
        sa.Column("api_user", key(255), nullable=False, server_default="", comment="Basic auth for programs; empty: none"),
        sa.Column("api_password_hash", sa.String(255), nullable=False, server_default=""),
        sa.Column("version", sa.String(40), nullable=False, server_default=""),
        sa.Column("seen_at", sa.DateTime(), nullable=True, comment="UTC, by its own clock"),
        sa.Column("disk_used", sa.BigInteger(), nullable=True, comment="bytes, where its copies are"),
        sa.Column("disk_free", sa.BigInteger(), nullable=True),
        sa.Column("spool_files", sa.Integer(), nullable=True, comment="that wait for the database"),
        sa.Column("spool_seconds", sa.Integer(), nullable=True, comment="age of the oldest of them"),
        sa.Column("last_mail_at", sa.DateTime(), nullable=True, comment="UTC; of what its Rspamd has scanned"),
    ]


def upgrade() -> None:
    with op.batch_alter_table("node") as table:
        for column in columns():
            table.add_column(column)
    op.create_table(
        "node_nonce",
        sa.Column("nonce", key(32), nullable=False),
        sa.Column("node", key(64), nullable=False, comment="which took it, and forgets it by its own clock"),
        sa.Column("expires_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.PrimaryKeyConstraint("nonce"),
    )


def downgrade() -> None:
    op.drop_table("node_nonce")
    with op.batch_alter_table("node") as table:
        for column in reversed(columns()):
            table.drop_column(column.name)
