"""local.d/multimap.conf: a rule for each map that has a symbol."""

from collections.abc import Sequence

from app.rspamd.map_kinds import MapPart, MapRule
from app.rspamd.site_config.rules import choose
from app.rspamd.site_config.selectors import comparison
from app.rspamd.site_config.site import Site
from app.rspamd.site_config.ucl import Value, block, plain, remark

GROUP = "mailkeep"
# SPF proves the envelope sender's own domain. Of the header it proves the domain only where it is the same address; DMARC's symbol stands
# for SPF or DKIM of the header's domain.
_PROOF = {MapPart.MAIL_FROM: "R_SPF_ALLOW"}
_HEADER_PROOF = "DMARC_POLICY_ALLOW | (R_SPF_ALLOW & FROM_EQ_ENVFROM)"


def multimap(site: Site, maps: Sequence[MapRule]) -> str:
    chosen = choose(maps)
    lines = [
        "# One symbol for each map, given once however many of its entries match. No rule has an action: a sender can be forged, and an",
        "# accept before all else would spare a mail the search for viruses, and DMARC.",
    ]
    for rule in chosen.rules:
        lines += ["", *block(f"mailkeep_{rule.name}", _settings(site, rule))]
    if chosen.left_out:
        lines += ["", "# Not here:"]
        lines += [remark(f"{rule.name}: {reason}.") for rule, reason in chosen.left_out]
    return "\n".join(lines) + "\n"


def _settings(site: Site, rule: MapRule) -> dict[str, Value]:
    settings = comparison(rule.kind, rule.part, rule.header, site.virus_symbol)
    settings |= {
        "map": site.map_url(rule.name),
        "symbol": rule.symbol,
        "description": plain(rule.title) or rule.name,
        "group": GROUP,
        "score": float(rule.score),
        "flags": "one_shot",
    }
    if rule.needs_proof:
        settings["require_symbols"] = _PROOF.get(rule.part, _HEADER_PROOF)
    return settings
