"""The journal: flushed or refused, readable after any death, one owner a slot."""

import errno
import os
import pathlib
import random
import struct
import zlib

import pytest

from app.errors import Unavailable
from app.ids import SLOTS
from app.storage import spool
from app.storage.spool import Journal, Record, Slot, claim, left_behind, read


def record(number: int, size: int = 100) -> Record:
    return Record(number, b"head %d" % number, random.Random(number).randbytes(size))


@pytest.fixture
def slot(tmp_path: pathlib.Path) -> Slot:
    slot = claim(tmp_path)
    assert slot is not None
    return slot


@pytest.fixture
def journal(slot: Slot) -> Journal:
    return Journal(slot)


def test_what_is_appended_is_read_in_order(journal: Journal) -> None:
    records = [record(number, size) for number, size in enumerate([0, 1, 5000, 100_000, 3], start=1)]
    journal.append(records[:2], [])
    segment = journal.append(records[2:], [])
    assert list(read(segment.path)) == records


def test_more_records_than_one_writev_takes(journal: Journal) -> None:
    records = [record(number, 10) for number in range(1, 1500)]
    segment = journal.append(records, [])
    assert list(read(segment.path)) == records


def test_committed_mails_are_not_read_again(journal: Journal) -> None:
    segment = journal.append([record(1), record(2), record(3)], [])
    journal.committed(segment, [1, 3])
    assert segment.pending == {2}
    journal.close_active()
    assert [found.id for found in read(segment.path)] == [2]


@pytest.mark.parametrize("cut", [1, 10, 120, 140, 250])
def test_a_torn_end_costs_only_what_was_never_answered(journal: Journal, cut: int) -> None:
    journal.append([record(1), record(2)], [])
    segment = journal.append([record(3)], [])
    os.truncate(segment.path, segment.path.stat().st_size - cut)
    found = list(read(segment.path))
    assert found == [record(1), record(2)][: len(found)]
    assert len(found) == (2 if cut < 140 else 1)


def test_every_truncation_reads_without_an_error(journal: Journal) -> None:
    segment = journal.append([record(1, 20), record(2, 20)], [])
    whole = segment.path.read_bytes()
    for length in range(len(whole)):
        segment.path.write_bytes(whole[:length])
        assert [found.id for found in read(segment.path)] in ([], [1])


def test_damage_in_the_middle_costs_one_mail(journal: Journal) -> None:
    segment = journal.append([record(1), record(2), record(3)], [])
    content = bytearray(segment.path.read_bytes())
    content[content.index(b"head 2") + 8] ^= 0xFF
    segment.path.write_bytes(content)
    assert [found.id for found in read(segment.path)] == [1, 3]


@pytest.mark.parametrize("place", range(25))
def test_damage_anywhere_in_a_frame_is_seen(journal: Journal, place: int) -> None:
    """Mark, kind, id and lengths: a mail under a wrong id would be another mail."""
    segment = journal.append([record(1 << 62 | 1), record(2)], [])
    content = bytearray(segment.path.read_bytes())
    content[16 + place] ^= 0x04
    segment.path.write_bytes(content)
    assert [found.id for found in read(segment.path)] == [2]


def test_a_segment_of_the_first_version_is_read(tmp_path: pathlib.Path) -> None:
    path, mark, head, body = tmp_path / "first.seg", b"the mark", b"head", b"body"
    checksum = zlib.crc32(body, zlib.crc32(head, 7 ^ 1))
    path.write_bytes(b"MKSPOOL1" + mark + struct.pack(">8sBQIII", mark, 1, 7, len(head), len(body), checksum) + head + body)
    assert list(read(path)) == [Record(7, head, body)]


def test_a_mail_cannot_hold_a_false_record(journal: Journal, tmp_path: pathlib.Path) -> None:
    other = claim(tmp_path)
    assert other
    forged = Journal(other).append([record(666)], []).path.read_bytes()
    segment = journal.append([Record(1, b"head", forged), record(2)], [])
    content = bytearray(segment.path.read_bytes())
    content[40] ^= 0xFF  # the first record is damaged, so the reader looks for the next
    segment.path.write_bytes(content)
    assert 666 not in [found.id for found in read(segment.path)]


