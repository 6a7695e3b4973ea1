"""What stands in the files: nothing that somebody typed gets out of its place, and nothing forgeable is accepted at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rspamd.map_kinds import PARTS, MapKind, MapPart, MapRule
from app.rspamd.site_config.files import Origin, config_files, marked, origin_of
from app.rspamd.site_config.multimap import multimap
from app.rspamd.site_config.rules import choose, own_result
from app.rspamd.site_config.site import Site, read_version
from app.rspamd.site_config.ucl import plain, quoted

EVERY = [
    MapRule(
        f"m-{kind}-{part}", "", kind, part, "X-Y" if part is MapPart.HEADER else "", f"S_{kind}_{part}".upper(), -5.5, "allow", True, True
    )
    for kind in PARTS
    for part in PARTS[kind]
]


def rule(**fields: object) -> MapRule:
    usual = {"name": "m", "title": "T", "kind": MapKind.IP, "part": MapPart.IP, "header": "", "symbol": "S", "score": 1.0}
    return MapRule(**(usual | {"colour": "deny", "needs_proof": False, "enabled": True} | fields))  # type: ignore[arg-type]


def text_of(*maps: MapRule) -> str:
    return "".join(file.text for file in config_files(Site("mx1", "http://x", "u", "p"), maps))


def test_every_kind_with_every_part_has_a_rule_and_none_an_action() -> None:
    text = text_of(*EVERY)
    assert all(f'symbol = "{made.symbol}";' in text for made in EVERY)
    for forbidden in ("action", "prefilter = true", "lua", "message_func"):
        assert f"  {forbidden}" not in text
    assert text.count("require_symbols") == len(EVERY)


@given(title=st.text())
def test_a_title_stays_in_its_string(title: str) -> None:
    lines = multimap(Site("mx1", "http://x"), [rule(title=title)]).splitlines()
    assert [line for line in lines if "description" in line] == [f"  description = {quoted(plain(title) or 'm')};"]
    assert len(lines) == len(multimap(Site("mx1", "http://x"), [rule()]).splitlines())


@given(text=st.text())
def test_a_quoted_text_is_one_string_of_one_line(text: str) -> None:
    inside = quoted(text)[1:-1]
    assert len(f"x{inside}x".splitlines()) == 1
    assert '"' not in inside.replace("\\\\", "").replace('\\"', "")
    assert not inside.replace("\\\\", "").endswith("\\")
    assert "${" not in inside


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"enabled": False}, "disabled"),
        ({"part": MapPart.NONE}, "compared with nothing"),
        ({"symbol": ""}, "no symbol"),
        ({"symbol": 'A"; action = "accept'}, "symbol is none"),
        ({"symbol": "A\n"}, "symbol is none"),
        ({"name": '../x"'}, "no plain file name"),
        ({"name": "x\n"}, "no plain file name"),
        ({"part": MapPart.SUBJECT}, "cannot be compared"),
        ({"kind": MapKind.TEXT, "part": MapPart.HEADER, "header": "X') ('"}, "no plain name"),
    ],
)
def test_what_has_no_rule_is_left_out_with_the_reason(fields: dict[str, object], reason: str) -> None:
    chosen = choose([rule(**fields)])
    assert not chosen.rules
    assert reason in chosen.left_out[0][1]
    assert all(line.startswith("#") or not line for line in multimap(Site("mx1", "http://x"), [rule(**fields)]).splitlines())


def test_a_symbol_is_given_by_one_map() -> None:
    chosen = choose([rule(name="b"), rule(name="a")])
    assert [made.name for made in chosen.rules] == ["a"]
    assert chosen.left_out[0][1].startswith("its symbol S is that of a")


def test_a_mark_tells_a_hand_from_ours() -> None:
    text = marked("mx1", "one\ntwo\n")
    assert origin_of(text) is Origin.OURS
    assert origin_of(text + "three\n") is Origin.CHANGED
    assert origin_of(text.replace("two", "tw0")) is Origin.CHANGED
    assert origin_of("one\n" + text) is Origin.FOREIGN
    assert origin_of("") is Origin.FOREIGN


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("3.4", (3, 4)),
        ("rspamd-4.1.5", (4, 1, 5)),
        ("rspamd/3.14.2", (3, 14, 2)),
        ("x", None),
        ("1.2.3.4.5", None),
        ("4", None),
        ("", None),
    ],
)
def test_a_version_is_read(text: str, version: tuple[int, ...] | None) -> None:
    assert read_version(text) == version


def test_an_entrys_own_score_is_what_the_mail_gets() -> None:
    assert own_result("", None, "M", 50.0) == ("", None)
    assert own_result("", 5.0, "M", -50.0) == ("", -0.1), "Rspamd multiplies it with the map's"
    assert own_result("", 5.0, "M", 0.0) == ("M_SCORED", 5.0), "which is of no use with 0"
    assert own_result("", 5.0, "M", 5.0) == ("", None)
    assert own_result("OWN", None, "M", 50.0) == ("OWN", 50.0), "a symbol that Rspamd does not know would count 1"
    assert own_result("OWN", 5.0, "M", 50.0) == ("OWN", 5.0)
    assert own_result("", 5.0, "", 0.0) == ("", 5.0), "whoever reads a map without a symbol reads what stands there"
    assert own_result("OWN", None, "", 0.0) == ("OWN", None)
