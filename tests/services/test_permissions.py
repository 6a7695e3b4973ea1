"""Roles and permissions in the database: as the code has them, however many write them at once."""

import multiprocessing
import pathlib
from multiprocessing.synchronize import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.extensions import db
from app.models.people import GrantLink, Permission, PermissionView, RoleRow, ViewMenu
from app.roles import GRANTS, Role, grants_of_views
from app.services.permissions import sync_permissions
from tests.apps import close, make_app
from tests.databases import migrate


def grants_of(app: Flask, role: str) -> set[tuple[str, str]]:
    with app.app_context():
        query = (
            select(Permission.name, ViewMenu.name)
            .join(PermissionView, PermissionView.permission_id == Permission.id)
            .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
            .join(GrantLink, GrantLink.c.permission_view_id == PermissionView.id)
            .join(RoleRow, RoleRow.id == GrantLink.c.role_id)
            .where(RoleRow.name == role)
        )
        return {(permission, view) for permission, view in db.session.execute(query)}


def complete(app: Flask) -> None:
    known = grants_of_views(app.extensions["appbuilder"])
    assert grants_of(app, Role.ADMIN) == known
    for role, grants in GRANTS.items():
        assert grants_of(app, role) == grants
    with app.app_context():
        for model in (RoleRow, Permission, ViewMenu):
            names = db.session.scalars(select(model.name)).all()
            assert len(names) == len(set(names))
        assert db.session.scalar(select(func.count()).select_from(PermissionView)) == len(known)
        assert db.session.scalar(select(func.count()).select_from(GrantLink)) == len(known) + sum(map(len, GRANTS.values()))


def test_each_role_has_what_its_table_says(any_app: Flask) -> None:
    complete(any_app)


def test_what_was_given_or_taken_by_hand_is_put_right_and_roles_of_the_site_stay(any_app: Flask) -> None:
    sm = any_app.extensions["appbuilder"].sm
    with any_app.app_context():
        everything = sm.find_permission_view_menu("can_delete", "PeopleView")
        sm.add_permission_role(sm.find_role(Role.RECIPIENT), everything)
        sm.del_permission_role(sm.find_role(Role.ADMIN), everything)
        sm.add_permission_role(sm.add_role("Of the site"), everything)
        sync_permissions()
        db.session.remove()
    assert grants_of(any_app, Role.RECIPIENT) == GRANTS[Role.RECIPIENT]
    assert ("can_delete", "PeopleView") in grants_of(any_app, Role.ADMIN)
    assert grants_of(any_app, "Of the site") == {("can_delete", "PeopleView")}


def test_what_no_view_asks_for_any_more_is_gone(any_app: Flask) -> None:
    sm = any_app.extensions["appbuilder"].sm
    with any_app.app_context():
        old = sm.add_permission_view_menu("can_list", "ViewOfLastYear")
        sm.add_permission_role(sm.add_role("Of the site"), old)
        sync_permissions()
        db.session.remove()
    assert grants_of(any_app, "Of the site") == set()
    complete(any_app)


def _sync(url: str, folder: str, together: Barrier) -> None:
    app = make_app(url, pathlib.Path(folder))
    with app.app_context():
        together.wait(60)
        sync_permissions()
    close(app)


def test_eight_processes_may_do_it_at_once(empty_database: str, tmp_path: pathlib.Path) -> None:
    app = make_app(empty_database, tmp_path)
    migrate(app)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["app", "app.services.permissions", "tests.apps"])
    together = context.Barrier(8)
    processes = [context.Process(target=_sync, args=(empty_database, str(tmp_path), together)) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * 8
    complete(app)
    close(app)


@pytest.mark.parametrize("role", GRANTS)
def test_no_table_names_what_no_view_has(app: Flask, role: str) -> None:
    assert grants_of_views(app.extensions["appbuilder"]) >= GRANTS[role]
