"""The HTML that an admin writes for letters: of such a form that no word put into it can become anything but a word."""

import re

from app.mime.mustache import TAG, Wrong, WrongTemplate, line_of

# Strict on purpose: what every reader of HTML reads alike. Each attribute in quotes, nothing open, no comment.
_ELEMENT = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})((?:\s+[a-zA-Z-]{1,30}(?:=(?:\"[^\"<>]*\"|'[^'<>]*'))?)*)\s*(/?)>")
_ATTRIBUTE = re.compile(r"([a-zA-Z-]+)(?:=(?:\"([^\"]*)\"|'([^']*)'))?")
_DOCTYPE = re.compile(r"\s*<!doctype html>", re.IGNORECASE)
_STYLE_END = re.compile(r"</style\s*>", re.IGNORECASE)
_TAGS = frozenset(
    (
        "html head meta title style body a abbr b big blockquote br caption center code col colgroup div em font footer h1 h2 h3 h4 h5 h6 "
        "header hr i img li main ol p pre s section small span strong sub sup table tbody td tfoot th thead tr u ul wbr"
    ).split()
)
_ATTRIBUTES = frozenset(
    (
        "align alt bgcolor border cellpadding cellspacing charset class color colspan content dir face height href lang name nowrap role "
        "rowspan size src style summary title valign width"
    ).split()
)
_METAS = frozenset(("viewport", "color-scheme", "supported-color-schemes", "format-detection", ""))
# What would fetch something, or run, in any writing.
_FETCHES = re.compile(r"url\s*\(|image\s*\(|image-set|src\s*\(|expression|behavior|-moz-binding|@import|@font-face|\\|<|/\*", re.IGNORECASE)
_FIXED_LINK = re.compile(r"(?:https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?#][^\s{}\"'<>]*)?|mailto:[^\s{}\"'<>]+|#[\w-]*)")
_FIXED_PICTURE = re.compile(r"https://[A-Za-z0-9.-]+(?::\d{1,5})?/[^\s{}\"'<>]*")
_LINK, _PICTURE = re.compile(r"\{\{ ?([a-z]+_link) ?\}\}"), re.compile(r"\{\{ ?logo ?\}\}")
_OURS = frozenset(("language", "site"))
"""Values that are nobody's words but ours: they may stand in an attribute."""


def check(source: str) -> None:
    """Of a template that mustache.parse took. WrongTemplate with the line of what it must not have."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    at = match.end() if (match := _DOCTYPE.match(source)) else 0
    while (at := source.find("<", at)) >= 0:
        element = _ELEMENT.match(source, at)
        if element is None:
            raise WrongTemplate(Wrong.SYNTAX, line_of(source, at), source[at : at + 40].split("\n")[0])
        at = element.end()
        try:
            _check(element)
            if element[2].lower() == "style" and not element[1]:
                at = _after_style(source, at)
        except WrongTemplate as wrong:
            raise WrongTemplate(wrong.why, line_of(source, element.start()), wrong.name) from None


def _check(element: re.Match[str]) -> None:
    tag = element[2].lower()
    if tag not in _TAGS:
        raise WrongTemplate(Wrong.TAG, 0, f"<{element[2]}>")
    for match in _ATTRIBUTE.finditer(element[3]):
        name, value = match[1].lower(), match[2] if match[3] is None else match[3]
        _check_attribute(tag, name, value or "")


def _check_attribute(tag: str, name: str, value: str) -> None:
    if name not in _ATTRIBUTES or (tag == "meta" and name == "name" and value.lower() not in _METAS):
        raise WrongTemplate(Wrong.ATTRIBUTE, 0, name)
    if name == "href" and not (tag == "a" and (_LINK.fullmatch(value) or _FIXED_LINK.fullmatch(value))):
        raise WrongTemplate(Wrong.TARGET, 0, value)
    if name == "src" and not (tag == "img" and (_PICTURE.fullmatch(value) or _FIXED_PICTURE.fullmatch(value))):
        raise WrongTemplate(Wrong.TARGET, 0, value)
    if name == "style" and _FETCHES.search(value):
        raise WrongTemplate(Wrong.STYLE, 0, value)
    if name not in ("href", "src"):
        foreign = [tag[0] for tag in TAG.finditer(value) if tag[1] or tag[2] not in _OURS or name not in ("lang", "alt", "title")]
        if foreign:
            raise WrongTemplate(Wrong.PLACE, 0, foreign[0])


def _after_style(source: str, at: int) -> int:
    end = _STYLE_END.search(source, at)
    if end is None:
        raise WrongTemplate(Wrong.UNCLOSED, 0, "<style>")
    inside = source[at : end.start()]
    if named := TAG.search(inside):
        raise WrongTemplate(Wrong.PLACE, 0, named[0])
    if fetches := _FETCHES.search(inside):
        raise WrongTemplate(Wrong.STYLE, 0, fetches[0])
    return end.end()
