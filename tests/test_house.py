"""The promises of the house: who may import whom, how long things may be, what has to be written down."""

import ast
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import NamedTuple

import pytest
from jinja2 import Environment

ROOT = pathlib.Path(__file__).resolve().parent.parent
APP = ROOT / "app"
SOURCES = sorted(APP.rglob("*.py"))
ALL_SOURCES = [path for folder in ("app", "tests", "bench", "migrations") for path in sorted((ROOT / folder).rglob("*.py"))]
TEMPLATES = sorted((APP / "templates").rglob("*.*"))
CONFIGURATION = ROOT / "docs/configuration.md"

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50

GROUND = {"actor", "clock", "errors", "faces", "ids", "later", "networks", "roles", "version"}
CRAFTS = {"mime", "rspamd", "storage", "smtp", "peers"}
BELOW_DOORS = GROUND | CRAFTS | {"extensions", "models", "queries", "services", "security", "forms", "log", "geo"}
# Arrows point down. Whoever is not named here may import nothing of ours but the ground.
MAY_IMPORT = {
    "": BELOW_DOORS | {"application", "views", "cli", "jobs"},  # app/__init__.py: the boot
    "views": BELOW_DOORS,
    "cli": BELOW_DOORS,
    "jobs": BELOW_DOORS,
    "forms": GROUND | {"queries", "rspamd", "models"},
    "security": GROUND | {"extensions", "models", "peers", "queries", "services"},
    "services": GROUND | CRAFTS | {"extensions", "models", "queries"},
    "queries": GROUND | {"extensions", "models", "storage", "rspamd", "mime"},
    "models": GROUND | {"extensions", "rspamd"},
    "storage": GROUND,
    "rspamd": {"errors", "mime"},
    "peers": {"actor", "clock"},
    "mime": set(),
    "smtp": {"errors"},
    "extensions": {"models"},
    "errors": set(),
    "actor": set(),
    "clock": set(),
    "geo": set(),
    "log": set(),
}
# Of all names in Flask, what belongs to one request stays in the doors and in security.
REQUEST_NAMES = {"request", "g", "session", "flash", "render_template", "abort", "redirect", "url_for"}
KNOW_NO_REQUEST = {"services", "queries", "models", "storage", "rspamd", "mime", "smtp", "peers", "jobs"}
KNOW_NO_FRAMEWORK = {"rspamd", "mime", "storage", "smtp", "peers", "clock", "ids"}
OPEN_A_SESSION = {"services", "queries"}
OPEN_A_SESSION_TOO = {"jobs/lease.py", "views/fab.py"}


def layer_of(path: pathlib.Path) -> str:
    first = path.relative_to(APP).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def name_of(path: pathlib.Path) -> str:
    return str(path.relative_to(ROOT))


class Outline(NamedTuple):
    """What is asked of a file, which is parsed once for all who ask."""

    docstring: str | None
    imports: list[tuple[int, str, str]]
    """(level, module, name) of each import, wherever it stands."""
    functions: list[tuple[str, int, int]]
    """Their first and last lines."""
    sessions: list[int]
    commits: list[int]


