"""A map's text taken apart as Rspamd does it, character for character; tests/rspamd/test_map_real.py holds it to a real one."""

_BLANKS = " \t\n\r\f"


def parse_map(text: str) -> list[tuple[str, str]]:
    """Keys and what stands behind them, in their order."""
    parser = _Parser(text)
    while parser.skip_blanks():
        parser.entry()
    return parser.found


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: list[tuple[str, str]] = []

    def char(self) -> str:
        return self.text[self.at : self.at + 1]

    def skip_blanks(self) -> bool:
        while self.char() and self.char() in _BLANKS:
            self.at += 1
        return bool(self.char())

    def entry(self) -> None:
        if self.char() == '"':
            self.at += 1
            key = self.until_unescaped('"')
            self.at += 1
        elif self.char() == "/":
            start = self.at
            self.at += 1
            self.until_unescaped("/")
            self.until_blank(escapes=False)
            key = self.text[start : self.at]
        else:
            start = self.at
            self.until_blank(escapes=True)
            key = self.text[start : self.at]
            if not key:
                self.until_line_end()
                return
        while self.char() and self.char() in " \t":
            self.at += 1
        start = self.at
        while self.char() and self.char() not in "#\r\n":
            self.at += 1
        self.found.append((key.strip(_BLANKS), self.text[start : self.at].strip(_BLANKS)))
        self.until_line_end()

    def until_unescaped(self, end: str) -> str:
        """Over line ends, too: who leaves it open swallows what follows."""
        start = self.at
        while self.char() and self.char() != end:
            self.at += 2 if self.char() == "\\" else 1
        return self.text[start : self.at]

    def until_blank(self, *, escapes: bool) -> None:
        while self.char() and self.char() not in _BLANKS:
            if self.char() == "#" and not (escapes and self.at and self.text[self.at - 1] == "\\"):
                return
            self.at += 1

    def until_line_end(self) -> None:
        while self.char() and self.char() not in "\r\n":
            self.at += 1
