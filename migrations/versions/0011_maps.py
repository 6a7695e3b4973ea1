"""Maps with their entries, as they are and as they were; and the ten that are there from the start."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0011"
down_revision = "0010"

# Name, colour, kind, part. The symbols are those of Rqwatch; titles are given in the visitor's language.
_READY_MADE = (
    ("mail_from_whitelist", "allow", "address_or_domain", "mail_from"),
    ("mail_from_blacklist", "deny", "address_or_domain", "mail_from"),
    ("mime_from_whitelist", "allow", "address_or_domain", "mime_from"),
    ("mime_from_blacklist", "deny", "address_or_domain", "mime_from"),
    ("ip_whitelist", "allow", "ip", "ip"),
    ("ip_blacklist", "deny", "ip", "ip"),
    ("mail_from_rcpt_to_whitelist", "allow", "pair", "mail_from"),
    ("mail_from_rcpt_to_blacklist", "deny", "pair", "mail_from"),
    ("mime_from_rcpt_to_whitelist", "allow", "pair", "mime_from"),
    ("mime_from_rcpt_to_blacklist", "deny", "pair", "mime_from"),
)


def key(length: int) -> sa.types.TypeEngine:
    """Text compared byte for byte."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def sorted_key(length: int) -> sa.types.TypeEngine:
    """... and sorted so."""
    return key(length).with_variant(sa.String(length, collation="C"), "postgresql")


LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
PART = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")


def upgrade() -> None:
    maps = op.create_table(
        "map",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", key(64), nullable=False, comment="of the file, without .txt"),
        sa.Column("title", sa.String(200), nullable=False, comment="empty: as we call a ready-made one"),
        sa.Column("description", LONG_TEXT, nullable=False),
        sa.Column("colour", key(10), nullable=False),
        sa.Column("kind", key(20), nullable=False, comment="what its values are, see app/rspamd/map_kinds.py"),
        sa.Column("part", key(20), nullable=False, comment="what of a mail they are compared with"),
        sa.Column("header", key(64), nullable=False, comment="its name, where the part is a header"),
        sa.Column("symbol", key(64), nullable=False, comment="that Rspamd gives; empty: Rspamd only fetches it"),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("needs_proof", sa.Boolean(), nullable=False, comment="counts only where SPF or DKIM proves the sender's domain"),
        sa.Column("editors", key(20), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("ready_made", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False, comment="number of the last change"),
        sa.Column("version", sa.Integer(), nullable=False, comment="of all but the entries: who saves an older one is told"),
        sa.Column("created_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.Column("changed_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    _make_entries()
    _make_the_rest()
    op.add_column(
        "mail_recipient",
        sa.Column("personal", key(5), nullable=True, comment="allow or deny: what a personal list says for this one; none: nothing"),
    )
    some = sa.text("personal IS NOT NULL")
    columns = ["personal", "mail_id"]
    op.create_index("ix_mail_recipient_personal", "mail_recipient", columns, postgresql_where=some, sqlite_where=some)
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    names = ("name", "colour", "kind", "part")
    op.bulk_insert(
        maps,
        [
            dict(zip(names, row, strict=True))
            | {
                "title": "",
                "description": "",
                "header": "",
                "symbol": "RQWATCH_" + row[0].upper().replace("MAIL_FROM", "SMTP_FROM"),
                "score": -50.0 if row[1] == "allow" else 50.0,
                "needs_proof": row[1] == "allow" and row[2] != "ip",
                "editors": "everybody" if row[2] == "pair" else "admins",
                "enabled": True,
                "ready_made": True,
                "revision": 0,
                "version": 1,
                "created_at": now,
                "changed_at": now,
            }
            for row in _READY_MADE
        ],
    )


def _make_entries() -> None:
    op.create_table(
        "map_entry",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("map_id", sa.Integer(), nullable=False),
        sa.Column("value", sorted_key(600), nullable=False, comment="in its normal form"),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.Column("until", sa.Integer(), nullable=False, comment="0: it is there now"),
        sa.Column("data", sa.String(1000), nullable=False, comment="what a key stands for"),
        sa.Column("symbol", key(64), nullable=False, comment="instead of the map's"),
        sa.Column("score", sa.Double(), nullable=True, comment="instead of the map's"),
        sa.Column("sender", key(255), nullable=False, comment="of a pair"),
        sa.Column("rcpt", key(255), nullable=False, comment="of a pair: an address, or a domain"),
        sa.Column("rcpt_domain", key(255), nullable=False),
        sa.Column("comment", sa.String(500), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=True, comment="UTC"),
        sa.Column("owner_id", sa.Integer(), nullable=True, comment="the account that made it for itself; none: the site's"),
        sa.Column("made_by", key(100), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.Column("changed_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("map_id", "value", "until", name="ux_map_entry_value"),
    )
    op.create_index("ix_map_entry_since", "map_entry", ["map_id", "since"])
    op.create_index("ix_map_entry_until", "map_entry", ["map_id", "until", "enabled", "expires_at"])
    op.create_index("ix_map_entry_rcpt", "map_entry", ["rcpt", "map_id", "until"])
    op.create_index("ix_map_entry_rcpt_domain", "map_entry", ["rcpt_domain", "map_id", "until"])


def _make_the_rest() -> None:
    op.create_table(
        "map_revision",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("map_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.Column("actor", key(100), nullable=False),
        sa.Column("on_behalf_of", key(100), nullable=False),
        sa.Column("verb", key(20), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("note", LONG_TEXT, nullable=False, comment="JSON: of settings what was and is, of a way back where to"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("map_id", "number", name="ux_map_revision"),
    )
    op.create_table(
        "map_fetch",
        sa.Column("node", key(64), nullable=False, comment="name of the node, or the address of who is none"),
        sa.Column("map_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("etag", key(64), nullable=False),
        sa.Column("fetched_at", sa.DateTime(), nullable=False, comment="UTC: when it asked last, also when nothing was new"),
        sa.Column("agent", key(100), nullable=False),
        sa.Column("ip", key(45), nullable=False),
        sa.PrimaryKeyConstraint("node", "map_id"),
    )
    op.create_table(
        "map_upload",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("token", key(43), nullable=False),
        sa.Column("map_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False, comment="of the file, or empty"),
        sa.Column("form", key(10), nullable=False, comment="text, csv or json"),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False, comment="UTC"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token"),
    )
    op.create_table(
        "map_upload_part",
        sa.Column("upload_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", PART, nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "number"),
    )


def downgrade() -> None:
    op.drop_index("ix_mail_recipient_personal", "mail_recipient")
    with op.batch_alter_table("mail_recipient") as batch:
        batch.drop_column("personal")
    for table in ("map_upload_part", "map_upload", "map_fetch", "map_revision", "map_entry", "map"):
        op.drop_table(table)
