"""A stored mail read: parts, encodings, character sets, attachments and their risks, limits."""

import base64
import binascii
import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mime.content import content_of, text_of
from app.mime.filenames import saved_name, shown_name
from app.mime.kinds import kind_of
from app.mime.message import attachment_of, read_message, rendered
from app.mime.parameters import split_parameters
from app.mime.parts import Limits, Omitted, outline
from app.mime.risks import Risk, risks_of
from app.mime.sanitize import TooComplex, clean, safe_html


def multipart(*parts: bytes, kind: str = "mixed") -> bytes:
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return f"Subject: s\r\nContent-Type: multipart/{kind}; boundary=b\r\n\r\npreamble\r\n".encode() + body + b"--b--\r\nepilogue\r\n"


def attached(content: bytes, name: str = "a.bin", kind: str = "application/octet-stream") -> bytes:
    head = f'Content-Type: {kind}; name="{name}"\r\nContent-Disposition: attachment; filename="{name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    return head.encode() + base64.encodebytes(content)


def zipped(*names: str, flag: int = 0) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    content = buffer.getvalue()
    return content.replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00" + bytes([flag, 0])) if flag else content


def test_text_html_and_attachments_are_told_apart() -> None:
    raw = multipart(
        b"Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\nContent-Type: text/plain\r\n\r\nplain\r\n--c\r\nContent-Type: text/html\r\n\r\n<b>rich</b>\r\n--c--",
        attached(b"content", "report.txt", "text/plain"),
        b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text",
    )
    message = read_message(raw)
    assert (message.text, message.html, message.omitted) == ("plain", "<b>rich</b>", frozenset())
    assert [(each.name, each.declared, each.size) for each in message.attachments] == [
        ("report.txt", "text/plain", 7),
        ("", "message/rfc822", len(b"Subject: inner\r\n\r\ninner text")),
    ]
    content, name = attachment_of(raw, message.attachments[0].index) or (b"", "")
    assert (content, name) == (b"content", "report.txt")
    assert attachment_of(raw, 99) is None
    assert attachment_of(raw, -1) is None


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        ("iso-8859-7", "Καλημέρα".encode("iso-8859-7"), "Καλημέρα"),
        ("windows-1251", "Привет".encode("windows-1251"), "Привет"),
        ("gb2312", "你好㐂".encode("gb18030"), "你好㐂"),
        ("shift_jis", "こんにちは".encode("shift_jis"), "こんにちは"),
        ("", "grüße".encode(), "grüße"),
        ("", "grüße".encode("latin-1"), "grüße"),
        ("us-ascii", "grüße".encode(), "grüße"),
        ("utf-8", "grüße".encode("latin-1"), "grüße"),
        ("x-nonsense", "grüße".encode(), "grüße"),
        ("utf-16", "grüße".encode("utf-16"), "grüße"),
        ("base64_codec", b"aGk=", "aGk="),
    ],
)
def test_text_is_read_in_the_character_set_it_is_in(charset: str, octets: bytes, text: str) -> None:
    raw = f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode() + base64.encodebytes(octets)
    assert text_of(raw, outline(raw).parts[0], 1000) == text


