"""flask store: all copies from a folder to a bucket and back, as often as one likes."""

import pathlib

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from app.storage import store_for
from app.storage.local import digest_of, pack
from tests.servers.s3 import KEYS, S3

RAWS = [b"Subject: %d\r\n\r\n" % number for number in range(70)]


@pytest.fixture
def url(s3: S3, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    return s3.url(tmp_path.name)


def test_copies_move_to_a_bucket_and_back(app: Flask, runner: FlaskCliRunner, url: str, tmp_path: pathlib.Path) -> None:
    here, there = store_for(app.config["STORE_URL"]), store_for(url)
    here.prepare()
    for raw in RAWS:
        here.put(digest_of(raw), pack(raw, 1))
    there.put(digest_of(RAWS[0]), pack(RAWS[0], 1))
    command = ["store", "copy", "--to", url]
    assert runner.invoke(args=command).stdout.startswith("69 copied, 1 there already")
    here.put(digest_of(b"later"), pack(b"later", 1))
    assert runner.invoke(args=command).stdout.startswith("1 copied, 70 there already")
    assert sorted(digest for digest, _, _ in there.scan()) == sorted(digest for digest, _, _ in here.scan())
    back = ["store", "copy", "--from", url, "--to", f"file://{tmp_path}/back"]
    assert runner.invoke(args=back).stdout.startswith("71 copied")
    assert [store_for(f"file://{tmp_path}/back").open(digest_of(raw)).read() for raw in RAWS] == RAWS


def test_what_is_damaged_is_told_and_the_rest_is_copied(app: Flask, runner: FlaskCliRunner, url: str, tmp_path: pathlib.Path) -> None:
    here, folder = store_for(app.config["STORE_URL"]), tmp_path / "store"
    here.prepare()
    for raw in RAWS[:3]:
        here.put(digest_of(raw), pack(raw, 1))
    digest = digest_of(RAWS[1])
    (folder / digest[:2] / digest[2] / digest).write_bytes(b"torn")
    answer = runner.invoke(args=["store", "copy", "--to", url])
    assert answer.exit_code == 1
    assert "2 copied, 0 there already, 0 deleted meanwhile, 1 damaged" in answer.output
    here.repair(digest, pack(RAWS[1], 1))
    there = store_for(url)
    there._client.put_object(Bucket=there.place.bucket, Key=there._key(digest), Body=b"torn")
    assert "0 copied, 3 there" in runner.invoke(args=["store", "copy", "--to", url]).output
    assert "1 copied, 2 there" in runner.invoke(args=["store", "copy", "--to", url, "--verify"]).output
    assert there.open(digest).read() == RAWS[1]


def test_a_store_that_is_away_stops_it_with_a_sentence(app: Flask, runner: FlaskCliRunner, url: str) -> None:
    store_for(app.config["STORE_URL"]).prepare()
    answer = runner.invoke(args=["store", "copy", "--to", "s3://mails?endpoint=http://127.0.0.1:9"])
    assert (answer.exit_code, answer.output) == (1, "Error: The other store cannot be prepared: The store does not answer.\n")
    assert "is not a store URL" in str(runner.invoke(args=["store", "copy", "--to", "/srv"]).exception)
    assert "The two stores are one" in runner.invoke(args=["store", "copy", "--to", app.config["STORE_URL"]]).output


@pytest.mark.parametrize("is_far", [False, True])
def test_a_store_is_tried_out_and_left_as_it_was(app: Flask, runner: FlaskCliRunner, url: str, is_far: bool) -> None:
    app.config["STORE_URL"] = url if is_far else app.config["STORE_URL"]
    assert "The store works" in runner.invoke(args=["store", "test"]).output
    assert list(store_for(app.config["STORE_URL"]).scan()) == []
