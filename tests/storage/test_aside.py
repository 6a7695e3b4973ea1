"""Copies that nothing seems to refer to: set aside, brought back or discarded, whatever is put meanwhile."""

import pathlib

import pytest

from app.errors import NotFound
from app.storage.local import LocalStore, digest_of, pack

RAW = b"Subject: aside\r\n\r\nx\r\n"
DIGEST, PACKED = digest_of(RAW), pack(RAW, 1)


@pytest.fixture
def store(tmp_path: pathlib.Path) -> LocalStore:
    store = LocalStore(tmp_path / "store")
    store.prepare()
    store.put(DIGEST, PACKED)
    return store


def found(store: LocalStore) -> bytes | None:
    try:
        return store.open(DIGEST).read()
    except NotFound:
        return None


def test_what_is_aside_can_be_opened_and_is_put_anew(store: LocalStore) -> None:
    assert store.set_aside(DIGEST)
    assert (found(store), store.exists(DIGEST), store.is_in_place(DIGEST)) == (RAW, True, False)
    assert list(store.scan()) == []
    assert store.put(DIGEST, PACKED)
    store.discard(DIGEST)
    assert (found(store), store.is_in_place(DIGEST)) == (RAW, True)


def test_what_is_discarded_is_gone_and_each_act_may_be_repeated(store: LocalStore) -> None:
    assert [store.set_aside(DIGEST), store.set_aside(DIGEST)] == [True, False]
    for _ in range(2):
        store.discard(DIGEST)
    assert (found(store), store.exists(DIGEST)) == (None, False)
    store.bring_back(DIGEST)
    assert found(store) is None


def test_what_is_brought_back_takes_the_place_of_nothing_newer(store: LocalStore) -> None:
    store.set_aside(DIGEST)
    store.put(DIGEST, PACKED)
    place = store._path(DIGEST)
    newer = place.stat().st_ino
    for _ in range(2):
        store.bring_back(DIGEST)
    assert (place.stat().st_ino, list((store.root / "aside").iterdir())) == (newer, [])
    store.set_aside(DIGEST)
    store.bring_back(DIGEST)
    assert (found(store), store.is_in_place(DIGEST)) == (RAW, True)


def test_where_there_are_no_links_it_comes_back_too(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    store.set_aside(DIGEST)
    store.bring_back(DIGEST)
    assert (found(store), store.is_in_place(DIGEST)) == (RAW, True)


def test_a_damaged_copy_in_place_is_repaired_though_one_is_aside(store: LocalStore) -> None:
    """The one aside may be discarded the next moment."""
    store.set_aside(DIGEST)
    assert store.repair(DIGEST, PACKED)
    assert store.is_in_place(DIGEST)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "a" * 63, "A" * 64])
def test_no_name_leads_out_of_the_store(store: LocalStore, name: str) -> None:
    for act in (store.set_aside, store.bring_back, store.discard, store.is_in_place, store.exists):
        with pytest.raises(NotFound):
            act(name)
