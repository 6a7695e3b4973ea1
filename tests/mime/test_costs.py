"""What a mail can be built to cost, and what it can be built to hide."""

import struct

import pytest

from app.mime.kinds import kind_of
from app.mime.message import read_message, rendered
from app.mime.parts import Omitted, outline
from app.mime.sanitize import TooComplex, clean, safe_html
from app.mime.zips import zip_entries
from tests.mime.test_message import multipart, zipped


def test_a_picture_shown_a_thousand_times_makes_no_page_of_a_thousand_pictures() -> None:
    picture = b"\x89PNG\r\n\x1a\n" + b"x" * 1_000_000
    raw = multipart(
        b"Content-Type: text/html\r\n\r\n" + b'<img src="cid:one">' * 1000,
        b"Content-Type: image/png\r\nContent-ID: <one>\r\n\r\n" + picture,
        kind="related",
    )
    safe, omitted = rendered(raw)
    assert omitted == {Omitted.IMAGES}
    assert len(safe.text) < 13_000_000


def test_half_characters_are_made_whole_ones() -> None:
    for head in (b'name="=?utf-7?q?+2AA-?="', b"name*=utf-7''+2AA-", b'boundary="=?utf-7?q?+2AA-?="'):
        raw = b"Content-Type: multipart/mixed; " + head + b"\r\nContent-Disposition: attachment\r\n\r\nx"
        for attachment in read_message(raw).attachments:
            attachment.name.encode()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<!---->" * 290 + b"x", "text/plain"),
        (b"<!---->" * 200 + b" <html>", "text/html"),
        (b"\xef\xbb\xbf <?xml version='1.0'?> <!-- a --> <!DOCTYPE svg PUBLIC 'x'> <!-- b --><svg>", "image/svg+xml"),
        (b"<!-- never closed <html>", "text/plain"),
    ],
)
def test_what_stands_before_the_first_element_is_passed_over_step_by_step(content: bytes, kind: str) -> None:
    assert kind_of(content) == kind


def test_of_a_zip_no_more_is_read_than_is_needed() -> None:
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0) + b"A.exe"
    count = 200_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0, 0, len(entry) * count, 0, 0)
    entries = list(zip_entries(b"PK\x03\x04" + entry * count + end))
    assert len(entries) == 2000
    assert entries[-1] == ("a.exe", False)
    whole = zipped("one.txt", "two.exe")
    for length in range(len(whole)):
        assert {name for name, _ in zip_entries(whole[:length])} <= {"one.txt", "two.exe"}
    assert [name for name, _ in zip_entries(b"what stands before" + whole)] == ["one.txt", "two.exe"]


def test_headers_of_parts_cost_no_more_than_a_few_megabytes() -> None:
    part = b"--b\r\n" + b"a\n" * 32_000 + b"Content-Type: application/pdf\r\n\r\nx\r\n"
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * 300
    found = outline(raw)
    assert Omitted.PARTS in found.omitted
    assert len(found.parts) < 300


def test_names_of_parts_are_cut() -> None:
    raw = multipart(
        b"Content-Type: text/plain; " + b"; ".join(b'name*%d="%s"' % (number, b"x" * 3000) for number in range(20)) + b"\r\n\r\nx"
    )
    assert len(outline(raw).parts[0].name) == 1000


def test_only_pictures_become_pictures() -> None:
    picture = b"Content-Type: image/gif\r\nContent-ID: <x>\r\n\r\nGIF89a"
    raw = multipart(
        b'Content-Type: text/html\r\n\r\n<p>src="cid:x" <b title=\'src="cid:x"\'>b</b><img width=1 src="cid:x" alt="a>b"></p>', picture
    )
    safe, _ = rendered(raw)
    assert safe.text.count("data:image/gif") == 1
    assert '<img width="1"' in safe.text


def test_small_html_that_grows_is_given_up() -> None:
    with pytest.raises(TooComplex):
        safe_html("<p><b title='" + "x" * 6600 + "'>" + "<p>x" * 3300)


def test_the_target_of_a_link_names_its_host_whatever_stands_before_and_behind() -> None:
    safe = clean(f'<a href="https://www.bank.example:{"a" * 400}@evil.example/{"b" * 400}">bank</a>')
    target = safe.text.split('class="target">')[1].split("<")[0]
    assert target.startswith("https://evil.example/")
    assert "…" in target
    assert len(target) < 320
