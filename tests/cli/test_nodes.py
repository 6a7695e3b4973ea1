"""flask nodes: what an operator types, and what the node may do afterwards."""

import pathlib

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select

from app.extensions import db
from app.models import AuditEvent
from app.services import nodes
from app.services.sealing import unseal
from tests.make import post
from tests.servers.process import free_port

ADD = ("nodes", "add", "mx1", "--user", "rspamd", "--password", "secret", "--allow", "127.0.0.0/8")


def run(runner: FlaskCliRunner, *arguments: str, fails: bool = False) -> str:
    done = runner.invoke(args=arguments)
    assert (done.exit_code != 0) is fails, done.output
    assert "Traceback" not in done.output
    return str(done.output)


def test_a_node_that_was_added_may_post(app: Flask, client: FlaskClient, runner: FlaskCliRunner) -> None:
    assert "mx1  number 1  this server  user rspamd, from 127.0.0.0/8" in run(runner, *ADD)
    assert post(client).status_code == 200


def test_the_list_shows_every_node_and_no_password(runner: FlaskCliRunner) -> None:
    assert "No node yet" in run(runner, "nodes", "list")
    run(runner, *ADD)
    run(runner, "nodes", "add", "MX2", "--user", "other", "--password", "Hidden-77", "--allow", "10.1.2.3/8,2001:db8::1", "--allow", "::1")
    shown = run(runner, "nodes", "list").splitlines()
    assert shown[1] == "mx2  number 2  user other, from 10.0.0.0/8 2001:db8::1/128 ::1/128"
    assert "Hidden-77" not in "".join(shown)


def test_an_edit_changes_only_what_is_given(app: Flask, client: FlaskClient, runner: FlaskCliRunner) -> None:
    run(runner, *ADD)
    look_again = app.extensions["mailkeep_nodes"].refresh  # a running process does so within seconds
    assert "from 192.0.2.0/24" in run(runner, "nodes", "edit", "mx1", "--allow", "192.0.2.0/24")
    look_again(0)
    assert post(client).status_code == 403
    assert "user rspamd, from 127.0.0.0/8" in run(runner, "nodes", "edit", "mx1", "--allow", "127.0.0.0/8")
    look_again(0)
    assert post(client).status_code == 200  # with the password of before
    assert "disabled" in run(runner, "nodes", "edit", "mx1", "--disable")
    assert "user rspamd" in run(runner, "nodes", "edit", "mx1", "--enable")


def test_a_controllers_password_is_kept_sealed_and_for_its_address_alone(app: Flask, runner: FlaskCliRunner) -> None:
    run(runner, *ADD)
    given = run(runner, "nodes", "edit", "mx1", "--controller", "http://127.0.0.1:11334/", "--controller-password", "Hidden-77")
    assert given.endswith("controller http://127.0.0.1:11334\n")

    def kept() -> tuple[str, str]:
        with app.app_context():
            node = nodes.find("mx1")
            return node.controller_password, unseal(node.controller_password, nodes.belongs_to("mx1")) or ""

    sealed, password = kept()
    assert ("Hidden-77" in sealed, password) == (False, "Hidden-77")
    run(runner, "nodes", "edit", "mx1", "--controller", "http://127.0.0.1:11334", "--scan", "https://mx1.example.com:11333")
    assert kept()[1] == "Hidden-77"
    shown = run(runner, "nodes", "edit", "mx1", "--controller", "http://192.0.2.1:11334")
    assert "controller http://192.0.2.1:11334  scans https://mx1.example.com:11333" in shown
    assert kept() == ("", "")
    with app.app_context():
        told = " ".join(event.after for event in db.session.scalars(select(AuditEvent)))
    assert ("Hidden-77" in told, sealed in told, '"controller password": "another"' in told) == (False, False, True)


def test_a_removed_node_is_gone_once_it_is_meant(runner: FlaskCliRunner) -> None:
    run(runner, *ADD)
    run(runner, "nodes", "remove", "mx1", fails=True)  # nobody there to say yes
    assert "removed" in run(runner, "nodes", "remove", "mx1", "--yes")
    assert "No node yet" in run(runner, "nodes", "list")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (ADD, "There is a node mx1 already"),
        (("nodes", "add", "bad name", *ADD[3:]), "is not a node name"),
        (("nodes", "add", "mx9", *ADD[3:-1], "300.0.0.1"), "is not an IP address or network"),
        (("nodes", "add", "mx9", "--user", "a:b", *ADD[5:]), "cannot hold a colon"),
        (("nodes", "add", "mx9", *ADD[3:-2]), "Missing option '--allow'"),
        (("nodes", "edit", "mx9", "--disable"), "There is no node mx9"),
        (("nodes", "remove", "mx9", "--yes"), "There is no node mx9"),
        (("nodes", "edit", "mx1", "--controller", "ftp://127.0.0.1"), "is no address of a controller"),
        (("nodes", "edit", "mx1", "--scan", "file:///etc/passwd"), "is no address of a controller"),
        (("nodes", "edit", "mx1", "--controller", "http://127.0.0.1:99999"), "is no address of a controller"),
        (("nodes", "edit", "mx1", "--controller", "http://a b/"), "is no address of a controller"),
        (("nodes", "edit", "mx1", "--controller", "http://h/?password=x"), "is no address of a controller"),
        (("nodes", "edit", "mx1", "--controller", "http://u:Hidden-77@127.0.0.1"), "has no user and no password in it"),
        (("nodes", "edit", "mx1", "--controller-password", "x"), "A password needs its controller"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(runner: FlaskCliRunner, arguments: tuple[str, ...], says: str) -> None:
    run(runner, *ADD)
    assert says in run(runner, *arguments, fails=True)


def test_without_a_database_it_says_what_to_do(app: Flask, runner: FlaskCliRunner) -> None:
    from app.extensions import db

    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE node")
    assert "has `flask db upgrade` run?" in run(runner, "nodes", "list", fails=True)


def test_how_a_node_is_reached_is_told_and_tried(app: Flask, runner: FlaskCliRunner, tmp_path: pathlib.Path) -> None:
    run(runner, *ADD)
    assert "No other node has an API address" in run(runner, "nodes", "test")
    run(runner, "nodes", "add", "mx2", "--user", "other", "--password", "x", "--allow", "192.0.2.2")
    address = f"http://127.0.0.1:{free_port()}"
    told = run(runner, "nodes", "api", "mx2", "--url", address, "--allow", "192.0.2.2,::1", "--user", "rqwatch", "--password", "Hidden-78")
    assert told == f"mx2  at {address}  asks from 192.0.2.2/32 ::1/128\n"
    assert "mx2  mx2 does not answer: Connection refused." in run(runner, "nodes", "test", fails=True)
    authority = tmp_path / "ca.pem"
    authority.write_text("garbage")
    assert "a certificate in PEM" in run(runner, "nodes", "api", "mx2", "--ca", str(authority), fails=True)
    first, second = (run(runner, "nodes", "secret", "mx2").strip() for _again in range(2))
    assert len(first) > 30
    assert first != second
    assert f"API {address}" in run(runner, "nodes", "list")
    run(runner, "nodes", "api", "mx2", "--url", "", "--user", "")
    assert "API http" not in run(runner, "nodes", "list")
