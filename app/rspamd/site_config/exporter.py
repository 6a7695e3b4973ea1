"""local.d/metadata_exporter.conf: every mail that was scanned is posted to Mailkeep."""

from app.rspamd.site_config.site import MULTIPART_SINCE, PLACEHOLDER, Site, version_text
from app.rspamd.site_config.ucl import Value, block

RULE = "MAILKEEP"
_TIMEOUT = 6.0
"""Below Rspamd's task_timeout of 8 s, which ends what takes longer."""


def exporter(site: Site) -> str:
    settings: dict[str, Value] = {
        "backend": "http",
        "url": f"{site.base}/ingest/{site.node}",
        "user": site.user,
        "password": site.password or PLACEHOLDER,
        "selector": "default",
        "formatter": "multipart" if site.has_multipart else "default",
    }
    # Before multipart the report goes in headers beside the message; later versions warn of that.
    settings |= {} if site.has_multipart else {"meta_headers": True}
    settings["timeout"] = _TIMEOUT
    lines = ["# The selector `default` takes every mail with a verdict, whatever the action: discard and reject, too."]
    if not site.has_multipart:
        lines.append(f"# From Rspamd {version_text(MULTIPART_SINCE)} on `multipart` is better: `flask rspamd config --version`.")
    if not site.password:
        lines.append("# Mailkeep knows only a hash of the password: write it in here, or give it with --password.")
    return "\n".join([*lines, "rules {", *block(RULE, settings, "  "), "}"]) + "\n"
