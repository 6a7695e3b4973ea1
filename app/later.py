"""What is answered later, by whichever thread knows the answer: no thread of the server waits for it."""

from typing import Any, Protocol

LATER = "mailkeep.later"
"""In the environ of a post whose server keeps no thread for it."""
Environ = dict[str, Any]
"""Of WSGI."""
Headers = list[tuple[str, str]]


class Later(Protocol):
    """Who asked, and is told when the answer is known."""

    is_taken: bool
    """Whether a door has taken it. Else nothing has happened, and it is to be asked again with a thread that can wait."""

    def answer(self, status: str, headers: Headers, body: bytes) -> None:
        """Once, from any thread."""
