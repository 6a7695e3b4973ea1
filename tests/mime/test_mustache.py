"""Templates without logic: what they make of values, and that whoever writes one can do nothing else with it."""

import pytest

from app.mime.mustache import LONGEST_TEMPLATE, Names, TooMuch, Wrong, WrongTemplate, parse

NAMES = Names(frozenset(("site", "more")), frozenset(("one",)), {"mails": Names(frozenset(("subject",)), frozenset(("virus",)))})
MAILS = [{"subject": "first", "virus": False}, {"subject": "<b>\"second\" & 'last'", "virus": True}]
VALUES = {"site": "Keep & Co", "more": "", "one": False, "mails": MAILS}


def filled(source: str, *, is_html: bool = False, **values: object) -> str:
    return parse(source, NAMES, is_html=is_html).fill(VALUES | values)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", ""),
        ("a {{site}} b {{ site }}", "a Keep & Co b Keep & Co"),
        ("{{#more}}x{{/more}}{{^more}}y{{/more}}", "y"),
        ("{{#one}}x{{/one}}{{^one}}{{#site}}{{site}}{{/site}}{{/one}}", "Keep & Co"),
        ("{{#mails}}[{{subject}}|{{site}}{{#virus}}!{{/virus}}]{{/mails}}", "[first|Keep & Co][<b>\"second\" & 'last'|Keep & Co!]"),
        ("a\n  {{#mails}}\n- {{subject}}\n{{/mails}}\nb\n", "a\n- first\n- <b>\"second\" & 'last'\nb\n"),
        ("a\r\n{{#one}}\r\nb\r\n{{/one}}\r\nc", "a\nc"),
        ("{{^mails}}none{{/mails}}.", "."),
        ("@media { .b { color: red }}", "@media { .b { color: red }}"),
    ],
)
def test_what_is_made_of_it(source: str, text: str) -> None:
    assert filled(source) == text


def test_a_value_is_never_read_as_a_template_and_html_is_escaped_everywhere() -> None:
    assert filled("{{site}}", site="{{#mails}}{{more}}{{/mails}}") == "{{#mails}}{{more}}{{/mails}}"
    made = filled('<i title="{{site}}">{{#mails}}{{subject}};{{/mails}}</i>', is_html=True)
    assert made == '<i title="Keep &amp; Co">first;&lt;b&gt;&quot;second&quot; &amp; &#x27;last&#x27;;</i>'


@pytest.mark.parametrize(
    ("source", "why", "line"),
    [
        ("a\n{{password}}", Wrong.UNKNOWN, 2),
        ("{{subject}}", Wrong.UNKNOWN, 1),
        ("{{#mails}}{{/mails}}\n{{#virus}}{{/virus}}", Wrong.UNKNOWN, 2),
        ("\n\n{{#one}}", Wrong.UNCLOSED, 3),
        ("{{#one}}{{#mails}}{{/one}}{{/mails}}", Wrong.UNCLOSED, 1),
        ("{{/one}}", Wrong.UNOPENED, 1),
        ("{{mails}}", Wrong.NO_VALUE, 1),
        ("{{one}}", Wrong.NO_VALUE, 1),
        ("{{#mails}}{{#mails}}x{{/mails}}{{/mails}}", Wrong.TWICE, 1),
        ("{{#mails}}{{#virus}}{{#mails}}x{{/mails}}{{/virus}}{{/mails}}", Wrong.TWICE, 1),
        ("{{#one}}" * 30 + "{{/one}}" * 30, Wrong.DEEP, 1),
        ("x" * (LONGEST_TEMPLATE + 1), Wrong.LONG, 1),
        ("x" * (1 << 20), Wrong.LONG, 1),
        ("a\0b", Wrong.HIDDEN, 1),
        ("a\n\ud800", Wrong.HIDDEN, 2),
        ("\x1b[31m", Wrong.HIDDEN, 1),
        ("{{{site}}}", Wrong.SYNTAX, 1),
        ("{{&site}}", Wrong.SYNTAX, 1),
        ("{{>site}}", Wrong.SYNTAX, 1),
        ("{{=<% %>=}}", Wrong.SYNTAX, 1),
        ("{{! remark }}", Wrong.SYNTAX, 1),
        ("{{site.__class__}}", Wrong.SYNTAX, 1),
        ("{{__class__}}", Wrong.SYNTAX, 1),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", Wrong.SYNTAX, 1),
        ("{{config}}", Wrong.UNKNOWN, 1),
        ("{{7*7}}", Wrong.SYNTAX, 1),
        ("{{ cycler.__init__.__globals__.os.popen('id').read() }}", Wrong.SYNTAX, 1),
        ("{{site|safe}}", Wrong.SYNTAX, 1),
        ("{{si\nte}}", Wrong.SYNTAX, 1),
        ("{{SITE}}", Wrong.SYNTAX, 1),
        ("{{}}", Wrong.SYNTAX, 1),
        ("{{" * 5000, Wrong.SYNTAX, 1),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_template_is_refused_with_its_line(source: str, why: Wrong, line: int) -> None:
    with pytest.raises(WrongTemplate) as refused:
        parse(source, NAMES, is_html=True)
    assert (refused.value.why, refused.value.line) == (why, line)


@pytest.mark.parametrize("source", ["{% for x in [1] %}{{site}}{% endfor %}", "${7*7} #{7*7} <%= 7 %> {%x%} %s {0} $site"])
def test_the_words_of_other_engines_are_words(source: str) -> None:
    assert filled(source) == source.replace("{{site}}", "Keep & Co")


def test_what_grows_beyond_any_letter_is_given_up() -> None:
    many = [{"subject": "x" * 100, "virus": False}] * 1000
    with pytest.raises(TooMuch):
        filled("{{#mails}}" + "{{subject}}" * 5000 + "{{/mails}}", mails=many)
    with pytest.raises(TooMuch):
        filled("{{#mails}}x{{subject}}{{/mails}}" * 1500, mails=many)
