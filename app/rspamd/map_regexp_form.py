"""The form of a regexp: where its slashes and repetitions stand, and texts that keep a careless one busy."""

import re

_TOKEN = re.compile(
    r"""
    \\Q(?P<literal>.*?)(?:\\E|\Z)
    | (?P<escape> \\x\{[^}]*\} | \\[pPNgk]\{[^}]*\} | \\. )
    | (?P<set> \[ \^? \]? (?: \\. | \[:\^?\w+:\] | [^\]\\] )* \] )
    | (?P<remark> \(\?\# [^)]* \) )
    | (?P<open> \( (?: \?<?[!=] | \?(?:P?<|')\w+[>'] | \?[|>] | \?[\^a-zA-Z-]*:? | \*\w+:? )? )
    | (?P<close> \) )
    | (?P<bar> [|] )
    | (?P<repeat> (?: [*+?] | \{(?:\d+(?:,\d*)?|,\d+)\} ) [+?]? )
    | (?P<char> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_CLASSES = {
    "d": "0",
    "w": "a",
    "s": " ",
    "D": "a",
    "W": " ",
    "S": "a",
    "h": " ",
    "t": "\t",
    "n": "\n",
    "r": "\r",
    "v": "\n",
    "R": "\n",
    "N": "a",
}
_NOTHING = frozenset("bBAzZGKQE")
_PUMPS = 28
_MOST_TEXTS = 24
_LONGEST = 400
_NEAR = 10
_NEW_OPEN = re.compile(r"\(\?[\^a-zA-Z-]*[ar]|\(\*(?:scs|scan_substring):")
_NEW_BRACES = re.compile(r"\{(?=[^}]*\d)[ \t\d]*,?[ \t\d]*\}")
_NEW_ESCAPE = re.compile(r"\\[a-zA-Z]\{[^}]*\s")
_LOOK_BEHIND = re.compile(r"\(\?<[=!]|\(\*(?:naplb|plb|nlb|\w*lookbehind):")
_WORDS = re.compile(r"\((?:\?:)?([\w |-]+)\)")
_FIXED = re.compile(r"\{(\d+)(?:,\1)?\}")
_LOOK = re.compile(r"\(\?<?[!=]")


def escape_slashes(body: str) -> str | None:
    """A slash in a regexp is written with a backslash before it; None where that would change it, between \\Q and \\E."""
    pieces = []
    at = 0
    while at < len(body):
        if body.startswith("\\Q", at):
            end = body.find("\\E", at + 2)
            end = len(body) if end < 0 else end + 2
            if "/" in body[at:end]:
                return None
            piece = body[at:end]
        elif body[at] == "\\":
            piece = body[at : at + 2]
        else:
            piece = "\\/" if body[at] == "/" else body[at]
            at += 1
            pieces.append(piece)
            continue
        at += len(piece)
        pieces.append(piece)
    return "".join(pieces)


_NESTED = re.compile(
    r"\((?:\?:)?(?:\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^\\\[\](){}*+?|])(?:[*+]|\{\d+,\})\??\)(?:[*+]|\{\d+,\})(?!\+)", re.DOTALL
)


def is_nested(body: str) -> bool:
    """One thing without end, and that without end: (a+)+."""
    return _NESTED.search(body) is not None


def newer_syntax(body: str) -> str:
    """What PCRE2 before 10.43 refuses or takes for plain characters, and Rspamds still run with: blanks in braces, {,n}, the options a
    and r, and a look-behind of no fixed length. Empty where there is none."""
    depths: list[bool] = []
    """Of each open parenthesis, whether it is a look-behind."""
    for token in _TOKEN.finditer(body):
        if _is_new(token, body) or (any(depths) and _varies(token, body, inner=not depths[-1])):
            return token[0]
        if token["open"]:
            depths.append(_LOOK_BEHIND.match(token[0]) is not None)
        elif token["close"] and depths:
            depths.pop()
    return ""


def _is_new(token: re.Match[str], body: str) -> bool:
    text = token[0]
    if token["open"]:
        return body.startswith("(?[", token.start()) or _NEW_OPEN.match(text) is not None
    if text == "{":
        return _NEW_BRACES.match(body, token.start()) is not None
    if token["escape"] or token["set"]:
        return _NEW_ESCAPE.search(text) is not None
    return text.startswith("{,")


def _varies(token: re.Match[str], body: str, *, inner: bool) -> bool:
    """Whether a look-behind with this in it may have no fixed length. Alternatives in a group within are taken for that, where they are
    more than words of one length."""
    if token["repeat"]:
        return not _FIXED.match(token[0])
    if token["bar"] and inner:
        words = _WORDS.match(body, body.rfind("(", 0, token.start()))
        return not words or len({len(word) for word in words[1].split("|")}) > 1
    return token[0] in ("\\R", "\\X")


def hostile_texts(body: str) -> list[str]:
    """For each repetition without a near end: what leads to it, many of what it repeats, something that it does not expect, and what the
    rest asks for. Nothing where nothing can be slow: fewer than four such repetitions, and no group among them."""
    tokens = list(_TOKEN.finditer(body))
    endless = [number for number, token in enumerate(tokens) if _is_endless(token)]
    groups = any(number and tokens[number - 1]["close"] for number in endless)
    if len(endless) < 4 and not groups:
        return []
    points: dict[tuple[str, str], None] = {}
    for keeps_optional in (True, False):
        walker = _Walker(tokens, keeps_optional)
        whole = walker.whole()
        points.update(dict.fromkeys(walker.points))
    texts = dict.fromkeys(f"{before[-_LONGEST:]}{pump * max(2, min(_PUMPS, _LONGEST // len(pump)))}" for before, pump in points if pump)
    return [text + end for text in texts for end in ("\x01" + whole, "\n" + whole, "")][:_MOST_TEXTS]


def _is_endless(token: re.Match[str]) -> bool:
    repeat = token["repeat"]
    if not repeat or (repeat.endswith("+") and len(repeat) > 1) or repeat[0] == "?":
        return False
    if repeat[0] in "*+":
        return True
    least, comma, most = repeat.strip("{}?").partition(",")
    return bool(comma and not most) or int(most or least or 0) >= _NEAR


class _Walker:
    """Writes the shortest text of a regexp, and notes at each endless repetition what stood before it and what it repeats."""

    def __init__(self, tokens: list[re.Match[str]], keeps_optional: bool) -> None:
        self.tokens = tokens
        self.at = 0
        self.keeps_optional = keeps_optional
        self.points: list[tuple[str, str]] = []

    def whole(self) -> str:
        text = ""
        while self.at < len(self.tokens):  # also past a parenthesis too many
            text += self._alternatives(text)[0]
            self.at += 1
        return text[:_LONGEST]

    def _alternatives(self, before: str) -> list[str]:
        """What each gives, up to the closing parenthesis or the end."""
        given = [self._sequence(before)]
        while self.at < len(self.tokens) and self.tokens[self.at]["bar"]:
            self.at += 1
            given.append(self._sequence(before))
        return given

    def _sequence(self, before: str) -> str:
        text = ""
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token["bar"] or token["close"]:
                break
            self.at += 1
            text += self._repeated(self._given(token, before + text), before + text)
            text = text[-2 * _LONGEST :]
        return text

    def _given(self, token: re.Match[str], before: str) -> list[str]:
        if token["open"]:
            given = self._alternatives(before)
            self.at += 1  # the closing parenthesis
            return [""] if _LOOK.match(token["open"]) else given
        if token["escape"]:
            return [_of_escape(token["escape"])]
        if token["set"]:
            return [_of_set(token["set"])]
        if token["literal"] is not None:
            return [str(token["literal"])]
        char = token["char"] or ""
        return ["a" if char == "." else "" if char in "^$" else char]

    def _repeated(self, given: list[str], before: str) -> str:
        if self.at >= len(self.tokens) or not self.tokens[self.at]["repeat"]:
            return given[0]
        repeat = self.tokens[self.at]
        self.at += 1
        if _is_endless(repeat):
            self.points += [(before, piece) for piece in given]
        least = repeat[0][1:].partition(",")[0].strip("}?+") if repeat[0][0] == "{" else ""
        if least.isdigit():
            return (given[0] * min(int(least), _LONGEST))[:_LONGEST]
        return given[0] if repeat[0][0] == "+" or self.keeps_optional else ""


def _of_escape(text: str) -> str:
    if text.startswith("\\x{"):
        try:
            return chr(int(text[3:-1], 16))
        except (ValueError, OverflowError):
            return "a"
    letter = text[1]
    return _CLASSES.get(letter, "" if letter in _NOTHING else "a" if letter.isalnum() else letter)


def _of_set(text: str) -> str:
    """One of its members; of a set that says what may not stand there, one that seldom is in it."""
    inner = text[1:-1]
    if inner.startswith("^"):
        return next((char for char in "a0 -\x02" if re.escape(char) not in inner and char not in inner), "\x03")
    if inner.startswith("[:"):
        return {"digit": "0", "space": " ", "punct": "-", "blank": " "}.get(inner[2:].partition(":")[0], "a")
    return _of_escape(inner[:2]) if inner.startswith("\\") else inner[:1]
