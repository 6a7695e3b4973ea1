"""Long lists of values, asked for some hundreds at a time."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

_AT_ONCE = 400
"""MariaDB would take a longer list for a table of its own."""


def pieces(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Each value once, in an order that is the same each time."""
    every = iter(sorted(set(values)))
    while piece := list(itertools.islice(every, _AT_ONCE)):
        yield piece
