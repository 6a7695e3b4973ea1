"""What a personal list says where several of its pairs fit: the nearest, and of two as near the one that blocks."""

import pytest

from app.rspamd.map_kinds import MapPart
from app.rspamd.personal import PairMap, Wish, names_of, pairs_of, senders_of, theirs, wish_of

ALLOW, DENY = Wish.ALLOW, Wish.DENY
BOTH = frozenset((MapPart.MAIL_FROM, MapPart.MIME_FROM))
ALIASES = {"alias.example": "b.example"}
SENDERS = senders_of("x@a.example", "y@c.example")


def lists(*entries: tuple[str, Wish] | tuple[str, Wish, MapPart]) -> dict[str, list[PairMap]]:
    found: dict[str, list[PairMap]] = {}
    for number, (value, wish, *part) in enumerate(entries):
        found.setdefault(value, []).append(PairMap(number, part[0] if part else MapPart.MAIL_FROM, wish, wish is ALLOW))
    return found


RULES: list[tuple[tuple[tuple[str, Wish] | tuple[str, Wish, MapPart], ...], Wish | None]] = [
    ((), None),
    ((("x@a.example|bob@b.example", DENY),), DENY),
    ((("a.example|b.example", ALLOW),), ALLOW),
    ((("x@a.example|bob@b.example", ALLOW), ("a.example|bob@b.example", DENY)), ALLOW),
    ((("x@a.example|bob@b.example", DENY), ("a.example|bob@b.example", ALLOW)), DENY),
    ((("x@a.example|b.example", ALLOW), ("a.example|bob@b.example", DENY)), ALLOW),
    ((("x@a.example|b.example", DENY), ("x@a.example|bob@b.example", ALLOW)), ALLOW),
    ((("a.example|b.example", DENY), ("a.example|bob@b.example", ALLOW)), ALLOW),
    ((("x@a.example|bob@b.example", ALLOW), ("x@a.example|bob@b.example", DENY)), DENY),
    # The header's sender in a map of envelope senders is nobody; as near as the envelope's in its own.
    ((("y@c.example|bob@b.example", DENY),), None),
    ((("y@c.example|bob@b.example", DENY, MapPart.MIME_FROM),), DENY),
    ((("y@c.example|bob@b.example", DENY, MapPart.MIME_FROM), ("x@a.example|bob@b.example", ALLOW)), DENY),
    ((("c.example|bob@b.example", DENY, MapPart.MIME_FROM), ("x@a.example|bob@b.example", ALLOW)), ALLOW),
    ((("sub.a.example|bob@b.example", DENY), ("x@a.example|carol@b.example", DENY)), None),
]


@pytest.mark.parametrize(("entries", "wish"), RULES)
def test_the_nearest_pair_counts(entries: tuple[tuple[str, Wish], ...], wish: Wish | None) -> None:
    assert wish_of(SENDERS, names_of("bob@b.example", "+", ALIASES), lists(*entries), BOTH) == wish


def test_what_is_not_proven_is_not_there() -> None:
    names = names_of("bob@b.example", "+", {})
    hits = lists(("x@a.example|bob@b.example", ALLOW), ("a.example|b.example", DENY))
    assert wish_of(SENDERS, names, hits, frozenset()) is DENY
    assert wish_of(SENDERS, names, hits, frozenset((MapPart.MIME_FROM,))) is DENY
    assert wish_of(SENDERS, names, hits, frozenset((MapPart.MAIL_FROM,))) is ALLOW


@pytest.mark.parametrize(
    ("address", "keys"),
    [
        ("bob@b.example", ("bob@b.example", "b.example")),
        ("bob+x+y@b.example", ("bob@b.example", "b.example")),
        ("bob@alias.example", ("bob@alias.example", "bob@b.example", "alias.example", "b.example")),
        ("bob+x@alias.example", ("bob@alias.example", "bob@b.example", "alias.example", "b.example")),
        ("bob@räksmörgås.example", ("bob@xn--rksmrgs-5wao1o.example", "xn--rksmrgs-5wao1o.example")),
        ("postmaster", ()),
        ("", ()),
        ("x <bob@b.example>", ()),
    ],
)
def test_the_names_of_a_recipient(address: str, keys: tuple[str, ...]) -> None:
    names = names_of(address, "+", ALIASES)
    assert names.keys == keys
    assert set(pairs_of([("x@a.example", "a.example")], names)) == {
        f"{side}|{key}" for side in ("x@a.example", "a.example") for key in keys
    }


def test_what_is_somebody_elses_own_is_nobodys_by_rule() -> None:
    names = names_of("bob+x@alias.example", "+", ALIASES)
    domains = ("alias.example", "b.example")
    bob, eve = frozenset((1,)), frozenset((2,))
    assert theirs(names, {}).keys == theirs(names, {"bob@b.example": bob}).keys == ("bob@alias.example", "bob@b.example", *domains)
    assert theirs(names, {"bob+x@alias.example": eve, "bob@b.example": bob}).keys == domains
    assert theirs(names, {"bob+x@b.example": eve, "bob@b.example": bob}).keys == domains
    assert theirs(names, {"bob+x@b.example": bob, "bob@b.example": bob}).keys == ("bob@b.example", *domains)
    assert theirs(names, {"bob@alias.example": eve, "bob@b.example": bob}).keys == ("bob@alias.example", *domains)
