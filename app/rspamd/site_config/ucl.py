"""Rspamd's language of configuration, as far as we write it."""

import re

Value = str | float | bool

_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_VARIABLE = re.compile(r"\$[\w{$]")
_SAFE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def quoted(text: str) -> str:
    """UCL reads what stands between double quotes as JSON does, and puts in what it knows for $NAME."""
    text = _HIDDEN.sub(" ", text).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + (text.replace("$", "\\u0024") if _VARIABLE.search(text) else text) + '"'


def plain(text: str) -> str:
    """A title of somebody's for a description: Rspamd's own answers keep the backslash before a quote."""
    return _HIDDEN.sub(" ", text).replace("\\", "/").replace('"', "'").strip()


def remark(text: str) -> str:
    return "# " + _HIDDEN.sub(" ", text)


def number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".") if value else "0"


def block(name: str, settings: dict[str, Value], indent: str = "") -> list[str]:
    key = name if _SAFE_KEY.match(name) else quoted(name)
    return [f"{indent}{key} {{", *(f"{indent}  {setting} = {_written(value)};" for setting, value in settings.items()), f"{indent}}}"]


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return number(value) if isinstance(value, float) else quoted(value)