def test_a_full_disk_takes_back_what_was_half_written(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = journal.append([record(1)], [])
    real = os.writev

    def short(descriptor: int, parts: list[bytes]) -> int:
        real(descriptor, [parts[0], parts[1][:2]])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("app.storage.spool.os.writev", short)
    with pytest.raises(OSError):
        journal.append([record(2)], [])
    monkeypatch.undo()
    journal.append([record(3)], [])
    assert [found.id for found in read(segment.path)] == [1, 3]
    assert segment.pending == {1, 3}


def test_a_first_write_that_fails_leaves_no_file(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("app.storage.spool.os.writev", full)
    with pytest.raises(OSError):
        journal.append([record(1)], [])
    assert journal.slot.segments() == []


def test_a_folder_that_cannot_be_flushed_leaves_no_file_and_no_descriptor(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("app.storage.spool.os.fsync", broken)
    before = len(list(pathlib.Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError):
        journal.append([record(1)], [])
    assert len(list(pathlib.Path("/proc/self/fd").iterdir())) == before
    assert journal.slot.segments() == []


def test_a_write_that_takes_less_than_it_was_given_goes_on(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.writev
    monkeypatch.setattr("app.storage.spool.os.writev", lambda descriptor, parts: real(descriptor, [b"".join(parts)[:30]]))
    segment = journal.append([record(1), record(2)], [])
    assert [found.id for found in read(segment.path)] == [1, 2]


def test_a_flush_that_fails_is_a_refusal(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = journal.append([record(1)], [])

    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("app.storage.spool.os.fdatasync", broken)
    with pytest.raises(OSError):
        journal.append([record(2)], [])
    assert [found.id for found in read(segment.path)] == [1]


def test_each_claim_gets_a_slot_of_its_own_until_none_is_left(tmp_path: pathlib.Path) -> None:
    slots = [claim(tmp_path) for _ in range(SLOTS)]
    assert [slot.number for slot in slots if slot] == list(range(SLOTS))
    assert claim(tmp_path) is None
    assert claim(tmp_path, 3) is None
    assert slots[3]
    slots[3].release()
    again = claim(tmp_path)
    assert again
    assert again.number == 3


def test_a_killed_process_frees_its_slot_and_leaves_its_mails(tmp_path: pathlib.Path) -> None:
    child = os.fork()
    if not child:
        slot = claim(tmp_path, 0)
        assert slot
        Journal(slot).append([record(7)], [])
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    slot = claim(tmp_path, 0)
    assert slot
    assert [found.id for path in slot.segments() for found in read(path)] == [7]
    assert [number for number, _ in left_behind(tmp_path)] == [0]


def test_a_folder_that_cannot_be_used_is_a_clear_answer(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(Unavailable, match="cannot be used"):
        claim(tmp_path / "file")


def test_a_slot_that_cannot_be_opened_is_passed_over(tmp_path: pathlib.Path) -> None:
    (tmp_path / "00" / "lock").mkdir(parents=True)
    (tmp_path / "01").write_text("not a folder")
    slot = claim(tmp_path)
    assert slot
    assert slot.number == 2
    with pytest.raises(Unavailable, match="00/lock cannot be used: Is a directory"):
        claim(tmp_path, 0)


def test_a_forgotten_segment_is_gone(journal: Journal) -> None:
    segment = journal.append([record(1)], [])
    journal.close_active()
    journal.forget(segment)
    assert journal.slot.segments() == []
    assert journal.append([record(2)], []).path != segment.path


def test_one_mail_set_aside_reads_back(tmp_path: pathlib.Path) -> None:
    spool.write_one(tmp_path / "5.seg", record(5))
    assert list(read(tmp_path / "5.seg")) == [record(5)]


def test_a_mail_set_aside_once_more_is_never_half_there(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "failed" / "5.seg"
    spool.write_one(path, record(5))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("app.storage.spool.os.fsync", full)
    with pytest.raises(OSError):
        spool.write_one(path, record(6))
    assert list(read(path)) == [record(5)]
    assert list(path.parent.iterdir()) == [path]


def test_a_mail_set_aside_is_flushed_with_the_folders_that_name_it(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed = flushed_folders(monkeypatch)
    spool.write_one(tmp_path / "failed" / "5.seg", record(5))
    assert flushed[-2:] == [tmp_path / "failed", tmp_path]


def flushed_folders(monkeypatch: pytest.MonkeyPatch) -> list[pathlib.Path]:
    """Fills as they are flushed."""
    flushed: list[pathlib.Path] = []
    monkeypatch.setattr(
        "app.storage.spool.os.fsync", lambda descriptor: flushed.append(pathlib.Path(f"/proc/self/fd/{descriptor}").readlink())
    )
    return flushed
