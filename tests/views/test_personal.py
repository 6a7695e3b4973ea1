"""What a personal list says of a mail is told to whom it concerns, and to nobody else."""

import pytest
from flask import Flask

from app.extensions import db
from app.services.personal import book_of
from tests.make import list_value, login, make_mails

BOB, CAROL = "bob@example.com", "carol@example.com"
OWN, OTHERS = "on your block list", "on a personal block list"
HELD = "Held back by a personal block list: 1"


@pytest.fixture
def mail_id(app: Flask) -> int:
    """To three, of whom Bob blocks its sender; all are named in To."""
    list_value(app, "mail_from_rcpt_to_blacklist", f"sender@example.net|{BOB}")
    with app.app_context():
        book_of(db.engine).forget()
    headers = f"To: {BOB}, {CAROL}\r\n"
    [mail_id] = make_mails(app, 1, recipients=(BOB, CAROL, "dora@example.org"), headers=headers, keep=True)
    return mail_id


@pytest.mark.parametrize(
    ("name", "role", "in_list", "on_page", "held"),
    [
        ("bob", "Recipient", OWN, OWN, True),
        ("carol", "Recipient", None, None, False),
        ("admin", "Admin", None, OTHERS, False),
        ("dave", "Domain admin", None, None, False),
    ],
)
def test_who_is_told(app: Flask, mail_id: int, name: str, role: str, in_list: str | None, on_page: str | None, held: bool) -> None:
    client = login(app, name, role)
    pages = {path: client.get(path).get_data(as_text=True) for path in ("/mails/list/", f"/mails/show/{mail_id}", "/quarantine/")}
    told = [[words for words in (OWN, OTHERS) if words in page] for page in pages.values()]
    assert told[:2] == [[in_list] if in_list else [], [on_page] if on_page else []]
    assert (HELD in pages["/quarantine/"]) == held


def test_a_search_tells_of_ones_own_list_alone(app: Flask, mail_id: int) -> None:
    clients = {name: login(app, name, role) for name, role in (("bob", "Recipient"), ("carol", "Recipient"), ("admin", "Admin"))}
    found = {
        name: f'data-id="{mail_id}"' in client.get("/mails/list/?personal.is=deny").get_data(as_text=True)
        for name, client in clients.items()
    }
    assert found == {"bob": True, "carol": False, "admin": True}
    assert clients["bob"].get("/mails/list/?personal.is=perhaps").status_code == 400
