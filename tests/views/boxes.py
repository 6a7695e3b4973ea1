"""Two small tables and the same two screens over them: once on plain FAB, once on our base. So each test shows the hole first."""

import pathlib
import types
from collections.abc import Callable
from typing import Any

from flask import Flask, g
from flask.testing import FlaskClient
from flask_appbuilder import AppBuilder, ModelView
from flask_appbuilder.actions import action
from flask_appbuilder.models.sqla.filters import FilterEqualFunction
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from app import security
from app.extensions import csrf
from app.extensions import db as panel_db
from app.models.audit import NOTHING_BEFORE, AuditHead
from app.security.acting import acting
from app.security.manager import MailkeepSecurityManager
from app.views.banners import unnamed_proxy
from app.views.base import ScopedModelView
from app.views.datamodel import ScopedInterface
from app.views.errors import register_errors
from app.views.formats import FILTERS
from app.views.home import Home, first_screen
from app.views.language import Builder
from tests.apps import CHEAP_HASH, NOBODYS_HASH
from tests.make import PASSWORD


class BoxManager(MailkeepSecurityManager):
    """Asks FAB's table of this database; our ways in know only the panel's own."""

    auth_user_db = SecurityManager.auth_user_db


class Base(DeclarativeBase):
    """Not FAB's: these tables are no business of the migrations."""


class Box(Base):
    __tablename__ = "box"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(String(50))
    name: Mapped[str] = mapped_column(String(50))
    secret: Mapped[str] = mapped_column(Text, default="")
    flag: Mapped[bool] = mapped_column(default=False)
    things: Mapped[list["Thing"]] = relationship(back_populates="box")


class Thing(Base):
    __tablename__ = "thing"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    box_id: Mapped[int] = mapped_column(ForeignKey("box.id"))
    box: Mapped[Box] = relationship(back_populates="things")


def me() -> str:
    return str(g.user.username)


def views(ours: bool) -> tuple[type, type]:
    view, interface = (ScopedModelView, ScopedInterface) if ours else (ModelView, SQLAInterface)
    routes: dict[str, Any] = {"include_route_methods": {"list", "show", "delete", "action", "action_post"}} if ours else {}

    class ThingView(view):  # type: ignore[misc, valid-type]
        datamodel = interface(Thing)
        base_filters: Any = []
        list_columns = ["name"]
        search_columns = ["name"]
        add_columns = edit_columns = ["name"]

    class BoxView(view):  # type: ignore[misc, valid-type]
        datamodel = interface(Box)
        base_filters = [["owner", FilterEqualFunction, me]]
        list_columns = ["name"]
        search_columns = ["name", "flag"]
        show_columns = ["name"]
        add_columns = edit_columns = ["name"]
        order_columns = ["name"]
        related_views = [ThingView]
        done: list[str] = []

        @action("mark", "Mark", "Sure?", "fa-check")
        def mark(self, items: Any) -> str:
            self.done.extend(item.name for item in (items if isinstance(items, list) else [items]))
            return "marked"

    for found in (ThingView, BoxView):
        for name, value in routes.items():
            setattr(found, name, value)
    return BoxView, ThingView


def settings(folder: pathlib.Path, *, ours: bool) -> dict[str, Any]:
    return {
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder}/{'ours' if ours else 'plain'}.db",
        "SECRET_KEY": "tests-only-0123456789",
        "TESTING": not ours,
        "PROPAGATE_EXCEPTIONS": False,
        "RATELIMIT_ENABLED": True,
        "AUTH_RATE_LIMITED": True,
        "AUTH_RATE_LIMIT": "5 per minute",
        "LOGIN_RATE": "5 per minute",
        "MAX_PAGE_SIZE": 200,
        "PAGE_SIZE": 25,
        "COUNT_CAP": 100,
        "WTF_CSRF_CHECK_DEFAULT": True,
        "FAB_ADD_SECURITY_API": False,
        "ROLES": ("web",),
        "PUBLIC_URL": "",
        "SESSION_STORE": "database",
        "SESSION_IDLE_HOURS": 4,
        "SESSION_HOURS": 24,
        "SESSION_PROTECTION": None,
        "FAB_PASSWORD_HASH_METHOD": CHEAP_HASH,
        "AUTH_DB_FAKE_PASSWORD_HASH_CHECK": NOBODYS_HASH,
    }


