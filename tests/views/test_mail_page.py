"""The page of one mail: verdict, reasons, proofs, path, headers; whatever the mail's own text is."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.make import login, make_mails

HEADERS = (
    "Received: from mx.example.net (mx.example.net [192.0.2.7]) by gw.example.org with ESMTPS; Fri, 20 Nov 2026 10:00:05 +0000\r\n"
    "Received: from laptop by mx.example.net with ESMTPSA; Fri, 20 Nov 2026 10:00:00 +0000\r\n"
    "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    "X-Folded: one\r\n\ttwo"
)


def shown(client: FlaskClient, mail_id: int) -> str:
    answer = client.get(f"/mails/show/{mail_id}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_why_a_mail_was_held_is_told_without_a_symbol(app: Flask) -> None:
    symbols = (
        {"name": "PHISHING", "score": 4.0, "group": "phishing"},
        {"name": "DMARC_POLICY_REJECT", "score": 2.0, "options": ["example.net : No valid SPF", "reject"]},
        {"name": "BAYES_HAM", "score": -3.0},
        {"name": "HOUSE_SCANNER", "score": 9.0, "group": "antivirus"},
    )
    [mail_id] = make_mails(app, 1, symbols=symbols, score=12.0, action="quarantine")
    text = shown(login(app, "admin"), mail_id)
    against, favour = re.findall(r"<h2>What spoke (?:against|for) it</h2><ul>(.*?)</ul>", text, re.DOTALL)
    told = re.findall(r"<li><span>(.*?)</span><meter [^>]*value=\"(\d+)\"", against)
    assert told == [
        ("A virus scanner found something", "100"),
        ("It links to a site known for fraud", "44"),
        ("The sender&#39;s domain does not confirm that it comes from there", "22"),
    ]
    assert "Its words are like those of wanted mail" in favour
    assert "PHISHING" not in text
    assert "Held back: it was not delivered." in text


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (-2.0, "6 below “Greylisted” (4)"),
        (3.5, "0.5 below “Greylisted” (4)"),
        (4.0, "0 above “Greylisted” (4)"),
        (7.25, "1.25 above “Marked” (6)"),
        (20.0, "5 above “Rejected” (15)"),
    ],
)
def test_the_distance_to_the_threshold_is_told(app: Flask, score: float, words: str) -> None:
    [mail_id] = make_mails(app, 1, score=score)
    assert words in shown(login(app, "admin"), mail_id)


def test_without_thresholds_there_is_no_distance(app: Flask) -> None:
    app.config["SCORE_THRESHOLDS"] = {}
    [mail_id] = make_mails(app, 1)
    assert "below “" not in (text := shown(login(app, "admin"), mail_id))
    assert "above “" not in text


def test_proofs_are_told_with_their_domains(app: Flask) -> None:
    symbols = (
        {"name": "R_SPF_FAIL", "score": 1.0, "options": ["-all:c"]},
        {"name": "R_DKIM_ALLOW", "score": -0.2, "options": ["signer.example:s=key"]},
    )
    [mail_id] = make_mails(app, 1, symbols=symbols, mail_from="someone@envelope.example")
    text = shown(login(app, "admin"), mail_id)
    assert '<li class="tone-bad"><b>SPF</b> failed <bdi>envelope.example</bdi></li>' in text
    assert '<li class="tone-good"><b>DKIM</b> passed <bdi>signer.example</bdi></li>' in text


def test_the_path_and_the_headers_are_there_decoded_and_raw(app: Flask) -> None:
    [mail_id] = make_mails(app, 1, headers=HEADERS)
    text = shown(login(app, "admin"), mail_id)
    path = text[text.index('<ol class="mk-hops">') : text.index("</ol>")]
    assert path.index("laptop") < path.index("gw.example.org")
    assert "after 5 s" in path
    assert '<th scope="row">subject</th><td><bdi>Grüße</bdi>' in text
    assert '<th scope="row">x-folded</th><td><bdi>one two</bdi>' in text
    assert "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=" in text


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize(
    "date", ["Fri, 31 Dec 9999 23:59:59 +0000", "Fri, 1 Jan 100 00:00:00 +0000", "never", "", "Fri, 20 Nov 2026 10:00:00 +9999"]
)
def test_no_date_that_a_sender_writes_breaks_the_page_in_any_zone(app: Flask, zone: str, date: str) -> None:
    [mail_id] = make_mails(app, 1, headers=f"Received: from a by b; {date}\r\nDate: {date}")
    client = login(app, "admin")
    client.set_cookie("mk_zone", zone)
    assert '<ol class="mk-hops">' in shown(client, mail_id)


def test_a_header_block_of_an_attacker_stays_text_and_is_bounded(app: Flask) -> None:
    evil = "</pre></details><script>alert(1)</script>"
    lines = [f"Received: from {evil} by {evil} with ESMTP; {evil}"] * 500 + [f"X-{number}: {evil}" for number in range(100)]
    [mail_id] = make_mails(app, 1, headers="\r\n".join(lines), symbols=({"name": evil, "score": 3.0, "group": evil},))
    text = shown(login(app, "admin"), mail_id)
    assert "<script>alert" not in text
    path = text[text.index('<ol class="mk-hops">') : text.index("</ol>")]
    assert path.count("<li>") == 50


def test_a_mail_without_headers_and_symbols_has_a_page(app: Flask) -> None:
    [mail_id] = make_mails(app, 1, headers="", symbols=(), ip=None, mail_from="", subject="", recipients=())
    text = shown(login(app, "admin"), mail_id)
    assert "Rspamd sent no message with this report." in text
    assert "What spoke" not in text
    assert "mk-hops" not in text


def test_the_symbols_are_for_who_may_see_them(app: Flask) -> None:
    [mail_id] = make_mails(app, 1, recipients=("carol@example.com",))
    admin, carol = login(app, "admin"), login(app, "carol", role="Recipient")
    door = f"/mails/symbols/{mail_id}"
    assert door in shown(admin, mail_id)
    assert door not in (text := shown(carol, mail_id))
    assert "Its words are like those of spam" in text
    assert carol.get(door).status_code != 200
