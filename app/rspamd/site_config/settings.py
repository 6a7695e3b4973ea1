"""local.d/settings.conf: what Mailkeep has released is not held back again."""

from app.rspamd.site_config.site import RELEASED, Site

# Beyond what any score comes to: the mail is scanned, and reported, like any other, but its score has it held back no more. What a
# scanner for viruses refuses by itself stays refused.
_NEVER = 100_000
_ACTIONS = ("reject", "rewrite subject", "add header", "greylist")


def settings(site: Site) -> str:
    if not site.release_from:
        return "# Nothing: it is not known from which addresses Mailkeep releases mails (--release-from).\n"
    lines = [
        "# Only from these addresses: anybody could write the header.",
        "mailkeep_released {",
        '  priority = "high";',
        *(f'  ip = "{address}";' for address in site.release_from),
        "  header {",
        f'    "{RELEASED}" = true;',
        "  }",
        "  apply {",
        "    actions {",
        *(f'      "{action}" = {_NEVER};' for action in _ACTIONS),
        "    }",
        "  }",
        "}",
    ]
    return "\n".join(lines) + "\n"
