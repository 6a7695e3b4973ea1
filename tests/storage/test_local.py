"""The file store: whole or not at all, never changed, verified, no forged paths."""

import hashlib
import os
import pathlib
import threading

import pytest

from app.errors import NotFound, Unavailable
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


@pytest.mark.parametrize("raw", [b"", b"\0", RAW, os.urandom(1 << 20), b"\r\n.\r\n" * 9])
def test_what_is_put_comes_back_byte_for_byte(store: LocalStore, raw: bytes) -> None:
    assert store.open(put(store, raw)).read() == raw


def test_the_name_is_the_sha256_of_the_raw_mail(store: LocalStore) -> None:
    digest = put(store)
    assert digest == hashlib.sha256(RAW).hexdigest()
    assert file_of(store, digest).is_file()
    assert file_of(store, digest).stat().st_mode & 0o777 == 0o600


def test_a_second_put_changes_nothing(store: LocalStore) -> None:
    digest = put(store)
    before = file_of(store, digest).stat()
    assert store.put(digest, pack(RAW, 19)) is False
    after = file_of(store, digest).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_nothing_temporary_stays(store: LocalStore) -> None:
    put(store)
    put(store, b"another", durable=False)
    assert list((store.root / "tmp").iterdir()) == []


@pytest.mark.parametrize("spoil", [lambda b: b[:-5], lambda _: b"", lambda b: b"x" * len(b), lambda _: pack(b"other mail", 1)])
def test_a_damaged_copy_is_never_returned(store: LocalStore, spoil) -> None:
    digest = put(store)
    file_of(store, digest).write_bytes(spoil(pack(RAW, 1)))
    with pytest.raises(Unavailable):
        store.open(digest)


def test_a_copy_that_cannot_be_read_is_unavailable(store: LocalStore) -> None:
    """A folder stands for what else the disk may say: no permission, an input/output error."""
    digest = put(store)
    file_of(store, digest).unlink()
    file_of(store, digest).mkdir()
    with pytest.raises(Unavailable, match="cannot be read"):
        store.open(digest)


def test_repair_replaces_a_torn_copy_and_leaves_a_whole_one(store: LocalStore) -> None:
    digest = put(store)
    assert store.repair(digest, pack(RAW, 1)) is False
    file_of(store, digest).write_bytes(b"")
    assert store.repair(digest, pack(RAW, 1)) is True
    assert store.open(digest).read() == RAW


@pytest.mark.parametrize(
    "name", ["", "..", "../../etc/passwd", "a" * 63, "A" * 64, "g" * 64, "a" * 64 + "\n", "/" * 64, "a" * 62 + "/x", "ａ" * 64]
)
def test_no_name_leads_out_of_the_store(store: LocalStore, name: str) -> None:
    for verb in (store.open, store.delete, store.exists, lambda n: store.put(n, b"x")):
        with pytest.raises(NotFound):
            verb(name)


def test_delete_takes_one_copy_and_says_whether_there_was_one(store: LocalStore) -> None:
    digest, other = put(store), put(store, b"other")
    assert store.delete(digest) is True
    assert store.delete(digest) is False
    assert not store.exists(digest)
    assert store.exists(other)
    with pytest.raises(NotFound):
        store.open(digest)


def test_scan_finds_every_copy_and_no_foreign_file(store: LocalStore) -> None:
    digests = {put(store, bytes([n])) for n in range(20)}
    (store.root / "ab" / "c").mkdir(parents=True, exist_ok=True)
    (store.root / "ab" / "c" / ("d" * 64)).write_bytes(b"misplaced")
    (store.root / "ab" / "c" / "README").write_bytes(b"foreign")
    assert {digest for digest, _, _ in store.scan()} == digests


def test_a_full_disk_leaves_nothing_half_written(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.storage.local.os.write", full)
    with pytest.raises(OSError):
        put(store)
    assert list((store.root / "tmp").iterdir()) == []
    assert list(store.scan()) == []


def test_many_threads_put_the_same_mail_at_once(store: LocalStore) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            put(store)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(list(store.scan())) == 1


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
