"""The score of an entry's own in the published text: Rspamd multiplies what stands there with the map's."""

from flask import Flask
from sqlalchemy import update

from app.extensions import db
from app.models import Map
from app.models.maps import MapEntry
from tests.maps import feed_of, make_map


def lines(app: Flask) -> list[str]:
    return app.test_client().get("/maps/spammers.txt").get_data(as_text=True).splitlines()[1:]


def test_an_entrys_own_score_is_written_as_a_part_of_the_maps(app: Flask) -> None:
    make_map(app, "spammers", "own.example", "plain.example", "named.example")
    with app.app_context():
        db.session.execute(update(Map).where(Map.name == "spammers").values(symbol="SPAMMERS", score=-50.0))
        db.session.execute(update(MapEntry).where(MapEntry.value == "own.example").values(score=5.0))
        db.session.execute(update(MapEntry).where(MapEntry.value == "named.example").values(symbol="NAMED"))
        db.session.commit()
    feed_of(app)
    assert lines(app) == ["named.example NAMED:-50", "own.example -0.1", "plain.example"]
    with app.app_context():
        db.session.execute(update(Map).where(Map.name == "spammers").values(score=10.0, revision=Map.revision + 1))
        db.session.commit()
    feed_of(app).get("spammers")
    assert lines(app) == ["named.example NAMED:10", "own.example 0.5", "plain.example"]
