"""How often somebody may try to log in, by whatever door: LOGIN_RATE for each address."""

from flask import current_app
from flask_appbuilder.utils.limit import Limit
from flask_limiter.util import get_remote_address


def login_rate() -> str:
    return str(current_app.config["LOGIN_RATE"])


ON_TRIES = Limit(limit_value=login_rate, key_func=get_remote_address, methods=("POST",))
ON_ANYTHING = Limit(limit_value=login_rate, key_func=get_remote_address)
