"""What an app of the tests hands on is its panel alone: nothing of its settings, and nothing that a test has put there."""

import gc
import pathlib
import weakref

from flask import Flask, render_template_string

from tests.apps import close, make_app
from tests.databases import SqliteCopies

KNOWN = "{{ config.NODE_NAME }} {{ url_for('MailLogView.list') }}"


def made(copies: SqliteCopies, folder: pathlib.Path) -> Flask:
    """One that no other test shares its panel with."""
    return make_app(copies.make(folder), folder, NODE_NAME="panels")


def test_a_closed_app_hands_its_panel_on_and_is_gone(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> None:
    first = made(sqlite_copies, tmp_path)
    builder, rules = first.extensions["appbuilder"], len(list(first.url_map.iter_rules()))
    assert first.test_client().get("/login/").status_code == 200
    close(first)
    second, gone = made(sqlite_copies, tmp_path), weakref.ref(first)
    del first
    gc.collect()
    assert gone() is None
    assert second.extensions["appbuilder"] is builder
    assert (second.jinja_env.globals["config"], len(list(second.url_map.iter_rules()))) == (second.config, rules)
    second.config["NODE_NAME"] = "its own"
    with second.test_request_context():
        assert render_template_string(KNOWN) == "its own /mails/list/"
    assert second.test_client().get("/login/").status_code == 200
    close(second)


def test_what_a_test_has_changed_is_handed_on_to_nobody(sqlite_copies: SqliteCopies, tmp_path: pathlib.Path) -> None:
    known = set()
    for change in (
        lambda app: app.add_url_rule("/of-a-test", view_func=lambda: "x"),
        lambda app: app.jinja_env.globals.update(gettext=str),
        lambda app: setattr(app.extensions["appbuilder"].sm, "of_a_test", 1),
        lambda app: setattr(app.extensions["appbuilder"].baseviews[0], "route_base", "/of-a-test"),
        lambda app: app.config.update(RATELIMIT_ENABLED=True),
    ):
        app = made(sqlite_copies, tmp_path)
        assert app.extensions["appbuilder"] not in known
        known.add(app.extensions["appbuilder"])
        change(app)
        close(app)
