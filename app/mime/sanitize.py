"""HTML of a mail made harmless: no script, no form, nothing remote, no link that opens; what it looks like stays as far as that goes."""

import re
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from html import escape, unescape

import nh3

_TAGS = frozenset(
    (
        "a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del dfn div "
        "dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p pre q s "
        "samp section small span strike strong sub sup table tbody td tfoot th thead tr tt u ul var wbr"
    ).split()
)
_DROPPED = frozenset(
    (
        "script style title head noscript template svg math iframe object embed applet form select textarea button "
        "video audio canvas frameset xmp noembed noframes plaintext"
    ).split()
)
_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"align", "valign", "bgcolor", "color", "dir", "lang", "width", "height", "style", "title"},
    "a": {"href"},
    "img": {"src", "alt", "border"},
    "font": {"size", "face"},
    "table": {"border", "cellpadding", "cellspacing", "summary"},
    "td": {"colspan", "rowspan", "nowrap"},
    "th": {"colspan", "rowspan", "nowrap"},
    "col": {"span"},
    "ol": {"start", "type"},
    "ul": {"type"},
    "li": {"value"},
}
_STYLES = frozenset(
    (
        "background-color border border-bottom border-collapse border-color border-left border-radius border-right "
        "border-spacing border-style border-top border-width color direction display font font-family font-size "
        "font-style font-variant font-weight height letter-spacing line-height margin margin-bottom margin-left "
        "margin-right margin-top max-width min-width padding padding-bottom padding-left padding-right padding-top "
        "text-align text-decoration text-indent text-transform vertical-align white-space width word-break word-spacing"
    ).split()
)
_SCHEMES = {"http", "https", "mailto", "tel", "ftp", "cid", "data"}
# Of what nh3 has written itself, so that nothing stands in it but what these expect.
_LINK = re.compile(r'<a\b((?:[^>"]|"[^"]*")*)>|</a>')
_HREF = re.compile(r'href="([^"]*)"')
_CID = re.compile(r'(<img\b[^<>]{0,3000}?) src="cid:([^"]*)"')
_CONTENT_ID = re.compile(r"[^\s<>\"]{1,300}")
_LONGEST_TARGET = 300
# Elements that HTML opens again in each paragraph behind one that left them open: their number times that of all tags is what
# a short text can grow to.
_REOPENED = re.compile(r"<(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)\b", re.IGNORECASE)
_SHORT = 20_000
_FEW = 100_000
_CPU_SECONDS = 2
_SECONDS = 6
_MAX_MEMORY = 1 << 30
_CHILDREN = threading.BoundedSemaphore(2)
"""So many at once: each may want a processor of its own."""
_MAX_OUTPUT = 8 << 20
# Says a style that would fetch something, in any writing; the policy of the frame forbids it once more.
_FETCHES = re.compile(r"url\s*\(|image\s*\(|image-set|src\s*\(|expression|@import|\\", re.IGNORECASE)


class TooComplex(Exception):
    """HTML that is built to keep its reader busy."""


@dataclass(frozen=True, slots=True)
class SafeHtml:
    text: str
    """Pictures of the mail itself are still `cid:` references: with_images() puts them in."""
    blocked: int
    """Remote images and the like that are not shown."""


def safe_html(html: str) -> SafeHtml:
    """TooComplex after a few seconds. Deep nesting and elements left open cost the square of their number in time and memory: what
    is long enough for that is cleaned in a process of its own, within limits."""
    if len(html) <= _SHORT and len(_REOPENED.findall(html)) * html.count("<") <= _FEW:
        safe = clean(html)
        if len(safe.text) > _MAX_OUTPUT:
            raise TooComplex
        return safe
    if not _CHILDREN.acquire(timeout=_SECONDS):
        raise TooComplex
    try:
        done = subprocess.run(  # noqa: S603 - this file, under this Python
            [sys.executable, "-I", __file__], input=html.encode("utf-8", "replace"), capture_output=True, timeout=_SECONDS, check=True
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        raise TooComplex from None
    finally:
        _CHILDREN.release()
    count, _, text = done.stdout.partition(b"\n")
    return SafeHtml(text.decode(), int(count))


def clean(html: str) -> SafeHtml:
    blocked = 0

    def keep(tag: str, attribute: str, value: str) -> str | None:
        nonlocal blocked
        if attribute == "style":
            return None if _FETCHES.search(value) else value
        if (tag, attribute) != ("img", "src"):
            return value
        scheme, colon, rest = value.partition(":")
        if colon and scheme.strip().lower() == "cid" and _CONTENT_ID.fullmatch(rest):
            return f"cid:{rest}"
        blocked += 1
        return None

    cleaned = nh3.clean(
        html,
        tags=set(_TAGS),
        clean_content_tags=set(_DROPPED),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=keep,
        filter_style_properties=set(_STYLES),
        url_schemes=_SCHEMES,
        link_rel=None,
        strip_comments=True,
    )
    return SafeHtml(_unlinked(cleaned), blocked)


def with_images(html: str, image_of: Callable[[str], str | None]) -> str:
    """`image_of` gives a data: URL for a content id, or None. Only of what safe_html made."""

    def put(match: re.Match[str]) -> str:
        image = image_of(unescape(match[2]))
        return f'{match[1]} src="{image}"' if image else match[1]

    return _CID.sub(put, html)


def _unlinked(html: str) -> str:
    """Each link as its text and, behind it, where it really leads."""
    behind: list[str] = []  # of the links that are open: tables can nest them

    def put(match: re.Match[str]) -> str:
        if match[1] is None:
            return f"{behind.pop()}</span>" if behind else ""
        target = _HREF.search(match[1])
        shown = _shown_target(unescape(target[1])) if target else ""
        behind.append(f' <span class="target">{escape(shown)}</span>' if shown else "")
        return '<span class="link">'

    return _LINK.sub(put, html)


def _shown_target(target: str) -> str:
    """Cut in the middle of the path, where nothing tells whom it belongs to: what stands before the host is not left to hide it."""
    scheme, mark, rest = target.partition("://")
    host, slash, path = rest.partition("/") if mark else ("", "", target)
    shown = f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"
    return shown if len(shown) <= _LONGEST_TARGET else f"{shown[: _LONGEST_TARGET - 40]}…{shown[-40:]}"


def _clean_within_limits() -> None:
    """The whole life of the process of its own; whatever goes wrong ends it with an error."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))
    result = clean(sys.stdin.buffer.read().decode("utf-8", "replace"))
    output = f"{result.blocked}\n{result.text}".encode()
    if len(output) > _MAX_OUTPUT:
        sys.exit(1)
    sys.stdout.buffer.write(output)


if __name__ == "__main__":
    _clean_within_limits()
