"""What the tests of accounts share: how an account stands, what a browser sends, and a domain admin."""

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import UserDomain
from app.models.people import User
from tests.make import login, token


def number_of(app: Flask, name: str) -> int:
    with app.app_context():
        return db.session.scalar(select(User.id).where(User.username == name)) or 0


def fields_of(app: Flask, name: str) -> tuple[str, set[str], bool]:
    with app.app_context():
        user = db.session.scalars(select(User).where(User.username == name)).one()
        return user.email, {role.name for role in user.roles}, bool(user.active)


def send(client: FlaskClient, path: str, **fields: object) -> int:
    return client.post(path, data={"csrf_token": token(client, "/profile/")} | fields).status_code


def can_log_in(app: Flask, name: str, password: str) -> bool:
    client = app.test_client()
    client.post("/login/", data={"username": name, "password": password, "csrf_token": token(client, "/login/")})
    return client.get("/profile/").status_code == 200


def domain_admin(app: Flask, *domains: str) -> FlaskClient:
    client = login(app, "chief", role="Domain admin")
    with app.app_context():
        user = db.session.scalars(select(User).where(User.username == "chief")).one()
        db.session.add_all(UserDomain(user_id=user.id, domain=domain, created_at=user.created_on) for domain in domains)
        db.session.commit()
    return client
