"""All files of a node, and the mark by which they are known again."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from app.rspamd.map_kinds import MapRule
from app.rspamd.site_config.exporter import exporter
from app.rspamd.site_config.groups import groups
from app.rspamd.site_config.hints import controller_hints
from app.rspamd.site_config.multimap import multimap
from app.rspamd.site_config.settings import settings
from app.rspamd.site_config.site import Site

FOLDER = "/etc/rspamd/local.d"
_MARK = re.compile(r"# Made by Mailkeep[^\n]*\b([0-9a-f]{64})\n")


@dataclass(frozen=True, slots=True)
class ConfigFile:
    name: str
    text: str

    @property
    def path(self) -> str:
        return f"{FOLDER}/{self.name}"


class Origin(Enum):
    OURS = auto()
    CHANGED = auto()
    """Ours, and changed by hand since."""
    FOREIGN = auto()


def config_files(site: Site, maps: Sequence[MapRule]) -> tuple[ConfigFile, ...]:
    texts = {
        "metadata_exporter.conf": exporter(site),
        "multimap.conf": multimap(site, maps),
        "groups.conf": groups(maps),
        "settings.conf": settings(site),
        "worker-controller.inc": controller_hints(),
    }
    return tuple(ConfigFile(name, marked(site.node, text)) for name, text in texts.items())


def marked(node: str, text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"# Made by Mailkeep for {node}; `flask rspamd config` leaves it alone once it is changed. {digest}\n{text}"


def origin_of(text: str) -> Origin:
    mark = _MARK.match(text)
    if not mark:
        return Origin.FOREIGN
    return Origin.OURS if hashlib.sha256(text[mark.end() :].encode()).hexdigest() == mark[1] else Origin.CHANGED
