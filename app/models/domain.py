"""Domains that are other names of a domain: mail to bob@alias is Bob's as mail to bob@domain is."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Key, Model


class DomainAlias(Model):
    __tablename__ = "domain_alias"
    __table_args__ = (Index("ix_domain_alias_domain", "domain"),)

    alias: Mapped[str] = mapped_column(Key(255), primary_key=True, comment="lower case")
    domain: Mapped[str] = mapped_column(Key(255), comment="lower case, and no alias itself")
    created_at: Mapped[datetime] = mapped_column(comment="UTC")

    def __repr__(self) -> str:
        return self.alias
