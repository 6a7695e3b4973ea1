"""Every text is there in every language, with the same places for values, and compiled."""

import io
import pathlib
import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from flask import Flask

from tests.make import login, make_mails, token

ROOT = pathlib.Path(__file__).resolve().parent.parent
LANGUAGES = ("de", "el")
_PLACE = re.compile(r"%\(\w+\)s")


def template() -> Catalog:
    with (ROOT / "translations/messages.pot").open("rb") as file:
        return read_po(file)


def catalog(language: str) -> Catalog:
    with (ROOT / f"translations/{language}/LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale=language)


def texts(found: Catalog) -> dict[str, str]:
    """Of what has a plural, each form by itself."""
    forms: dict[str, str] = {}
    for message in found:
        if message.id:
            ids, strings = ((each,) if isinstance(each, str) else tuple(each) for each in (message.id, message.string))
            forms |= dict(zip(ids, strings, strict=True))
    return forms


def test_the_collected_texts_are_those_of_the_code() -> None:
    methods, options = parse_mapping_cfg(io.StringIO((ROOT / "babel.cfg").read_text()))
    keywords = {"_": None, "gettext": None, "_l": None, "lazy_gettext": None, "ngettext": (1, 2)}
    there = extract_from_dir(str(ROOT), methods, options, keywords)
    found = {form for _file, _line, message, *_ in there for form in ((message,) if isinstance(message, str) else message)}
    assert found == set(texts(template()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_missing_or_left_over(language: str) -> None:
    found = texts(catalog(language))
    assert set(found) == set(texts(template()))
    assert [text for text, translated in found.items() if not translated] == []
    assert [message.id for message in catalog(language) if message.id and message.fuzzy] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_values_have_their_places(language: str) -> None:
    for text, translated in texts(catalog(language)).items():
        assert sorted(_PLACE.findall(text)) == sorted(_PLACE.findall(translated)), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    with (ROOT / f"translations/{language}/LC_MESSAGES/messages.mo").open("rb") as file:
        compiled = texts(read_mo(file))
    assert compiled == texts(catalog(language))


@pytest.mark.parametrize(
    ("language", "words"),
    [("de", ("Quarantäne", "Betreff", "Suchen", "Abmelden")), ("el", ("Καραντίνα", "Θέμα", "Αναζήτηση", "Αποσύνδεση"))],
)
def test_the_panel_speaks_it(app: Flask, language: str, words: tuple[str, ...]) -> None:
    make_mails(app, 2)
    client = login(app, "admin")
    assert client.post("/lang/", data={"language": language, "csrf_token": token(client)}).status_code == 302
    text = client.get("/mails/list/").get_data(as_text=True)
    assert f'<html lang="{language}">' in text
    for word in words:
        assert word in text
    assert "No mails here" not in text
