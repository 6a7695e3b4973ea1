"""Maps: Rspamd's lists, their entries as they are and as they were, and what each node has fetched of them."""

from datetime import datetime
from enum import StrEnum, unique

from sqlalchemy import Boolean, DateTime, Double, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import BigId, Key, LongText, Model, SortedKey
from app.rspamd.map_kinds import COMMENT_LENGTH, DATA_LENGTH, SYMBOL_LENGTH, VALUE_LENGTH, MapKind, MapPart

ALIVE = 0
"""`until` of an entry that is there now."""
_Part = LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")


@unique
class Colour(StrEnum):
    ALLOW = "allow"
    DENY = "deny"
    NEUTRAL = "neutral"


@unique
class Editors(StrEnum):
    """Who may change the entries of a map; admins may in any case."""

    ADMINS = "admins"
    DOMAIN_ADMINS = "domain_admins"
    EVERYBODY = "everybody"  # pairs only: each for their own addresses


@unique
class RevisionVerb(StrEnum):
    MADE = "made"
    COPIED = "copied"
    SETTINGS = "settings"
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    ENABLED = "enabled"
    DISABLED = "disabled"
    EXPIRY_SET = "expiry"
    IMPORTED = "imported"
    ROLLED_BACK = "rolled_back"


class Map(Model):
    __tablename__ = "map"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Key(64), unique=True, comment="of the file, without .txt")
    title: Mapped[str] = mapped_column(String(200), comment="empty: as we call a ready-made one")
    description: Mapped[str] = mapped_column(LongText)
    colour: Mapped[str] = mapped_column(Key(10), default=Colour.NEUTRAL)
    kind: Mapped[str] = mapped_column(Key(20), comment="what its values are, see app/rspamd/map_kinds.py")
    part: Mapped[str] = mapped_column(Key(20), default=MapPart.NONE, comment="what of a mail they are compared with")
    header: Mapped[str] = mapped_column(Key(64), default="", comment="its name, where the part is a header")
    symbol: Mapped[str] = mapped_column(Key(64), default="", comment="that Rspamd gives; empty: Rspamd only fetches it")
    score: Mapped[float] = mapped_column(Double, default=0.0)
    needs_proof: Mapped[bool] = mapped_column(Boolean, default=False, comment="counts only where SPF or DKIM proves the sender's domain")
    editors: Mapped[str] = mapped_column(Key(20), default=Editors.ADMINS)
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    ready_made: Mapped[bool] = mapped_column(Boolean, default=False)
    revision: Mapped[int] = mapped_column(Integer, default=0, comment="number of the last change")
    version: Mapped[int] = mapped_column(Integer, default=1, comment="of all but the entries: who saves an older one is told")
    created_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")
    changed_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")

    @property
    def is_personal(self) -> bool:
        """Pairs: of a sender and a recipient."""
        return self.kind == MapKind.PAIR

    def __repr__(self) -> str:
        return self.name


class MapEntry(Model):
    """An entry from revision `since` of its map on, up to before revision `until`. A change ends the row and makes another, so a map
    as it was at revision N is `since <= N and (until = 0 or until > N)`, whenever it is read."""

    __tablename__ = "map_entry"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    map_id: Mapped[int] = mapped_column(Integer)
    value: Mapped[str] = mapped_column(SortedKey(VALUE_LENGTH), comment="in its normal form")
    since: Mapped[int] = mapped_column(Integer)
    until: Mapped[int] = mapped_column(Integer, default=ALIVE, comment="0: it is there now")
    data: Mapped[str] = mapped_column(String(DATA_LENGTH), default="", comment="what a key stands for")
    symbol: Mapped[str] = mapped_column(Key(SYMBOL_LENGTH), default="", comment="instead of the map's")
    score: Mapped[float | None] = mapped_column(Double, comment="instead of the map's")
    sender: Mapped[str] = mapped_column(Key(255), default="", comment="of a pair")
    rcpt: Mapped[str] = mapped_column(Key(255), default="", comment="of a pair: an address, or a domain")
    rcpt_domain: Mapped[str] = mapped_column(Key(255), default="")
    comment: Mapped[str] = mapped_column(String(COMMENT_LENGTH), default="")
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    expires_at: Mapped[datetime | None] = mapped_column(DateTime, comment="UTC")
    owner_id: Mapped[int | None] = mapped_column(Integer, comment="the account that made it for itself; none: the site's")
    made_by: Mapped[str] = mapped_column(Key(100))
    made_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")
    changed_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")

    __table_args__ = (
        UniqueConstraint("map_id", "value", "until", name="ux_map_entry_value"),
        Index("ix_map_entry_since", "map_id", "since"),
        Index("ix_map_entry_until", "map_id", "until", "enabled", "expires_at"),  # counts need no more than this
        Index("ix_map_entry_rcpt", "rcpt", "map_id", "until"),
        Index("ix_map_entry_rcpt_domain", "rcpt_domain", "map_id", "until"),
    )

    def __repr__(self) -> str:
        return self.value


class MapRevision(Model):
    """What was done to a map, by whom."""

    __tablename__ = "map_revision"
    __table_args__ = (UniqueConstraint("map_id", "number", name="ux_map_revision"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    map_id: Mapped[int] = mapped_column(Integer)
    number: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")
    actor: Mapped[str] = mapped_column(Key(100))
    on_behalf_of: Mapped[str] = mapped_column(Key(100))
    verb: Mapped[str] = mapped_column(Key(20))
    added: Mapped[int] = mapped_column(Integer, default=0)
    removed: Mapped[int] = mapped_column(Integer, default=0)
    note: Mapped[str] = mapped_column(LongText, comment="JSON: of settings what was and is, of a way back where to")


class MapFetch(Model):
    """What a node has of a map."""

    __tablename__ = "map_fetch"

    node: Mapped[str] = mapped_column(Key(64), primary_key=True, comment="name of the node, or the address of who is none")
    map_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(Integer)
    etag: Mapped[str] = mapped_column(Key(64))
    fetched_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC: when it asked last, also when nothing was new")
    agent: Mapped[str] = mapped_column(Key(100))
    ip: Mapped[str] = mapped_column(Key(45))


class MapUpload(Model):
    """Lines that wait for their confirmation."""

    __tablename__ = "map_upload"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token: Mapped[str] = mapped_column(Key(43), unique=True)
    map_id: Mapped[int] = mapped_column(Integer)
    user_id: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(200), comment="of the file, or empty")
    form: Mapped[str] = mapped_column(Key(10), comment="text, csv or json")
    size: Mapped[int] = mapped_column(Integer)
    made_at: Mapped[datetime] = mapped_column(DateTime, comment="UTC")


class MapUploadPart(Model):
    __tablename__ = "map_upload_part"

    upload_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(_Part)
