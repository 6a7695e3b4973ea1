"""What searching needs: marks of a mail as columns, indexes, and searches kept under a name. Older mails stay unmarked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0002"
down_revision = "0001"

LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
INDEXES = {
    "ix_mail_subject": "subject",
    "ix_mail_auth_user": "auth_user",
    "ix_mail_score": "score",
    "ix_mail_copy_state": "copy_state",
    "ix_mail_has_virus": "has_virus",
    "ix_mail_release_state": "release_state",
}


def key(length: int) -> sa.types.TypeEngine:
    """Text compared byte for byte."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def upgrade() -> None:
    op.add_column(
        "mail",
        sa.Column(
            "has_risk",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="an attachment that Rspamd's symbols call dangerous",
        ),
    )
    op.add_column("mail", sa.Column("listed", key(5), nullable=False, server_default="", comment="hit an allow or deny list of ours"))
    for name, column in INDEXES.items():
        op.create_index(name, "mail", [column, "id"])
    op.create_table(
        "saved_search",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", key(100), nullable=False),
        sa.Column("query", LONG_TEXT, nullable=False, comment="as it stands in the URL"),
        sa.Column("shared", sa.Boolean(), nullable=False, comment="shown to everybody; an admin's decision"),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "name", name="ux_saved_search_name"),
    )


def downgrade() -> None:
    op.drop_table("saved_search")
    for name in reversed(INDEXES):
        op.drop_index(name, table_name="mail")
    op.drop_column("mail", "listed")
    op.drop_column("mail", "has_risk")