def tree_of(path: pathlib.Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def outline_of(path: pathlib.Path) -> Outline:
    tree = tree_of(path)
    outline = Outline(ast.get_docstring(tree), [], [], [], [])
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                outline.imports.extend((0, alias.name, "") for alias in node.names)
            case ast.ImportFrom():
                outline.imports.extend((node.level, node.module or "", alias.name) for alias in node.names)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                outline.functions.append((node.name, node.lineno, node.end_lineno or 0))
            case ast.Attribute(value=ast.Name(id="db"), attr="session"):
                outline.sessions.append(node.lineno)
            case ast.Call(func=ast.Attribute(attr="commit")):
                outline.commits.append(node.lineno)
    return outline


def imports_of(path: pathlib.Path) -> Iterator[tuple[str, str]]:
    for level, module, name in outline_of(path).imports:
        assert level == 0, f"{name_of(path)}: relative imports hide the arrow"
        yield module, name


def our_layer(module: str, name: str) -> str | None:
    parts = module.split(".")
    if parts[0] != "app":
        return None
    return parts[1] if len(parts) > 1 else name


def each(paths: Iterable[pathlib.Path]) -> Callable[[Callable[[pathlib.Path], None]], Callable[[], None]]:
    """One test for all of them, since thousands would take their time; it names those that fail."""

    def around(check: Callable[[pathlib.Path], None]) -> Callable[[], None]:
        def test() -> None:
            faults = {}
            for path in paths:
                try:
                    check(path)
                except AssertionError as error:
                    faults[name_of(path)] = str(error)
            assert faults == {}

        test.__name__ = check.__name__
        return test

    return around


@each(SOURCES)
def test_arrows_point_down(path: pathlib.Path) -> None:
    layer = layer_of(path)
    allowed = MAY_IMPORT.get(layer, GROUND) | {layer}
    upwards = {f"{module}.{name}" for module, name in imports_of(path) if our_layer(module, name) not in allowed | {None}}
    assert not upwards


@each([path for path in SOURCES if layer_of(path) in KNOW_NO_REQUEST])
def test_only_doors_know_a_request(path: pathlib.Path) -> None:
    assert not {name for module, name in imports_of(path) if module == "flask" and name in REQUEST_NAMES}


@each([path for path in SOURCES if layer_of(path) in KNOW_NO_FRAMEWORK])
def test_crafts_know_no_framework(path: pathlib.Path) -> None:
    roots = {module.split(".")[0] for module, _ in imports_of(path)}
    assert not roots & {"flask", "flask_appbuilder", "flask_sqlalchemy", "sqlalchemy", "wtforms"}


@each([path for path in SOURCES if layer_of(path) not in OPEN_A_SESSION])
def test_only_questions_and_verbs_open_a_session(path: pathlib.Path) -> None:
    if str(path.relative_to(APP)) not in OPEN_A_SESSION_TOO:
        assert not outline_of(path).sessions


@each([path for path in SOURCES if layer_of(path) in ("views", "queries")])
def test_doors_and_questions_commit_nothing(path: pathlib.Path) -> None:
    assert not outline_of(path).commits


def test_only_the_clock_reads_the_clock() -> None:
    readers = re.compile(r"\b(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|monotonic))\(")
    found = {name_of(path) for path in SOURCES if readers.search(path.read_text(encoding="utf-8"))}
    # Files have the time of the file system, which is compared with the same.
    assert found <= {"app/clock.py", "app/storage/local.py"}


@each(ALL_SOURCES)
def test_files_fit_a_few_screens(path: pathlib.Path) -> None:
    if "versions" not in path.parts:  # a migration is as long as its tables
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES


@each([path for path in ALL_SOURCES if "versions" not in path.parts])
def test_functions_fit_one_screen(path: pathlib.Path) -> None:
    assert not [f"{name}:{first}" for name, first, last in outline_of(path).functions if last - first >= MAX_FUNCTION_LINES]


@each([path for path in ALL_SOURCES if path.stat().st_size])
def test_every_file_says_in_one_line_what_it_is(path: pathlib.Path) -> None:
    docstring = outline_of(path).docstring
    assert docstring
    assert docstring.splitlines()[0].endswith((".", "?", "!", ".)"))


def settings() -> set[str]:
    """What config.py reads from the environment."""
    calls = [node for node in ast.walk(tree_of(ROOT / "config.py")) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    readers = re.compile(r"env_\w+|\w+_url|node_name")
    return {
        node.args[0].value
        for node in calls
        if readers.fullmatch(node.func.id) and node.args and isinstance(node.args[0], ast.Constant)  # type: ignore[attr-defined]
    }


def test_settings_are_found() -> None:
    assert {"DATABASE_URL", "STORE_URL", "SPOOL_DIR", "SECRET_KEY", "NODE_NAME", "ROLES", "WORKERS"} <= settings()


@pytest.mark.skipif(not CONFIGURATION.exists(), reason="docs/configuration.md is not written yet")
def test_every_setting_is_in_the_manual_and_nothing_else() -> None:
    described = set(re.findall(r"^#+ `([A-Z_]+)`|^\| `([A-Z_]+)`", CONFIGURATION.read_text(encoding="utf-8"), re.MULTILINE))
    assert {name for pair in described for name in pair if name} == settings()


def test_every_setting_has_its_meaning_above_it() -> None:
    """A comment may stand above several that belong together."""
    told = False
    for line in (ROOT / "config.py").read_text(encoding="utf-8").split("# --- The process")[1].splitlines():
        setting = re.match(r"([A-Z_]+) = (?:max\(\w+, )?(env_|\w+_url|node_name)", line)
        told = (line.startswith("# ") and not line.startswith("# ---")) or bool(setting and told)
        assert told or not setting, f"{line.split(' = ')[0]} is not explained"


@each(TEMPLATES)
def test_no_template_speaks_past_gettext(path: pathlib.Path) -> None:
    source = re.sub(r"<(script|style)\b.*?</\1>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    literal = "".join(
        value if kind == "data" else "\0" for _, kind, value in Environment().lex(source) if kind in ("data", "variable_begin")
    )
    shown = re.sub(r"<[^>]*>|&\w+;", " ", literal)
    spoken = re.findall(r"(?<![A-Za-z])[A-Za-z]{2,}", re.sub(r"\bUTC\b", "", shown))
    titles = re.findall(r"""\b(?:title|alt|placeholder|aria-label)="([^"\0]*[A-Za-z]{2,}[^"\0]*)\"""", literal)
    assert not spoken + titles


@each([path for path in SOURCES if layer_of(path) in ("views", "forms")])
def test_no_view_speaks_past_gettext(path: pathlib.Path) -> None:
    tree = tree_of(path)
    flashed = [
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "flash" and node.args
    ]
    assigned = [
        (target.id, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    titles = [value for name, value in assigned if name.endswith("_title")]
    labels = [value for name, node in assigned if name == "label_columns" and isinstance(node, ast.Dict) for value in node.values]
    assert not [ast.unparse(node) for node in flashed + titles + labels if isinstance(node, ast.Constant | ast.JoinedStr)]
