"""What only files promise (for the rest see test_stores.py): nobody else reads them, nothing temporary stays, a full disk spoils nothing."""

import os
import pathlib

import pytest

from app.errors import Unavailable
from app.storage import local
from app.storage.local import LocalStore, digest_of, pack

RAW = b"Subject: hello\r\n\r\n" + bytes(range(256)) * 20


@pytest.fixture
def store(tmp_path: pathlib.Path) -> LocalStore:
    store = LocalStore(tmp_path / "store")
    store.prepare()
    return store


def put(store: LocalStore, raw: bytes = RAW, **options: bool) -> str:
    digest = digest_of(raw)
    store.put(digest, pack(raw, 1), **options)
    return digest


def file_of(store: LocalStore, digest: str) -> pathlib.Path:
    return store.root / digest[:2] / digest[2] / digest


def test_a_copy_is_for_our_eyes_only(store: LocalStore) -> None:
    assert file_of(store, put(store)).stat().st_mode & 0o777 == 0o600


def test_nothing_temporary_stays(store: LocalStore) -> None:
    put(store)
    put(store, b"another", durable=False)
    assert list((store.root / "tmp").iterdir()) == []


def test_a_copy_that_cannot_be_read_is_unavailable(store: LocalStore) -> None:
    """A folder stands for what else the disk may say: no permission, an input/output error."""
    digest = put(store)
    file_of(store, digest).unlink()
    file_of(store, digest).mkdir()
    with pytest.raises(Unavailable, match="cannot be read"):
        store.open(digest)


def test_a_full_disk_leaves_nothing_half_written(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.storage.local.os.write", full)
    with pytest.raises(OSError):
        put(store)
    assert list((store.root / "tmp").iterdir()) == []
    assert list(store.scan()) == []


def test_a_folder_removed_by_hand_is_made_again(store: LocalStore) -> None:
    digest = put(store)
    file_of(store, digest).unlink()
    file_of(store, digest).parent.rmdir()
    put(store)
    assert store.open(digest).read() == RAW


def test_stale_temporary_files_are_swept_and_fresh_ones_left(store: LocalStore) -> None:
    old, fresh = store.root / "tmp" / "1-1", store.root / "tmp" / "1-2"
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    store.prepare()
    assert not old.exists()
    assert fresh.exists()


def test_flush_without_syncfs_flushes_each_file(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = put(store, durable=False)
    flushed: list[pathlib.Path] = []
    monkeypatch.setattr("app.storage.local._libc", object())
    monkeypatch.setattr("app.storage.local.flush_path", flushed.append)
    store.flush([digest])
    assert file_of(store, digest) in flushed
    assert file_of(store, digest).parent in flushed


def test_two_writers_to_one_store_never_share_a_temporary_file(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As two containers do, whose processes have the same id."""
    first, second = LocalStore(tmp_path), LocalStore(tmp_path)
    real, digests = local._create, []

    def create(path: pathlib.Path, content: bytes, durable: bool) -> None:
        real(path, content, durable)
        monkeypatch.undo()
        digests.append(put(second, b"second"))  # the first file is written and not yet named

    monkeypatch.setattr(local, "_create", create)
    digests.append(put(first, b"first"))
    assert [first.open(digest).read() for digest in digests] == [b"second", b"first"]
    assert list((tmp_path / "tmp").iterdir()) == []
