"""The HTML of letters: what an admin may write, and that no word put into it can be anything but a word."""

import pytest

from app.mime.letter_html import check
from app.mime.mustache import Wrong, WrongTemplate

GOOD = [
    "just words & more",
    '<!doctype html>\n<html lang="{{language}}"><head><title>{{site}}</title><style>@media print { .b { color: red }}</style></head></html>',
    '<a class="b" href="{{release_link}}">x</a><a href="https://example.com/?a=1">y</a><a href="mailto:help@example.com">z</a>',
    "<img src='{{logo}}' alt='{{site}}' height='40'/><img src=\"https://example.com/logo.png\">",
    "{{#mails}}<tr><td nowrap>{{subject}}</td></tr>{{/mails}}",
    '<meta name="viewport" content="width=device-width"><p style="color:#123;margin:0">x</p>',
]
WRONG = [
    ("a\n<script>alert(1)</script>", Wrong.TAG),
    ("<iframe src='https://example.com/'></iframe>", Wrong.TAG),
    ("<form action='https://example.com/'>", Wrong.TAG),
    ("<svg onload='x'>", Wrong.TAG),
    ("<base href='https://example.com/'>", Wrong.TAG),
    ("<link rel='stylesheet' href='https://example.com/x.css'>", Wrong.TAG),
    ("<p onclick='x()'>", Wrong.ATTRIBUTE),
    ("<meta http-equiv='refresh' content='0;url=https://example.com'>", Wrong.ATTRIBUTE),
    ("<meta name='referrer' content='unsafe-url'>", Wrong.ATTRIBUTE),
    ("<a href='javascript:alert(1)'>", Wrong.TARGET),
    ("<a href='{{sender}}'>", Wrong.TARGET),
    ("<a href='https://{{sender}}/'>", Wrong.TARGET),
    ("<a href='https://example.com/?q={{subject}}'>", Wrong.TARGET),
    ("<a href='{{release_link}}{{subject}}'>", Wrong.TARGET),
    ("<a href='data:text/html,x'>", Wrong.TARGET),
    ("<a href='//example.com/'>", Wrong.TARGET),
    ("<img src='http://example.com/pixel.gif'>", Wrong.TARGET),
    ("<img src='{{release_link}}'>", Wrong.TARGET),
    ("<td title='{{subject}}'>", Wrong.PLACE),
    ("<td style='color:{{subject}}'>", Wrong.PLACE),
    ("<td class='{{#virus}}bad{{/virus}}'>", Wrong.PLACE),
    ("<style>.b { color: {{site}} }</style>", Wrong.PLACE),
    ("<style>@import 'https://example.com/x.css';</style>", Wrong.STYLE),
    ("<style>.b { background: url(https://example.com/x) }</style>", Wrong.STYLE),
    ("<style>.b { background: u\\72l(https://example.com/x) }</style>", Wrong.STYLE),
    ("<p style='background:url(https://example.com/x)'>", Wrong.STYLE),
    ("<style>.b { color: red }", Wrong.UNCLOSED),
    ("<td title={{subject}}>", Wrong.SYNTAX),
    ("<td {{#virus}}class='bad'{{/virus}}>", Wrong.SYNTAX),
    ("<{{subject}}>", Wrong.SYNTAX),
    ("<!-- {{subject}} -->", Wrong.SYNTAX),
    ("<p>1 < 2</p>", Wrong.SYNTAX),
    ("<p title='a>b'>", Wrong.SYNTAX),
    ("<p title='open", Wrong.SYNTAX),
    ("<p/onclick=x>", Wrong.SYNTAX),
    ("<?php x ?>", Wrong.SYNTAX),
    ("<![CDATA[x]]>", Wrong.SYNTAX),
    ("<p" + " " * 50_000, Wrong.SYNTAX),
    ("<p" + " a" * 20_000, Wrong.SYNTAX),
]


@pytest.mark.parametrize("source", GOOD)
def test_what_letters_are_made_of_is_taken(source: str) -> None:
    check(source)


@pytest.mark.parametrize(("source", "why"), WRONG, ids=lambda value: str(value)[:40])
def test_what_could_be_more_than_words_is_refused(source: str, why: Wrong) -> None:
    with pytest.raises(WrongTemplate) as refused:
        check(f"<p>\n{source}")
    assert refused.value.why is why
    assert refused.value.line == (3 if source.startswith("a\n") else 2)
