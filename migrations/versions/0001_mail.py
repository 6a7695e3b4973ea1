"""Accounts (Flask-AppBuilder's tables), mails and nodes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def key(length: int) -> sa.types.TypeEngine:
    """Text compared byte for byte."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def octets(length: int) -> sa.types.TypeEngine:
    return sa.LargeBinary(length).with_variant(mysql.VARBINARY(length), "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "ab_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("label", sa.String(length=150), nullable=True),
        sa.Column("description", sa.String(length=512), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "ab_permission",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "ab_register_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first_name", sa.String(length=64), nullable=False),
        sa.Column("last_name", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=False),
        sa.Column("password", sa.String(length=256), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("registration_date", sa.DateTime(), nullable=True),
        sa.Column("registration_hash", sa.String(length=256), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
        sa.UniqueConstraint("username"),
    )
    op.create_table(
        "ab_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "ab_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first_name", sa.String(length=64), nullable=False),
        sa.Column("last_name", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=False),
        sa.Column("password", sa.String(length=256), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("last_login", sa.DateTime(), nullable=True),
        sa.Column("login_count", sa.Integer(), nullable=True),
        sa.Column("fail_login_count", sa.Integer(), nullable=True),
        sa.Column("created_on", sa.DateTime(), nullable=True),
        sa.Column("changed_on", sa.DateTime(), nullable=True),
        sa.Column("created_by_fk", sa.Integer(), nullable=True),
        sa.Column("changed_by_fk", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["changed_by_fk"],
            ["ab_user.id"],
        ),
        sa.ForeignKeyConstraint(
            ["created_by_fk"],
            ["ab_user.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
        sa.UniqueConstraint("username"),
    )
    op.create_table(
        "ab_view_menu",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "mail",
        sa.Column("id", BIG_ID, autoincrement=False, nullable=False, comment="see app/ids.py: holds the time"),
        sa.Column("identity", octets(16), nullable=False, comment="hash of node, queue id, digest and time window: the same post twice"),
        sa.Column("node", key(64), nullable=False, comment="the node whose Rspamd scanned it"),
        sa.Column("queue_id", key(128), nullable=False),
        sa.Column("message_id", key(255), nullable=False, comment="without angle brackets"),
        sa.Column("action", key(32), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("direction", key(3), nullable=False, comment="out when the sender was authenticated"),
        sa.Column("auth_user", key(255), nullable=False, comment="who was authenticated, or empty"),
        sa.Column("ip", octets(16), nullable=True),
        sa.Column("mail_from", key(320), nullable=False, comment="envelope sender, lower case; empty for bounces"),
        sa.Column("mail_from_domain", key(255), nullable=False),
        sa.Column("mime_from", key(320), nullable=False, comment="address in the From header, lower case"),
        sa.Column("mime_from_domain", key(255), nullable=False),
        sa.Column("subject", sa.String(length=512), nullable=False, comment="decoded"),
        sa.Column("first_rcpt", key(320), nullable=False, comment="copy of the first recipient, so that lists need no join"),
        sa.Column("rcpt_count", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False, comment="bytes of the message"),
        sa.Column("has_virus", sa.Boolean(), nullable=False),
        sa.Column("copy_state", key(10), nullable=False),
        sa.Column("copy_digest", octets(32), nullable=True, comment="SHA-256 of the raw mail, also when none was kept"),
        sa.Column("copy_node", key(64), nullable=True, comment="the node whose store holds the copy"),
        sa.Column("notice_state", key(10), nullable=False),
        sa.Column("release_state", key(10), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_mail_action", "mail", ["action", "id"], unique=False)
    op.create_index("ix_mail_copy_digest", "mail", ["copy_digest"], unique=False)
    op.create_index("ix_mail_ip", "mail", ["ip", "id"], unique=False)
    op.create_index("ix_mail_mail_from", "mail", ["mail_from", "id"], unique=False)
    op.create_index("ix_mail_mail_from_domain", "mail", ["mail_from_domain", "id"], unique=False)
    op.create_index("ix_mail_message_id", "mail", ["message_id", "id"], unique=False)
    op.create_index("ix_mail_mime_from", "mail", ["mime_from", "id"], unique=False)
    op.create_index("ix_mail_mime_from_domain", "mail", ["mime_from_domain", "id"], unique=False)
    op.create_index("ix_mail_queue_id", "mail", ["queue_id", "id"], unique=False)
    op.create_index("ux_mail_identity", "mail", ["identity"], unique=True)

    op.create_table(
        "mail_detail",
        sa.Column("mail_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("header_from", LONG_TEXT, nullable=False, comment="decoded, with display names"),
        sa.Column("header_to", LONG_TEXT, nullable=False),
        sa.Column("header_date", sa.String(length=255), nullable=False, comment="as the message says"),
        sa.Column("headers", LONG_TEXT, nullable=False, comment="the header block; undecodable bytes as U+FFFD"),
        sa.Column("symbols", LONG_TEXT, nullable=False, comment="JSON list of {name, score, weight, group, groups, options}"),
        sa.Column("fuzzy", LONG_TEXT, nullable=False, comment="JSON list of hashes"),
        sa.Column("virus", sa.String(length=255), nullable=False, comment="name of the virus, or empty"),
        sa.Column("extra", LONG_TEXT, nullable=False, comment="JSON object: what else the report held"),
        sa.Column("scan_ms", sa.Double(), nullable=True),
        sa.Column("rspamd_host", sa.String(length=255), nullable=False),
        sa.Column("copy_bytes", sa.Integer(), nullable=True, comment="size of the copy as stored, compressed"),
        sa.PrimaryKeyConstraint("mail_id"),
    )
    op.create_table(
        "mail_recipient",
        sa.Column("mail_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("position", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("address", key(320), nullable=False, comment="lower case"),
        sa.Column("domain", key(255), nullable=False),
        sa.Column("given", key(320), nullable=True, comment="as the MTA gave it, where that differs"),
        sa.PrimaryKeyConstraint("mail_id", "position"),
    )
    op.create_index("ix_mail_recipient_address", "mail_recipient", ["address", "mail_id"], unique=False)
    op.create_index("ix_mail_recipient_domain", "mail_recipient", ["domain", "mail_id"], unique=False)

    op.create_table(
        "node",
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False, comment="1 to 255, part of every mail id"),
        sa.Column("name", key(64), nullable=False),
        sa.Column("auth_user", key(255), nullable=False, comment="Basic auth user of its Rspamd; empty: it may not post"),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("allow", LONG_TEXT, nullable=False, comment="addresses and networks it may post from, separated by blanks"),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "ab_api_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("key_hash", sa.String(length=256), nullable=False),
        sa.Column("lookup_hash", sa.String(length=256), nullable=True),
        sa.Column("key_prefix", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_on", sa.DateTime(), nullable=True),
        sa.Column("expires_on", sa.DateTime(), nullable=True),
        sa.Column("revoked_on", sa.DateTime(), nullable=True),
        sa.Column("last_used_on", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("lookup_hash"),
        sa.UniqueConstraint("uuid"),
    )
    op.create_index("idx_api_key_lookup_hash", "ab_api_key", ["lookup_hash"], unique=True)
    op.create_index("idx_api_key_prefix", "ab_api_key", ["key_prefix"], unique=False)
    op.create_index("idx_api_key_user_id", "ab_api_key", ["user_id"], unique=False)

    op.create_table(
        "ab_group_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("role_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["ab_group.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("group_id", "role_id"),
    )
    op.create_index("idx_group_id", "ab_group_role", ["group_id"], unique=False)
    op.create_index("idx_group_role_id", "ab_group_role", ["role_id"], unique=False)

    op.create_table(
        "ab_permission_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("permission_id", sa.Integer(), nullable=False),
        sa.Column("view_menu_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["permission_id"],
            ["ab_permission.id"],
        ),
        sa.ForeignKeyConstraint(
            ["view_menu_id"],
            ["ab_view_menu.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("permission_id", "view_menu_id"),
    )
    op.create_index("idx_permission_id", "ab_permission_view", ["permission_id"], unique=False)
    op.create_index("idx_view_menu_id", "ab_permission_view", ["view_menu_id"], unique=False)

    op.create_table(
        "ab_user_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["ab_group.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "group_id"),
    )
    op.create_index("idx_user_group_id", "ab_user_group", ["group_id"], unique=False)
    op.create_index("idx_user_id", "ab_user_group", ["user_id"], unique=False)

    op.create_table(
        "ab_user_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("role_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("user_id", "role_id"),
    )
    op.create_table(
        "ab_permission_view_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("permission_view_id", sa.Integer(), nullable=True),
        sa.Column("role_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["permission_view_id"], ["ab_permission_view.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("permission_view_id", "role_id"),
    )
    op.create_index("idx_permission_view_id", "ab_permission_view_role", ["permission_view_id"], unique=False)
    op.create_index("idx_role_id", "ab_permission_view_role", ["role_id"], unique=False)


def downgrade() -> None:
    for table in (
        "ab_permission_view_role",
        "ab_user_role",
        "ab_user_group",
        "ab_permission_view",
        "ab_group_role",
        "ab_api_key",
        "node",
        "mail_recipient",
        "mail_detail",
        "mail",
        "ab_view_menu",
        "ab_user",
        "ab_role",
        "ab_register_user",
        "ab_permission",
        "ab_group",
    ):
        op.drop_table(table)
