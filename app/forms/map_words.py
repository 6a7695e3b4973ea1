"""How what is done to maps is called: modes and verdicts of an import, changes, columns, conflicts."""

from flask_babel import lazy_gettext as _l

from app.models import RevisionVerb
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
REVISION_VERBS = {
    RevisionVerb.MADE: _l("made the map"),
    RevisionVerb.COPIED: _l("copied another map"),
    RevisionVerb.SETTINGS: _l("changed the settings"),
    RevisionVerb.ADDED: _l("added an entry"),
    RevisionVerb.CHANGED: _l("changed an entry"),
    RevisionVerb.REMOVED: _l("removed entries"),
    RevisionVerb.ENABLED: _l("enabled entries"),
    RevisionVerb.DISABLED: _l("disabled entries"),
    RevisionVerb.EXPIRY_SET: _l("set when entries expire"),
    RevisionVerb.IMPORTED: _l("imported entries"),
    RevisionVerb.ROLLED_BACK: _l("went back to revision %(number)s"),
}
COLUMNS = {
    "data": _l("Value of the key"),
    "symbol": _l("Symbol"),
    "score": _l("Score"),
    "comment": _l("Comment"),
    "enabled": _l("Enabled"),
    "expires_at": _l("Expires"),
}
CLASHES = {
    Clash.BOTH: ("bad", "fa-ban", _l("allowed and denied")),
    Clash.CONTRADICTED: ("warn", "fa-exclamation-triangle", _l("contradicted")),
    Clash.COVERED: ("plain", "fa-clone", _l("covered")),
    Clash.EXPIRED: ("plain", "fa-clock-o", _l("expired")),
}