def test_an_html_meta_tells_the_set_where_the_header_does_not() -> None:
    raw = b"Content-Type: text/html\r\n\r\n<meta charset=iso-8859-7>" + "ώρα".encode("iso-8859-7")
    assert read_message(raw).html.endswith("ώρα")


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("quoted-printable", b"gr=C3=BC=\r\n=C3=9Fe"), ("base64", b"Z3LDvMOfZQ"), ("8bit", "grüße".encode()), ("BASE64 ", b"Z3LD\r\nvMOf ZQ=="), ("nonsense", "grüße".encode())],
)  # fmt: skip
def test_encodings_are_undone_also_broken_ones(encoding: str, body: bytes) -> None:
    raw = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n" + body
    text = read_message(raw).text
    assert text in ("grüße", "grüß")


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b'attachment; filename="a b.pdf"', "a b.pdf"),
        (b"attachment; filename=plain.pdf", "plain.pdf"),
        (b"attachment; filename*=UTF-8''gr%C3%BC%C3%9Fe.pdf", "grüße.pdf"),
        (b"attachment; filename*0*=iso-8859-1''gr%FC; filename*1*=%DFe; filename*2=.pdf", "grüße.pdf"),
        (b'attachment; filename="=?utf-8?B?Z3LDvMOfZS5wZGY=?="', "grüße.pdf"),
        ('attachment; filename="grüße.pdf"'.encode(), "grüße.pdf"),
        (b'attachment; filename="a\\"b.pdf"', 'a"b.pdf'),
        (b"attachment; filename=first.pdf; filename=second.exe", "first.pdf"),
        (b'attachment; filename="never closed', "never closed"),
    ],
)
def test_names_are_read_as_mailers_write_them(value: bytes, name: str) -> None:
    assert split_parameters(value)[1]["filename"] == name


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("../../etc/passwd", "passwd"), ("..\\..\\boot.ini", "boot.ini"), ("/abs/olute.txt", "olute.txt"), ("a\0b\r\n.exe", "a_b_.exe"), ("con", "x"), ("NUL.txt", "x"),
        ("", "x"), ("...", "x"), ("invoice\u202efdp.exe", "invoicefdp.exe"), ("y" * 300 + ".exe", "y" * 100 + ".exe"), ('q"u;o.txt', "q_u_o.txt"),
    ],
)  # fmt: skip
def test_a_name_to_save_under_leads_nowhere(name: str, saved: str) -> None:
    assert saved_name(name, "x") == saved


def test_what_a_name_hides_is_shown() -> None:
    assert shown_name("invoice\u202efdp.exe") == "invoice[U+202E]fdp.exe"
    assert shown_name("a\nb") == "a[U+000A]b"
    assert len(shown_name("z" * 5000)) < 250


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"MZ\x90", "application/x-dosexec"), (b"%PDF-1.7", "application/pdf"), (b"\x89PNG\r\n\x1a\n", "image/png"), (zipped("a.txt"), "application/zip"),
        (zipped("word/document.xml"), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"), (b"<html><body>", "text/html"),
        (b" <!-- x -->\n<!DOCTYPE html>", "text/html"), (b"<?xml version='1.0'?><svg xmlns='x'>", "image/svg+xml"), (b"just words", "text/plain"), (b"\0\1\2", "application/octet-stream"), (b"", "text/plain"),
    ],
)  # fmt: skip
def test_a_file_is_what_its_bytes_say(content: bytes, kind: str) -> None:
    assert kind_of(content) == kind


@pytest.mark.parametrize(
    ("name", "content", "risks"),
    [
        ("invoice.pdf.exe", b"MZ", {Risk.EXECUTABLE, Risk.DOUBLE_ENDING}),
        ("photo.jpg", b"MZ", {Risk.EXECUTABLE, Risk.DISGUISED}),
        ("invoice\u202efdp.js", b"x", {Risk.EXECUTABLE, Risk.DISGUISED}),
        ("list.xlsm", zipped("xl/vbaProject.bin"), {Risk.MACROS}),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "_VBA_PROJECT".encode("utf-16-le"), {Risk.MACROS}),
        ("a.zip", zipped("setup.exe"), {Risk.ARCHIVED_EXECUTABLE}),
        ("a.zip", zipped("b.zip"), {Risk.NESTED}),
        ("a.zip", zipped("a.txt", flag=1), {Risk.ENCRYPTED}),
        ("a.pdf", b"%PDF-1.4 /Encrypt /JavaScript", {Risk.ENCRYPTED, Risk.SCRIPTED}),
        ("page.html", b"<html>", {Risk.SCRIPTED}),
        ("readme.txt", b"words", set()),
        ("report.pdf", b"%PDF-1.4", set()),
        ("photo.png", b"\x89PNG\r\n\x1a\n", set()),
        ("broken.zip", b"PK\x03\x04garbage", set()),
    ],
)
def test_dangerous_attachments_are_marked(name: str, content: bytes, risks: set[Risk]) -> None:
    assert risks_of(name, kind_of(content), content) == risks


