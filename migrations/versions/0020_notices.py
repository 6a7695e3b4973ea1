"""Letters that tell people of mail kept for them: what waits, the letters, their links, who wants them when, and their words."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0020"
down_revision = "0019"

BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
SECRET = sa.LargeBinary(16).with_variant(mysql.VARBINARY(16), "mysql", "mariadb")


def key(length: int) -> sa.types.TypeEngine:
    """Text compared byte for byte."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def upgrade() -> None:
    due = sa.text("notice_state = 'due'")
    op.create_index("ix_mail_notice_state", "mail", ["notice_state", "id"], postgresql_where=due, sqlite_where=due)
    op.create_table(
        "notice_line",
        sa.Column("mail_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("owner", key(340), nullable=False, comment="user:ID, address:ADDRESS or watch:ADDRESS"),
        sa.Column(
            "address",
            key(320),
            nullable=False,
            comment="which of their addresses it came to; of a watcher: the first in the domains",
        ),
        sa.Column("notice_id", BIG_ID, nullable=True, comment="the letter that tells of it; none: it waits for one"),
        sa.PrimaryKeyConstraint("mail_id", "owner"),
    )
    op.create_index("ix_notice_line_owner", "notice_line", ["owner", "notice_id", "mail_id"])
    op.create_index("ix_notice_line_notice", "notice_line", ["notice_id", "mail_id"])
    op.create_table(
        "notice_due",
        sa.Column("owner", key(340), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.PrimaryKeyConstraint("owner"),
    )
    op.create_index("ix_notice_due_at", "notice_due", ["due_at"])
    op.create_table(
        "notice",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("kind", key(10), nullable=False),
        sa.Column("owner", key(340), nullable=False),
        sa.Column("address", key(320), nullable=False, comment="where it goes"),
        sa.Column("mails", sa.Integer(), nullable=False, comment="how many it tells of, or would"),
        sa.Column("secret", SECRET, nullable=False, comment="its links are signed with it, too"),
        sa.Column("made_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.Column("state", key(10), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(), nullable=True, comment="UTC; none: never again"),
        sa.Column("claimed_at", sa.DateTime(), nullable=True, comment="UTC"),
        sa.Column("ended_at", sa.DateTime(), nullable=True, comment="UTC"),
        sa.Column("answer", sa.String(300), nullable=False, comment="what the relay said, or why not"),
        sa.Column("revoked_at", sa.DateTime(), nullable=True, comment="UTC; its links do nothing any more"),
        sa.Column("revoked_by", key(100), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_notice_state", "notice", ["state", "next_try_at"])
    op.create_index("ix_notice_owner", "notice", ["owner", "id"])
    op.create_index("ix_notice_address", "notice", ["address", "id"])
    op.create_table(
        "notice_use",
        sa.Column("notice_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("mail_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("act", key(10), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.Column("ip", key(45), nullable=False),
        sa.PrimaryKeyConstraint("notice_id", "mail_id", "act"),
    )
    op.create_table(
        "notice_refusal",
        sa.Column("address", key(320), nullable=False, comment="lower case, without what follows the plus"),
        sa.Column("refused_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.Column("refused_by", key(100), nullable=False, comment="an admin, or link: they themselves"),
        sa.PrimaryKeyConstraint("address"),
    )
    op.create_table(
        "notice_domain",
        sa.Column("domain", key(255), nullable=False, comment="lower case"),
        sa.Column("times", key(100), nullable=False, comment="as services/notice_times reads it; empty: as the role says"),
        sa.Column("everybody", sa.Boolean(), nullable=False, comment="addresses without an account are told, too"),
        sa.Column("language", key(10), nullable=False, comment="for who chose none; empty: the site's"),
        sa.Column("watchers", LONG_TEXT, nullable=False, comment="addresses, one to a line"),
        sa.Column("watch_times", key(100), nullable=False, comment="empty: daily at 07:00"),
        sa.PrimaryKeyConstraint("domain"),
    )
    op.create_table(
        "notice_text",
        sa.Column("kind", key(10), nullable=False),
        sa.Column("language", key(10), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("text", LONG_TEXT, nullable=False),
        sa.Column("html", LONG_TEXT, nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.Column("changed_by", key(100), nullable=False),
        sa.PrimaryKeyConstraint("kind", "language"),
    )
    op.create_table(
        "notice_choice",
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("times", key(100), nullable=False, comment="as services/notice_times reads it"),
        sa.Column("chosen_by", key(100), nullable=False, comment="themselves, an admin, or link: their unsubscribing"),
        sa.Column("chosen_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id"),
    )


def downgrade() -> None:
    for table in (
        "notice_choice",
        "notice_text",
        "notice_domain",
        "notice_refusal",
        "notice_use",
        "notice",
        "notice_due",
        "notice_line",
    ):
        op.drop_table(table)
    op.drop_index("ix_mail_notice_state", "mail")
