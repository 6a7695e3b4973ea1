"""How kinds and parts of maps are called, and what is said of a wrong value, for people."""

from typing import Any

from flask_babel import lazy_gettext as _l

from app.rspamd.map_kinds import MapKind, MapPart
from app.rspamd.map_wrong import Caution, Wrong, WrongValue

KIND_TITLES = {
    MapKind.ADDRESS: _l("Mail addresses"),
    MapKind.DOMAIN: _l("Domains"),
    MapKind.ADDRESS_OR_DOMAIN: _l("Mail addresses and domains"),
    MapKind.IP: _l("IP addresses and networks"),
    MapKind.ASN: _l("Autonomous systems"),
    MapKind.COUNTRY: _l("Countries"),
    MapKind.URL: _l("URLs"),
    MapKind.HOST: _l("Host names"),
    MapKind.TEXT: _l("Texts"),
    MapKind.REGEXP: _l("Regular expressions"),
    MapKind.KEY_VALUE: _l("Keys and values"),
    MapKind.VIRUS: _l("Names of viruses"),
    MapKind.PAIR: _l("Pairs of sender and recipient"),
}
# An example of what is typed: no words, so nothing to translate.
KIND_EXAMPLES = {
    MapKind.ADDRESS: "bob@example.com",
    MapKind.DOMAIN: "example.com",
    MapKind.ADDRESS_OR_DOMAIN: "bob@example.com, example.com",
    MapKind.IP: "192.0.2.1, 192.0.2.0/24, 2001:db8::/32",
    MapKind.ASN: "AS64500",
    MapKind.COUNTRY: "DE",
    MapKind.URL: "https://example.com/path",
    MapKind.HOST: "mx.example.com",
    MapKind.TEXT: "invoice.exe",
    MapKind.REGEXP: "/^invoice [0-9]+/i INVOICE:2.5",
    MapKind.KEY_VALUE: "example.com 25",
    MapKind.VIRUS: "Eicar-Signature",
    MapKind.PAIR: "bob@example.com|carol@example.net, example.com|example.net",
}
PART_TITLES = {
    MapPart.NONE: _l("Nothing: Rspamd only fetches it"),
    MapPart.MAIL_FROM: _l("Envelope sender"),
    MapPart.MIME_FROM: _l("Header From"),
    MapPart.RCPT: _l("Envelope recipient"),
    MapPart.REPLY_TO: _l("Reply-To"),
    MapPart.USER: _l("Authenticated user"),
    MapPart.IP: _l("IP address of the sender's server"),
    MapPart.ASN: _l("Autonomous system of the sender's server"),
    MapPart.COUNTRY: _l("Country of the sender's server"),
    MapPart.HELO: _l("HELO name"),
    MapPart.HOSTNAME: _l("Host name of the sender's server"),
    MapPart.URL: _l("URLs in the mail"),
    MapPart.URL_HOST: _l("Hosts of the URLs in the mail"),
    MapPart.SUBJECT: _l("Subject"),
    MapPart.HEADER: _l("A header"),
    MapPart.BODY: _l("Body"),
    MapPart.FILENAME: _l("Names of attachments"),
    MapPart.VIRUS: _l("Name of the virus"),
}
# “%(text)s” is the piece that is wrong; of a regexp it is what the compiler says.
WRONG_SENTENCES = {
    Wrong.EMPTY: _l("There is nothing here."),
    Wrong.TOO_LONG: _l("“%(text)s” is too long."),
    Wrong.LINE_TOO_LONG: _l("The line is too long."),
    Wrong.NOT_UTF8: _l("The line is not in UTF-8."),
    Wrong.HIDDEN: _l("There is a character that nobody sees (%(text)s)."),
    Wrong.REMARK: _l("What begins with # is a remark."),
    Wrong.QUOTES: _l(
        "A text with blanks or # in it, or / or a quotation mark at its beginning, holds no quotation mark and ends with no backslash."
    ),
    Wrong.ADDRESS: _l("“%(text)s” is no mail address, such as bob@example.com."),
    Wrong.LOCAL_PART: _l("“%(text)s” cannot stand before the @ of a mail address."),
    Wrong.DOMAIN: _l("“%(text)s” is no domain, such as example.com."),
    Wrong.SUBDOMAINS: _l("“%(text)s”: a domain stands for itself alone; for all its subdomains make a map of regular expressions."),
    Wrong.ADDRESS_FOR_DOMAIN: _l("“%(text)s” is a mail address; this map takes domains."),
    Wrong.IP: _l("“%(text)s” is no IP address or network, such as 192.0.2.1 or 2001:db8::/32."),
    Wrong.ASN: _l("“%(text)s” is no number of an autonomous system, such as AS64500."),
    Wrong.COUNTRY: _l("“%(text)s” is no country of two letters, such as DE."),
    Wrong.URL: _l("“%(text)s” is no URL, such as https://example.com/path."),
    Wrong.HOST: _l("“%(text)s” is no host name, such as mx.example.com."),
    Wrong.BLANK: _l("“%(text)s” may hold no blank."),
    Wrong.NO_DATA: _l("The key “%(text)s” has no value: write it behind a blank."),
    Wrong.DATA: _l("“%(text)s”: what stands for a key may hold no #."),
    Wrong.DATA_NOT_HERE: _l("“%(text)s”: only maps of keys and values take a value beside."),
    Wrong.RESULT_NOT_HERE: _l("A map of keys and values takes no symbol and no score."),
    Wrong.PAIR: _l("“%(text)s” is no pair, such as bob@example.com|carol@example.net."),
    Wrong.REGEXP_FORM: _l("A regular expression stands between slashes, as in /^invoice/i."),
    Wrong.REGEXP_FLAG: _l("“%(text)s” is no flag: they are i, m, s, x, u, r, O and L."),
    Wrong.REGEXP_SLASH: _l("A slash cannot stand between \\Q and \\E; write \\/ outside of them."),
    Wrong.REGEXP_VERSION: _l("“%(text)s”: not every Rspamd understands that in a regular expression, or not alike."),
    Wrong.REGEXP: _l("This regular expression does not compile: %(text)s."),
    Wrong.SYMBOL: _l("“%(text)s” is no symbol with a score, such as INVOICE:2.5."),
    Wrong.SCORE: _l("“%(text)s” is no score, such as 2.5."),
    Wrong.COMMENT: _l("The comment is too long."),
    Wrong.ENABLED: _l("“%(text)s” is neither yes nor no."),
    Wrong.EXPIRES: _l("“%(text)s” is no time, such as 2026-01-31 or 2026-01-31T14:30."),
    Wrong.FIELDS: _l("“%(text)s”: that is not how an entry is written."),
    Wrong.JSON: _l("This is no JSON, or it ends half-way (%(text)s)."),
}
CAUTION_SENTENCES = {
    Caution.MASKED: _l("A network is written by its first address."),
    Caution.WIDE: _l("This network is very wide."),
    Caution.MIXED_SCRIPTS: _l("Letters of different scripts that look alike stand in one name."),
    Caution.NO_DOT: _l("This domain has no dot."),
    Caution.ALIAS: _l("Rspamd compares addresses without +tag, and Gmail's without dots; so this one is kept without."),
    Caution.GOOGLEMAIL: _l("Rspamd 3 takes googlemail.com for gmail.com; make an entry for that, too."),
    Caution.BLANK: _l("There is a blank before the @."),
    Caution.UNKNOWN_COUNTRY: _l("No country is known by these letters."),
    Caution.SLOW: _l("Some texts keep this regular expression busy for very long."),
    Caution.MATCHES_ALL: _l("This regular expression matches every text."),
}


def sentence_of(wrong: WrongValue) -> str:
    return str(_with_text(WRONG_SENTENCES[wrong.reason], wrong.detail))


def caution_of(caution: Caution) -> str:
    return str(CAUTION_SENTENCES[caution])


def _with_text(sentence: Any, text: str) -> str:
    """The sentence is translated first: what stands in it may hold percent signs."""
    return str(sentence).replace("%(text)s", text)