def test_more_than_can_be_looked_at_is_left_out_and_said() -> None:
    assert outline(multipart(*[b"Content-Type: text/plain\r\n\r\nx"] * 600)).omitted == {Omitted.PARTS}
    deep = b"Content-Type: text/plain\r\n\r\nx"
    for level in range(30):
        deep = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) + deep + b"\r\n--b%d--" % level
    assert outline(deep).omitted == {Omitted.DEPTH}
    assert outline(multipart(b"x"), Limits(parts=0)).omitted == {Omitted.PARTS}
    assert read_message(b"Content-Type: text/plain\r\n\r\n" + b"x" * (3 << 20)).omitted == {Omitted.TEXT}
    _, omitted = rendered(b"Content-Type: text/html\r\n\r\n" + b"<div>" * 150_000)
    assert omitted == {Omitted.HTML}


def test_html_that_keeps_its_reader_busy_is_given_up() -> None:
    with pytest.raises(TooComplex):
        safe_html("<div>" * 200_000)
    long = "<p>" + "word " * 20_000 + "<script>alert(1)</script></p>"
    assert "<script" not in safe_html(long).text
    assert safe_html(long) == clean(long)


def test_pictures_of_the_mail_itself_are_shown_and_no_others() -> None:
    png = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")
    html = b'Content-Type: text/html\r\n\r\n<img src="cid:logo@x"><img src="cid:evil@x"><img src="cid:none"><img src="http://evil.example/t.gif">'
    raw = multipart(
        html,
        b"Content-ID: <logo@x>\r\n" + attached(png, "logo.png", "image/png"),
        b"Content-ID: <evil@x>\r\n" + attached(b"<svg onload=alert(1)>", "e.png", "image/png"),
        kind="related",
    )
    safe, _ = rendered(raw)
    assert safe.text.count("data:image/png;base64,") == 1
    assert "evil" not in safe.text
    assert safe.blocked == 1


@pytest.mark.parametrize("kind", ["text/calendar", "text/csv", "text/x-amp-html", "text/rtf", "image/png", "nonsense"])
def test_a_part_that_is_not_shown_as_text_is_an_attachment(kind: str) -> None:
    raw = multipart(b"Content-Type: text/plain\r\n\r\nhello", f"Content-Type: {kind}\r\n\r\ncontent".encode())
    message = read_message(raw)
    assert message.text == "hello"
    assert len(message.attachments) == 1
    assert attachment_of(raw, message.attachments[0].index) == (b"content", "part-1.bin")


def test_uuencoded_content_is_read_between_begin_and_end() -> None:
    lines = b"".join(binascii.b2a_uu(piece) for piece in (b"some ", b"content"))
    raw = b"Content-Transfer-Encoding: x-uuencode\r\n\r\nwords before\r\nbegin 644 a.txt\r\n" + lines + b"\r\nend\r\nafter"
    assert content_of(raw, outline(raw).parts[0]) == b"some content"


def test_a_link_shows_where_it_leads_and_leads_nowhere() -> None:
    text = clean('<p>Go to <a href="https://evil.example/?a=1&b=<x>" onclick="x()">your <b>bank</b></a> now</p>').text
    assert "<a" not in text
    assert "https://evil.example/?a=1&amp;b=" in text
    assert text.index("bank") < text.index("evil.example") < text.index("now")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=4000))
def test_no_bytes_whatever_raise(raw: bytes) -> None:
    read_message(raw)
    rendered(raw)
    attachment_of(raw, 0)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([b"--b", b"--b--", b"\r\n", b"\n", b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: text/html", b"Content-Transfer-Encoding: base64", b"=?x?", b"<p>", b" ", b"a"]), max_size=60))  # fmt: skip
def test_no_structure_whatever_raises(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    found = outline(raw)
    for part in found.parts:
        assert 0 <= part.start <= part.end <= len(raw)
    read_message(raw)
