"""Jobs: when each is due, who has it, and how its runs went."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0018"
down_revision = "0017"


def key(length: int) -> sa.types.TypeEngine:
    """Text compared byte for byte."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "job_state",
        sa.Column("name", key(100), nullable=False, comment="a job, or job@node for those of each node"),
        sa.Column("schedule", key(100), nullable=False, comment="as an admin wants it; empty: as the job comes"),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False, comment="UTC; the due time that the next run is for"),
        sa.Column("not_before", sa.DateTime(), nullable=True, comment="UTC; after a failure it waits so long"),
        sa.Column("asked_by", key(100), nullable=False, comment="who wants it run now; empty: nobody"),
        sa.Column("holder", key(100), nullable=False, comment="node and process"),
        sa.Column("token", sa.BigInteger(), nullable=False, comment="grows with each run"),
        sa.Column("leased_until", sa.DateTime(), nullable=True, comment="UTC; empty: nobody runs it"),
        sa.Column("done", sa.Integer(), nullable=False, comment="of `total`, of the run under way"),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("last_began", sa.DateTime(), nullable=True, comment="UTC"),
        sa.Column("last_ended", sa.DateTime(), nullable=True, comment="UTC"),
        sa.Column("last_ok", sa.DateTime(), nullable=True, comment="UTC"),
        sa.Column("last_words", sa.String(500), nullable=False, comment="what the last run did"),
        sa.Column("last_error", sa.String(500), nullable=False, comment="why the last run failed; empty: it did not"),
        sa.Column("failures", sa.Integer(), nullable=False, comment="in a row"),
        sa.Column("told", sa.Boolean(), nullable=False, comment="the admins know that it fails"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "job_run",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name", key(100), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("holder", key(100), nullable=False),
        sa.Column("asked_by", key(100), nullable=False, comment="empty: its time had come"),
        sa.Column("dry", sa.Boolean(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=True, comment="UTC; which due time it was for, if for one"),
        sa.Column("began_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.Column("ended_at", sa.DateTime(), nullable=True, comment="UTC"),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("words", sa.String(500), nullable=False, comment="what it did, or why it failed"),
        sa.Column("log", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", "token", name="ux_job_run_token"),
    )
    op.create_index("ix_job_run_name", "job_run", ["name", "id"])


def downgrade() -> None:
    op.drop_table("job_run")
    op.drop_table("job_state")
