"""How the filters are called, for people."""

from collections.abc import Collection

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.forms.search import Term
from app.queries.fields import FIELDS, Field, Kind, Op

FIELD_LABELS = {
    "time": _l("Time"),
    "sender": _l("Sender"),
    "from": _l("Header From"),
    "rcpt": _l("Recipient"),
    "to": _l("Header To"),
    "sender_domain": _l("Sender domain"),
    "from_domain": _l("Header From domain"),
    "rcpt_domain": _l("Recipient domain"),
    "subject": _l("Subject"),
    "ip": _l("IP address or network"),
    "action": _l("Action"),
    "score": _l("Score"),
    "size": _l("Size"),
    "symbol": _l("Symbol"),
    "virus": _l("Virus"),
    "risk": _l("Attachment risk"),
    "listed": _l("Allow or deny list"),
    "personal": _l("Personal list"),
    "stored": _l("Stored"),
    "notified": _l("Notified"),
    "released": _l("Released"),
    "queue_id": _l("Queue id"),
    "message_id": _l("Message id"),
    "node": _l("Node"),
    "user": _l("User"),
    "direction": _l("Direction"),
    "headers": _l("Headers"),
    "q": _l("Search"),
}
OP_LABELS = {
    Op.IS: _l("is"),
    Op.NOT: _l("is not"),
    Op.CONTAINS: _l("contains"),
    Op.STARTS: _l("starts with"),
    Op.LACKS: _l("does not contain"),
    Op.GE: _l("at least"),
    Op.LE: _l("at most"),
    Op.BETWEEN: _l("between"),
    Op.EMPTY: _l("is empty"),
    Op.ON: _l("on"),
}
_TIME_LABELS = {Op.GE: _l("from"), Op.LE: _l("until")}
_HINTS = {
    Kind.TIME: _l("2026-01-31, 2026-01-31 14:30, today"),
    Kind.IP: _l("192.0.2.1 or 192.0.2.0/24"),
    Kind.SIZE: _l("500k, 2 MB"),
    Kind.SYMBOL: _l("BAYES_SPAM"),
    Kind.FLAG: _l("yes or no"),
    Kind.NUMBER: _l("6.5"),
}
# Where an operator wants another form: no words, so nothing to translate.
_HINTS_OF_OPS = {
    (Kind.TIME, Op.BETWEEN): "2026-01-01..2026-01-31",
    (Kind.NUMBER, Op.BETWEEN): "5..10",
    (Kind.SIZE, Op.BETWEEN): "500k..2 MB",
    (Kind.SYMBOL, Op.GE): "BAYES_SPAM 4.5",
}


def op_label(field: str, op: Op) -> str:
    if FIELDS[field].kind is Kind.TIME and op in _TIME_LABELS:
        return str(_TIME_LABELS[op])
    return str(OP_LABELS[op])


def term_label(term: Term) -> str:
    if term.field == "q":
        return f"“{term.text}”"
    text = _(term.text) if term.text in ("yes", "no") and FIELDS[term.field].kind is Kind.FLAG else term.text
    value = "" if term.op is Op.EMPTY else f" {text}"
    return f"{FIELD_LABELS[term.field]} {op_label(term.field, term.op)}{value}"


def hint(field: Field, op: Op) -> str:
    """An example of what is typed."""
    return str(_HINTS_OF_OPS.get((field.kind, op), _HINTS.get(field.kind, "")))


def offered(hidden: Collection[str] = ()) -> list[dict[str, object]]:
    """What the search form offers: fields, their operators with an example each, and the fixed choices."""
    return [
        {
            "name": field.name,
            "label": str(FIELD_LABELS[field.name]),
            "ops": [{"name": op.value, "label": op_label(field.name, op), "hint": hint(field, op)} for op in field.ops],
            "choices": ["yes", "no"] if field.kind is Kind.FLAG else list(field.choices),
        }
        for field in FIELDS.values()
        if field.kind is not Kind.QUICK and field.name not in hidden
    ]
