"""What every store promises, be it a folder or a bucket: whole or not at all, verified, no forged names."""

import hashlib
import os
import pathlib
import threading
from dataclasses import dataclass

import pytest

from app.errors import NotFound, Unavailable
from app.storage import store_for
from app.storage.local import digest_of, pack
from app.storage.s3 import S3Store
from app.storage.store import Store
from tests.servers.s3 import KEYS, S3

RAW = b"Subject: hello\r\n\r\n" + bytes(range(256)) * 20


@dataclass
class Ground:
    """A store, and the folder in which its files or objects lie."""

    store: Store
    folder: pathlib.Path

    def put(self, raw: bytes = RAW, **options: bool) -> str:
        digest = digest_of(raw)
        self.store.put(digest, pack(raw, 1), **options)
        return digest

    def file(self, digest: str) -> pathlib.Path:
        return self.folder / digest[:2] / digest[2] / digest

    def spoil(self, digest: str, content: bytes) -> None:
        """As its keeper might; the server has its own mind of a file that was changed behind it."""
        if isinstance(self.store, S3Store):
            key = self.store.place.prefix + str(self.file(digest).relative_to(self.folder))
            self.store._client.put_object(Bucket=self.store.place.bucket, Key=key, Body=content)
        else:
            self.file(digest).write_bytes(content)

    def plant(self, name: str, content: bytes) -> None:
        """Something that is not ours."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.fixture(params=["local", "s3"])
def ground(request: pytest.FixtureRequest, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    if request.param == "local":
        found = Ground(store_for(f"file://{tmp_path}/store"), tmp_path / "store")
    else:
        for name, value in KEYS.items():
            monkeypatch.setenv(name, value)
        server: S3 = request.getfixturevalue("s3")
        found = Ground(store_for(server.url(f"of/{tmp_path.name}")), server.file(f"of/{tmp_path.name}"))
    found.store.prepare()
    return found


@pytest.mark.parametrize("raw", [b"", b"\0", RAW, os.urandom(1 << 20), b"\r\n.\r\n" * 9])
def test_what_is_put_comes_back_byte_for_byte(ground: Ground, raw: bytes) -> None:
    assert ground.store.open(ground.put(raw)).read() == raw


def test_the_name_is_the_sha256_of_the_raw_mail_and_the_bytes_are_the_packed_ones(ground: Ground) -> None:
    digest = ground.put()
    assert digest == hashlib.sha256(RAW).hexdigest()
    assert ground.file(digest).read_bytes() == pack(RAW, 1)


def test_a_second_put_changes_nothing(ground: Ground) -> None:
    digest = digest_of(RAW)
    assert ground.store.put(digest, pack(RAW, 1)) is True
    before = ground.file(digest).stat()
    assert ground.store.put(digest, pack(RAW, 19)) is False
    after = ground.file(digest).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("spoil", [lambda b: b[:-5], lambda _: b"", lambda b: b"x" * len(b), lambda _: pack(b"other mail", 1)])
def test_a_damaged_copy_is_never_returned_and_repair_makes_it_whole(ground: Ground, spoil) -> None:
    digest = ground.put()
    assert ground.store.repair(digest, pack(RAW, 1)) is False
    ground.spoil(digest, spoil(pack(RAW, 1)))
    with pytest.raises(Unavailable, match="damaged"):
        ground.store.open(digest)
    assert ground.store.repair(digest, pack(RAW, 1)) is True
    assert ground.store.open(digest).read() == RAW


def test_many_are_put_and_repaired_at_once(ground: Ground) -> None:
    raws = [bytes([number]) * 50 for number in range(60)]
    copies = [(digest_of(raw), pack(raw, 1)) for raw in raws]
    ground.store.put_all(iter([*copies, *copies[:5]]))
    ground.spoil(copies[7][0], b"torn")
    ground.file(copies[8][0]).unlink()
    ground.store.repair_all(iter(copies))
    ground.store.flush(digest for digest, _ in copies)
    assert [ground.store.open(digest).read() for digest, _ in copies] == raws


@pytest.mark.parametrize(
    "name", ["", "..", "../../etc/passwd", "a" * 63, "A" * 64, "g" * 64, "a" * 64 + "\n", "/" * 64, "a" * 62 + "/x", "ａ" * 64]
)
def test_no_name_leads_out_of_the_store(ground: Ground, name: str) -> None:
    for verb in (ground.store.open, ground.store.delete, ground.store.exists, lambda n: ground.store.put(n, b"x")):
        with pytest.raises(NotFound):
            verb(name)


def test_delete_takes_one_copy_and_says_whether_there_was_one(ground: Ground) -> None:
    digest, other = ground.put(), ground.put(b"other")
    assert ground.store.delete(digest) is True
    assert ground.store.delete(digest) is False
    assert not ground.store.exists(digest)
    assert ground.store.exists(other)
    with pytest.raises(NotFound):
        ground.store.open(digest)


def test_scan_finds_every_copy_and_nothing_foreign(ground: Ground) -> None:
    digests = {ground.put(bytes([n])) for n in range(20)}
    ground.plant("ab/c/" + "d" * 64, b"misplaced")
    ground.plant("ab/c/README", b"foreign")
    ground.plant("e" * 64, b"misplaced")
    found = list(ground.store.scan())
    assert {digest for digest, _, _ in found} == digests
    for digest, size, changed in found:
        stat = ground.file(digest).stat()
        assert (size, int(changed)) == (stat.st_size, int(stat.st_mtime))


def test_what_is_set_aside_opens_and_is_not_in_the_way_of_a_put(ground: Ground) -> None:
    digest = ground.put()
    assert ground.store.set_aside(digest) is True
    assert ground.store.set_aside(digest) is False
    assert (ground.store.exists(digest), ground.store.is_in_place(digest), ground.store.are_in_place([digest])) == (True, False, False)
    assert ground.store.open(digest).read() == RAW
    assert list(ground.store.scan()) == []
    assert ground.store.put(digest, pack(RAW, 1)) is True
    ground.store.discard(digest)
    ground.store.discard(digest)
    assert ground.store.is_in_place(digest)
    assert ground.store.open(digest).read() == RAW


def test_what_is_set_aside_is_repaired_where_it_belongs(ground: Ground) -> None:
    digest = ground.put()
    ground.store.set_aside(digest)
    assert ground.store.repair(digest, pack(RAW, 1)) is True
    assert ground.store.is_in_place(digest)


def test_what_is_needed_after_all_is_brought_back_and_what_is_not_is_gone(ground: Ground) -> None:
    kept, twice, gone = ground.put(), ground.put(b"put again"), ground.put(b"nobody's")
    for digest in (kept, twice, gone):
        ground.store.set_aside(digest)
    ground.put(b"put again")
    for digest in (kept, kept, twice):
        ground.store.bring_back(digest)
    ground.store.discard(gone)
    assert ground.store.are_in_place([kept, twice])
    assert not ground.store.are_in_place([kept, gone])
    assert [ground.store.open(digest).read() for digest in (kept, twice)] == [RAW, b"put again"]
    assert {digest for digest, _, _ in ground.store.scan()} == {kept, twice}
    with pytest.raises(NotFound):
        ground.store.open(gone)


def test_many_threads_put_the_same_mail_at_once(ground: Ground) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            ground.put()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(list(ground.store.scan())) == 1
    assert ground.store.open(digest_of(RAW)).read() == RAW
