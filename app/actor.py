"""Who does something: known to services, which know no request."""

import getpass
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    name: str
    user_id: int | None
    ip: str
    on_behalf_of: str = ""


SYSTEM = Actor("system", None, "")


def command_line() -> Actor:
    """Whoever typed a command, by the name that the system knows."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user without a name
        name = "unknown"
    return Actor(f"command line: {name}"[:100], None, "")
