"""Imports: every line has its verdict, the good ones are written in one change, and what was confirmed counts as it is then."""

import io
import threading
from typing import Any

import pytest
from flask import Flask

from app.actor import SYSTEM
from app.errors import BadRequest, NotAllowed, NotFound, TooLarge
from app.extensions import db
from app.models import MapUpload, MapUploadPart
from app.queries.map_reach import EVERYTHING, MapReach
from app.queries.maps import map_called
from app.queries.scope import Scope
from app.rspamd.map_kinds import MapKind
from app.rspamd.map_lines import read_lines
from app.services.map_import import import_lines, preview
from app.services.map_tally import Mode, Tally, Verdict
from app.services.map_uploads import forget_upload, keep_upload, pieces_of, text_of, upload_of
from tests.make import list_value
from tests.services.test_map_entries import PAIRS, SENDERS, alive, the_map

BOB = MapReach(user_id=7, own=Scope(("bob@example.com",)))
GARBAGE = b"\x00\xff\xfe\n@@@\n" + b"x" * 100_000 + b"\n\xef\xbb\xbfgood@example.net\r\n\r\n# a remark of words\n"


def look(text: str | bytes, mode: Mode = Mode.ADD, form: str = "text", name: str = SENDERS, reach: MapReach = EVERYTHING) -> Tally:
    raw = text.encode() if isinstance(text, str) else text
    found = map_called(reach, name)
    return preview(reach, found, read_lines(MapKind(found.kind), form, [raw]), mode, form=form)


def bring(
    text: str | bytes, mode: Mode = Mode.ADD, form: str = "text", name: str = SENDERS, reach: MapReach = EVERYTHING, **more: Any
) -> Tally:
    raw = text.encode() if isinstance(text, str) else text
    found = map_called(reach, name)
    return import_lines(reach, found, read_lines(MapKind(found.kind), form, [raw]), mode, form=form, actor=SYSTEM, **more)


def some(tally: Tally) -> dict[str, int]:
    return tally.told()


def test_a_preview_says_of_each_line_what_it_is_and_writes_nothing(app: Flask) -> None:
    list_value(app, SENDERS, "there@example.net", comment="why")
    list_value(app, "mail_from_whitelist", "example.org")
    text = "new@example.net\nnew@example.net\nthere@example.net\nnonsense@\nbob@example.org\n# off@example.net\n"
    with app.app_context():
        tally = look(text)
        assert some(tally) == {"new": 3, "same": 1, "twice": 1, "wrong": 1}
        assert [(one.line.number, one.verdict, one.against) for one in tally.notable] == [
            (4, Verdict.WRONG, ()),
            (5, Verdict.NEW, ("mail_from_whitelist",)),
            (2, Verdict.TWICE, ()),
        ]
        assert list(alive()) == ["there@example.net"]
        assert some(look("value,comment\nthere@example.net,because\n", form="csv")) == {"other": 1}


@pytest.mark.parametrize("mode", Mode)
def test_the_three_modes_do_what_their_names_say(app: Flask, mode: Mode) -> None:
    list_value(app, SENDERS, "kept@example.net", comment="old")
    list_value(app, SENDERS, "unnamed@example.net")
    with app.app_context():
        tally = bring("value,comment,score\nkept@example.net,new,2\nfresh@example.net,,\nbad@,,\n", mode, "csv")
        entries = alive()
        assert entries["kept@example.net"].comment == ("old" if mode is Mode.ADD else "new")
        assert ("unnamed@example.net" in entries, tally.removed) == ((False, 1) if mode is Mode.REPLACE else (True, 0))
        assert (some(tally), tally.revision, the_map().revision) == ({"new": 1, "other": 1, "wrong": 1}, 3, 3)
        assert "fresh@example.net" in entries


def test_text_takes_nothing_away_that_it_cannot_say(app: Flask) -> None:
    list_value(app, SENDERS, "kept@example.net", comment="old")
    with app.app_context():
        assert bring("kept@example.net\n", Mode.REPLACE).revision is None
        bring("kept@example.net # new\n", Mode.UPDATE)
        assert alive()["kept@example.net"].comment == "new"


def test_a_replacement_without_a_good_line_empties_no_map(app: Flask) -> None:
    list_value(app, SENDERS, "kept@example.net")
    with app.app_context():
        for text in ("", "@@@\n", "\n# of words only\n"):
            with pytest.raises(BadRequest):
                bring(text, Mode.REPLACE)
        assert list(alive()) == ["kept@example.net"]


def test_garbage_spoils_nothing(app: Flask) -> None:
    with app.app_context():
        for form in ("text", "csv", "json"):
            assert look(GARBAGE, form=form).counts[Verdict.WRONG] >= 1
        assert bring(GARBAGE).counts[Verdict.NEW] == 1
        assert list(alive()) == ["good@example.net"]


def test_everybody_brings_only_what_is_theirs_to_list(app: Flask) -> None:
    list_value(app, PAIRS, "a@example.net|carol@example.com")
    text = "a@example.net|bob@example.com\na@example.net|carol@example.com\na@example.net|example.com\n"
    with app.app_context():
        assert some(look(text, name=PAIRS, reach=BOB)) == {"new": 1, "not_yours": 2}
        assert bring(text, name=PAIRS, reach=BOB).counts[Verdict.NEW] == 1
        assert alive(PAIRS)["a@example.net|bob@example.com"].owner_id == 7
        assert "a@example.net|example.com" not in alive(PAIRS)
        with pytest.raises(NotAllowed):
            look(text, Mode.REPLACE, name=PAIRS, reach=BOB)
        with pytest.raises(NotAllowed):
            bring(text, Mode.REPLACE, name=PAIRS, reach=BOB)
        with pytest.raises(NotFound):
            look("a@example.net", reach=BOB)
        with pytest.raises(NotAllowed):
            bring("a@example.net", reach=MapReach(user_id=8, sees_all=True, own=Scope(("watcher@example.com",))))


