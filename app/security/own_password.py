"""One's own password changed with the present one, which is guessed here no faster than at the login."""

from flask import current_app
from flask_limiter.util import get_remote_address

from app.actor import Actor
from app.models.people import User
from app.security.patience import Patience
from app.services import logins, passwords


def change(user: User, old: str, new: str, *, actor: Actor) -> None:
    patience: Patience = current_app.extensions["mailkeep_patience"]
    # A name of its own: who is logged in here is at home with the account's.
    key, address = f"own password of {user.id}", get_remote_address()
    logins.let_go()
    patience.wait(key, address)
    passwords.change_own_password(user, old, new, actor=actor)
    patience.forgive(key, address)
