"""One's own password changed with the present one, which is guessed here no faster than at the login."""

from app.actor import Actor
from app.models.people import User
from app.security.patience import wait_to_try
from app.services import passwords


def change(user: User, old: str, new: str, *, actor: Actor) -> None:
    # A name of its own: who is logged in here is at home with the account's.
    forgive = wait_to_try(f"own password of {user.id}")
    passwords.change_own_password(user, old, new, actor=actor)
    forgive()