def test_what_is_written_is_judged_anew(app: Flask) -> None:
    with app.app_context():
        assert look("one@example.net\ntwo@example.net\n").good(Mode.ADD) == 2
    list_value(app, SENDERS, "one@example.net")
    with app.app_context():
        tally = bring("one@example.net\ntwo@example.net\n")
        assert (some(tally), tally.revision) == ({"same": 1, "new": 1}, 2)


def test_two_at_once_lose_and_double_nothing(any_app: Flask) -> None:
    tallies: list[Tally] = []
    texts = ["".join(f"u{number}@example.net\n" for number in range(start, start + 1500)) for start in (0, 700)]

    def run(text: str) -> None:
        with any_app.app_context():
            tallies.append(bring(text))

    threads = [threading.Thread(target=run, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with any_app.app_context():
        assert sorted(tally.revision or 0 for tally in tallies) == [1, 2]
        assert sum(tally.counts[Verdict.NEW] for tally in tallies) == 2200
        assert look(texts[0] + texts[1]).counts[Verdict.NEW] == 0


def test_many_lines_are_one_change(app: Flask) -> None:
    lines = (f"198.51.{number >> 8}.{number & 255}\n".encode() for number in range(5_000) if number >> 8 < 256)
    with app.app_context():
        found = the_map("ip_blacklist")
        told: list[int] = []
        tally = import_lines(
            EVERYTHING, found, read_lines(MapKind.IP, "text", lines), Mode.ADD, form="text", actor=SYSTEM, told=told.append
        )
        assert (some(tally), tally.revision, told[-1], len(tally.notable)) == ({"new": 5_000}, 1, 5_000, 0)


def test_of_each_sort_enough_lines_are_kept_to_be_shown(app: Flask) -> None:
    with app.app_context():
        tally = look("one@example.net\n" * 300 + "@@@\n" * 300)
        assert [one.verdict for one in tally.notable] == [Verdict.WRONG] * 100 + [Verdict.TWICE] * 100
        assert tally.is_cut


def uploaded(raw: bytes, user_id: int = 7) -> MapUpload:
    return keep_upload(the_map(), user_id, io.BytesIO(raw), 1_000_000, name="list.txt")


def confirm(upload: MapUpload, mode: Mode = Mode.REPLACE) -> Tally:
    lines = read_lines(MapKind.ADDRESS_OR_DOMAIN, upload.form, pieces_of(upload))
    return import_lines(EVERYTHING, the_map(), lines, mode, form=upload.form, actor=SYSTEM, upload=upload, name=upload.name)


def left() -> tuple[int, int]:
    return db.session.query(MapUpload).count(), db.session.query(MapUploadPart).count()


def test_an_upload_is_used_once(app: Flask) -> None:
    with app.app_context():
        upload = uploaded(b"one@example.net\n" * 40_000)
        assert (left(), sum(map(len, pieces_of(upload)))) == ((1, 3), 640_000)
        assert some(confirm(upload)) == {"new": 1, "twice": 39_999}
        assert left() == (0, 0)


def test_whoever_confirms_second_does_not_empty_the_map(app: Flask) -> None:
    """The first one drops the pieces while the second still holds the upload that it found."""
    with app.app_context():
        upload = uploaded(b"one@example.net\ntwo@example.net\n")
        token = upload.token
    late: list[NotFound] = []
    begun, gate = threading.Event(), threading.Event()

    def second() -> None:
        with app.app_context():
            found = upload_of(the_map(), 7, token)
            begun.set()
            gate.wait(10)
            try:
                confirm(found)
            except NotFound as error:
                late.append(error)

    other = threading.Thread(target=second)
    other.start()
    begun.wait(10)
    with app.app_context():
        confirm(upload_of(the_map(), 7, token))
    gate.set()
    other.join()
    with app.app_context():
        assert (len(late), sorted(alive())) == (1, ["one@example.net", "two@example.net"])


def test_pieces_that_are_gone_are_no_end_of_the_list(app: Flask) -> None:
    with app.app_context():
        list_value(app, SENDERS, "kept@example.net")
        upload = uploaded(b"one@example.net\n" * 40_000)
        db.session.query(MapUploadPart).filter(MapUploadPart.number == 2).delete()
        db.session.commit()
        with pytest.raises(NotFound):
            confirm(upload)
        assert list(alive()) == ["kept@example.net"]


def test_uploads_are_their_owners_bounded_and_few(app: Flask) -> None:
    with app.app_context():
        tokens = [uploaded(b"one@example.net\n").token for _ in range(7)]
        assert left() == (5, 5)
        with pytest.raises(NotFound):
            upload_of(the_map(), 7, tokens[0])
        with pytest.raises(NotFound):
            upload_of(the_map(), 8, tokens[-1])
        with pytest.raises(NotFound):
            upload_of(the_map("ip_blacklist"), 7, tokens[-1])
        for wrong, raw in ((TooLarge, b"x" * 1_000_001), (BadRequest, b"")):
            with pytest.raises(wrong):
                uploaded(raw, user_id=9)
        forget_upload(upload_of(the_map(), 7, tokens[-1]).id)
        assert left() == (4, 4)


def test_a_text_is_shown_to_be_mended_only_where_it_comes_back_as_it_was(app: Flask) -> None:
    with app.app_context():
        assert text_of(uploaded("größe\r\n".encode()), 100) == "größe\r\n"
        assert [text_of(uploaded(raw), 100) for raw in (b"\xff", b"a\0b", b"x" * 101)] == [None] * 3
