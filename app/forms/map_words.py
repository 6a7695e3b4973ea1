"""How imports of maps are called: their modes, their forms, the verdicts on their lines; and the columns of entries."""

from flask_babel import lazy_gettext as _l

from app.queries.map_conflicts import Clash

MODES = {
    "add": (_l("Add"), _l("What is there stays as it is.")),
    "update": (_l("Add and update"), _l("What is there becomes as the lines say.")),
    "replace": (_l("Replace all"), _l("What no line names is removed.")),
}
FORMS = {"": _l("By its name and beginning"), "text": _l("Text, a value a line"), "csv": _l("CSV"), "json": _l("JSON")}
# Tone, icon, word.
VERDICTS = {
    "new": ("good", "fa-plus", _l("new")),
    "same": ("plain", "fa-check", _l("there already")),
    "other": ("wait", "fa-pencil", _l("there, but different")),
    "twice": ("plain", "fa-files-o", _l("double")),
    "wrong": ("bad", "fa-times", _l("wrong")),
    "not_yours": ("bad", "fa-lock", _l("not yours")),
    "against": ("warn", "fa-exclamation-triangle", _l("contradicted")),
    "caution": ("warn", "fa-exclamation-triangle", _l("mind this")),
    "removed": ("bad", "fa-minus", _l("removed")),
}
COLUMNS = {
    "data": _l("Value of the key"),
    "symbol": _l("Symbol"),
    "score": _l("Score"),
    "comment": _l("Comment"),
    "enabled": _l("Enabled"),
    "expires_at": _l("Expires"),
}
# Tone and icon.
CLASH_SIGNS = {
    Clash.BOTH: ("bad", "fa-ban"),
    Clash.CONTRADICTED: ("warn", "fa-exclamation-triangle"),
    Clash.COVERED: ("plain", "fa-clone"),
    Clash.EXPIRED: ("plain", "fa-clock-o"),
}
# Why it cannot be told what an entry would have hit.
UNTOLD = {
    "not_kept": _l("The log does not keep what this map is compared with: which mails it would have hit cannot be told."),
    "no_part": _l("This map is compared with nothing of a mail."),
    "no_countries": _l("Without a GeoIP database nobody knows from which country a mail came."),
    "too_many": _l("So many regular expressions would take too long: try one of them."),
}
# What of a mail is offered for a list.
WHYS = {
    "sender": _l("Envelope sender"),
    "sender_domain": _l("Domain of the envelope sender"),
    "from": _l("Header From"),
    "from_domain": _l("Domain of the header From"),
    "ip": _l("IP address"),
}