def make(folder: pathlib.Path, *, ours: bool) -> types.SimpleNamespace:
    """`app`, its `db`, and the views; alice owns box 1, bob box 2; alice may see boxes and not things."""
    from flask_appbuilder import Model

    app = Flask("app" if ours else "plain", root_path=str(pathlib.Path(__file__).resolve().parents[2] / "app"))
    app.config.update(settings(folder, ours=ours))
    if not ours:
        app.config["FAB_BASE_TEMPLATE"] = "appbuilder/baselayout.html"
        app.jinja_loader = None  # FAB's own templates
    db = panel_db if ours else SQLAlchemy(model_class=Model, disable_autonaming=True)
    db.init_app(app)
    if ours:
        csrf.init_app(app)
        security.sessions.init_app(app)
        app.jinja_env.filters.update(FILTERS)
        app.jinja_env.globals.update(unnamed_proxy=unnamed_proxy, first_screen=first_screen, acting=acting)
    box_view, thing_view = views(ours)
    with app.app_context():
        Base.metadata.create_all(db.engine)
        options: dict[str, Any] = {"security_manager_class": BoxManager, "indexview": Home} if ours else {}
        appbuilder = (Builder if ours else AppBuilder)(app, db.session, **options)
        appbuilder.add_view(box_view, "Boxes")
        appbuilder.add_view(thing_view, "Things")
        if ours:
            db.session.add(AuditHead(id=1, last_id=0, last_digest=NOTHING_BEFORE))
            db.session.commit()
        sm = appbuilder.sm
        role = sm.add_role("Boxer")
        for permission in ("can_list", "can_show", "can_delete", "mark"):
            sm.add_permission_role(role, sm.add_permission_view_menu(permission, "BoxView"))
        for name in ("alice", "bob"):
            sm.add_user(name, name, "T", f"{name}@example.com", role, PASSWORD)
        db.session.add_all([Box(id=1, owner="alice", name="mine"), Box(id=2, owner="bob", name="his", secret="s" * 100)])
        db.session.add_all([Thing(name="a thing", box_id=1)])
        db.session.commit()
    if ours:
        register_errors(app)
    return types.SimpleNamespace(app=app, db=db, box_view=box_view, ours=ours)


def login(made: types.SimpleNamespace, name: str = "alice") -> FlaskClient:
    client: FlaskClient = made.app.test_client()
    page = client.get("/login/").get_data(as_text=True)
    fields = {"username": name, "password": PASSWORD, "csrf_token": token_in(page)}
    assert client.post("/login/", data=fields).status_code == 302
    return client


def post(made: types.SimpleNamespace, client: FlaskClient, path: str, **fields: Any) -> Any:
    """With the CSRF token where there is one."""
    if made.ours:
        fields["csrf_token"] = token_in(client.get("/boxview/list/").get_data(as_text=True))
    return client.post(path, data=fields)


def token_in(page: str) -> str:
    start = page.index('value="', page.index('name="csrf_token"')) + 7
    return page[start : page.index('"', start)]


def statements(made: types.SimpleNamespace, act: Callable[[], Any]) -> list[str]:
    """The SQL that `act` runs."""
    from sqlalchemy import event

    seen: list[str] = []

    def listen(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(" ".join(statement.split()))

    with made.app.app_context():
        engine = made.db.engine
    event.listen(engine, "before_cursor_execute", listen)
    try:
        act()
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    return seen
