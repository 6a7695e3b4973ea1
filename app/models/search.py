"""A search that somebody keeps under a name."""

from datetime import datetime

from sqlalchemy import Boolean, DateTime, ForeignKey, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Key, LongText, Model


class SavedSearch(Model):
    __tablename__ = "saved_search"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Key(100))
    query: Mapped[str] = mapped_column(LongText, comment="as it stands in the URL")
    shared: Mapped[bool] = mapped_column(Boolean, default=False, comment="shown to everybody; an admin's decision")
    created_at: Mapped[datetime] = mapped_column(DateTime)

    __table_args__ = (UniqueConstraint("user_id", "name", name="ux_saved_search_name"),)
