"""One node's Rspamd, as far as its configuration depends on it."""

import re
from dataclasses import dataclass

MULTIPART_SINCE = (3, 14, 2)
OLDEST = (3, 4)
RELEASED = "X-Mailkeep-Release"
"""The header of released mails, see app/mime/release.py."""
PLACEHOLDER = "CHANGE ME"
"""In the place of a password that is not known."""

_VERSION = re.compile(r"(?<![\d.])(\d{1,3})\.(\d{1,3})(?:\.(\d{1,4}))?(?![\d.])")


@dataclass(frozen=True, slots=True)
class Site:
    node: str
    base: str
    """Where Rspamd reaches Mailkeep, without a slash at the end."""
    user: str = ""
    password: str = ""
    version: tuple[int, ...] = OLDEST
    login_for_maps: bool = False
    virus_symbol: str = "CLAM_VIRUS"
    """Whose options hold the names of what was found."""
    release_from: tuple[str, ...] = ()
    """Addresses from which released mails come to the mail server of this Rspamd."""

    @property
    def has_multipart(self) -> bool:
        return self.version >= MULTIPART_SINCE

    def map_url(self, name: str) -> str:
        scheme, colon, place = self.base.partition("://")
        login = f"{self.user}:{self.password}@" if self.login_for_maps else ""
        return f"{scheme}{colon}{login}{place}/maps/{name}.txt"


def read_version(text: str) -> tuple[int, ...] | None:
    """`4.1.5`, or what Rspamd calls itself: `rspamd-3.4`, `rspamd/4.1.5`."""
    found = _VERSION.search(text)
    return tuple(int(part) for part in found.groups() if part) if found else None


def version_text(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
