"""local.d/groups.conf: what each map's symbol counts."""

from collections.abc import Sequence

from app.rspamd.map_kinds import MapRule
from app.rspamd.site_config.multimap import GROUP
from app.rspamd.site_config.rules import choose
from app.rspamd.site_config.ucl import block, plain


def groups(maps: Sequence[MapRule]) -> str:
    lines = [f'group "{GROUP}" {{', "  symbols {"]
    for rule in choose(maps).rules:
        description = plain(rule.title) or rule.name
        lines += block(rule.symbol, {"weight": float(rule.score), "description": description, "one_shot": True}, "    ")
    return "\n".join([*lines, "  }", "}"]) + "\n"
