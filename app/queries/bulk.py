"""Runs of acts on many mails: whose they are, which is due, which mails come next, and how it has gone with each."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from app.extensions import db
from app.models import BulkResult, BulkRun, Mail, ResultKind
from app.models.bulk import UNDER_WAY
from app.models.people import GrantLink, Permission, PermissionView, RoleRow, User, ViewMenu
from app.queries.scope import Scope
from app.queries.search import Search
from app.queries.visibility import held_roles, is_admin_here, limit_to
from app.roles import Grant, Role, may_be_of_key


def runs_of(user: Any, limit: int, before: int | None = None) -> list[BulkRun]:
    """The newest first: one's own, and of everybody for admins."""
    whose = () if is_admin_here(user) else (BulkRun.user_id == user.id,)
    older = () if before is None else (BulkRun.id < before,)
    return list(db.session.scalars(select(BulkRun).where(*whose, *older).order_by(BulkRun.id.desc()).limit(limit)))


def run_of(user: Any, run_id: int) -> BulkRun | None:
    """None for what is not there and for what is somebody else's."""
    found = db.session.get(BulkRun, run_id) if run_id < 1 << 63 else None
    return found if found is not None and (found.user_id == user.id or is_admin_here(user)) else None


def run_of_token(user_id: int, token: str) -> int | None:
    return db.session.scalar(select(BulkRun.id).where(BulkRun.user_id == user_id, BulkRun.token == token))


def count_under_way(user_id: int) -> int:
    return db.session.scalar(select(func.count()).select_from(BulkRun).where(BulkRun.user_id == user_id, BulkRun.state.in_(UNDER_WAY))) or 0


def due_runs(now: datetime, limit: int = 5) -> Sequence[int]:
    """What nobody works on, first that which has waited longest: so all go on in turn."""
    due = (BulkRun.state.in_(UNDER_WAY), BulkRun.claimed_until <= now)
    return db.session.scalars(select(BulkRun.id).where(*due).order_by(BulkRun.claimed_until, BulkRun.id).limit(limit)).all()


def ended_runs(before: datetime, limit: int = 20) -> Sequence[int]:
    return db.session.scalars(select(BulkRun.id).where(BulkRun.ended_at < before).order_by(BulkRun.ended_at).limit(limit)).all()


def who_asked(run: BulkRun, grant: Grant) -> User | None:
    """As who they were when they asked; None where the account may not do it any more, or not with every role that it had then."""
    user = db.session.get(User, run.user_id, populate_existing=True)
    roles = json.loads(run.roles)
    if user is None or not user.is_active or not all(may_be_of_key(role, held_roles(user)) for role in roles):
        return None
    if run.actor_id not in (None, run.user_id):
        admin = db.session.get(User, run.actor_id, populate_existing=True)
        if admin is None or not admin.is_active or Role.ADMIN not in held_roles(admin):
            return None
    limit_to(user, roles)
    return user if _is_granted(roles, grant) else None


def _is_granted(roles: Sequence[str], grant: Grant) -> bool:
    permission, view = grant
    query = (
        select(RoleRow.id)
        .join(GrantLink, GrantLink.c.role_id == RoleRow.id)
        .join(PermissionView, PermissionView.id == GrantLink.c.permission_view_id)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
        .where(RoleRow.name.in_(roles), Permission.name == permission, ViewMenu.name == view)
    )
    return db.session.scalar(query.limit(1)) is not None


# --- mails ----------------------------------------------------------------------------------------------------------------------


def count_of(scope: Scope, ids: Sequence[int]) -> int:
    """How many of these may be seen."""
    return db.session.scalar(select(func.count()).select_from(Mail).where(Mail.id.in_(ids), scope.condition())) or 0


def rows_of(scope: Scope, ids: Sequence[int], limit: int) -> list[Row[Any]]:
    """Of these mails, the newest first, as a list shows them."""
    query = select(*Search(scope).columns).where(Mail.id.in_(ids), scope.condition())
    return list(db.session.execute(query.order_by(Mail.id.desc()).limit(limit)))


# --- results --------------------------------------------------------------------------------------------------------------------


def results_of(run_id: int, limit: int, after: int = 0) -> list[BulkResult]:
    """What was not done, by the mails' ids. There are few: MariaDB is kept from going through all that was done to find them."""
    told = (BulkResult.run_id == run_id, BulkResult.kind.in_((ResultKind.SKIPPED, ResultKind.FAILED)), BulkResult.mail_id > after)
    query = select(BulkResult).where(*told).order_by(BulkResult.mail_id).limit(limit)
    for dialect in ("mysql", "mariadb"):
        query = query.with_hint(BulkResult, "FORCE INDEX (ix_bulk_result_kind)", dialect)
    return list(db.session.scalars(query))


def undoable(run_id: int, now: datetime, limit: int) -> list[Row[Any]]:
    """What waits still, first that whose time comes first: (mail id, until, what to undo)."""
    waits = (BulkResult.run_id == run_id, BulkResult.until > now, BulkResult.kind == ResultKind.WAITING)
    query = select(BulkResult.mail_id, BulkResult.until, BulkResult.undo).where(*waits)
    return list(db.session.execute(query.order_by(BulkResult.until, BulkResult.mail_id).limit(limit)))


def undoable_until(run_id: int, now: datetime) -> datetime | None:
    waits = (BulkResult.run_id == run_id, BulkResult.until > now, BulkResult.kind == ResultKind.WAITING)
    return db.session.scalar(select(BulkResult.until).where(*waits).order_by(BulkResult.until.desc()).limit(1))
