"""Domain aliases, and whose a recipient with a plus in its address is."""

import sqlalchemy as sa
from alembic import op
from flask import current_app
from sqlalchemy.dialects import mysql

revision = "0010"
down_revision = "0009"

_AT_ONCE = 1000


def key(length: int) -> sa.types.TypeEngine:
    """Text compared byte for byte."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "domain_alias",
        sa.Column("alias", key(255), nullable=False, comment="lower case"),
        sa.Column("domain", key(255), nullable=False, comment="lower case, and no alias itself"),
        sa.Column("created_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.PrimaryKeyConstraint("alias"),
    )
    op.create_index("ix_domain_alias_domain", "domain_alias", ["domain"])
    op.add_column("mail_recipient", sa.Column("base", key(320), nullable=True, comment="without what follows the plus, where there is one"))
    _fill(str(current_app.config["PLUS_ADDRESSING"]))
    op.create_index("ix_mail_recipient_base", "mail_recipient", ["base", "mail_id"])


def _fill(plus: str) -> None:
    """Of the recipients that are there; few have a plus."""
    if not plus:
        return
    table = sa.table("mail_recipient", *(sa.column(name) for name in ("mail_id", "position", "address", "base")))
    tagged = table.c.address.contains(plus, autoescape=True)
    last_id, last_position = -1, -1
    while True:
        # Two conditions, since MariaDB finds no way into an index for a pair: each step would read the table from its start.
        beyond = (table.c.mail_id >= last_id, sa.or_(table.c.mail_id > last_id, table.c.position > last_position))
        query = sa.select(table.c.mail_id, table.c.position, table.c.address).where(tagged, *beyond)
        rows = op.get_bind().execute(query.order_by(table.c.mail_id, table.c.position).limit(_AT_ONCE)).all()
        for mail_id, position, address in rows:
            local, _, domain = address.rpartition("@")
            head, found, _rest = local.partition(plus)
            if found and head and not head.startswith('"'):
                mine = (table.c.mail_id == mail_id, table.c.position == position)
                op.execute(sa.update(table).where(*mine).values(base=f"{head}@{domain}"))
        if len(rows) < _AT_ONCE:
            return
        last_id, last_position = rows[-1].mail_id, rows[-1].position


def downgrade() -> None:
    op.drop_index("ix_mail_recipient_base", "mail_recipient")
    with op.batch_alter_table("mail_recipient") as batch:
        batch.drop_column("base")
    op.drop_table("domain_alias")
