"""Each kind, part, mistake and caution is called something."""

import re

from flask import Flask

from app.forms.map_values import CAUTION_SENTENCES, KIND_EXAMPLES, KIND_TITLES, PART_TITLES, WRONG_SENTENCES, caution_of, sentence_of
from app.rspamd.map_kinds import MapKind, MapPart
from app.rspamd.map_values import Caution, Wrong, WrongValue, read_value


def test_all_are_called_something(app: Flask) -> None:
    assert set(KIND_TITLES) == set(KIND_EXAMPLES) == set(MapKind)
    assert set(PART_TITLES) == set(MapPart)
    assert set(WRONG_SENTENCES) == set(Wrong)
    assert set(CAUTION_SENTENCES) == set(Caution)
    with app.test_request_context():
        for sentence in (*map(str, WRONG_SENTENCES.values()), *map(caution_of, Caution)):
            assert re.fullmatch(r"[“A-Z].*[.]", sentence)


def test_the_wrong_piece_stands_in_the_sentence_as_it_is(app: Flask) -> None:
    with app.test_request_context():
        for piece in ("100%", "%(text)s", "%d", "<b>"):
            assert f"“{piece}”" in sentence_of(WrongValue(Wrong.DOMAIN, piece))


def test_every_example_is_right() -> None:
    for kind, examples in KIND_EXAMPLES.items():
        for example in examples.split(", "):
            read_value(kind, example)
