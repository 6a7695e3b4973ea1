"""The declarative base (FAB's, so that one metadata holds all tables) and the column types the models share."""

import ipaddress
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import BigInteger, Dialect, Integer, LargeBinary, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator, TypeEngine

__all__ = ["BigId", "Digest", "IpAddress", "Key", "LongText", "Model", "SortedKey"]

# A mail id. SQLite keeps only an INTEGER primary key in the row order itself.
BigId = BigInteger().with_variant(Integer, "sqlite")

# Text that nothing bounds but our limits.
LongText = Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def Key(length: int) -> TypeEngine[str]:  # noqa: N802 - a type, used like one
    """Text that is compared byte for byte on every database (MariaDB would fold case and accents)."""
    return String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


def SortedKey(length: int) -> TypeEngine[str]:  # noqa: N802 - a type, used like one
    """A Key whose order is that of its bytes, too (PostgreSQL would sort by language)."""
    return Key(length).with_variant(String(length, collation="C"), "postgresql")


class _Bytes(TypeDecorator[str]):
    """Text in Python, few bytes in the database."""

    cache_ok = True

    def __init__(self, length: int) -> None:
        self.length = length
        super().__init__()

    impl = LargeBinary

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.VARBINARY(self.length))
        return dialect.type_descriptor(LargeBinary(self.length))


class Digest(_Bytes):
    """A hash, hexadecimal in Python."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        return None if value is None else bytes.fromhex(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else bytes(value).hex()


class IpAddress(_Bytes):
    """An IP address as 16 bytes (IPv4 mapped into IPv6), so that a network is a range of an index."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(16)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        return None if value is None else pack_ip(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else unpack_ip(bytes(value))


_V4_PREFIX = bytes(10) + b"\xff\xff"


def pack_ip(text: str) -> bytes:
    """Raises ValueError for what is no address."""
    packed = ipaddress.ip_address(text).packed
    return packed if len(packed) == 16 else _V4_PREFIX + packed


def unpack_ip(packed: bytes) -> str:
    address = ipaddress.IPv6Address(packed)
    return str(address.ipv4_mapped or address)
