"""An entry for each kind of map and each part of a mail that it can be compared with, and a mail that it is of."""

from dataclasses import dataclass, field
from typing import Any

from app.rspamd.map_kinds import MapKind, MapPart

ADDRESS, DOMAIN, BOTH, HOST = MapKind.ADDRESS, MapKind.DOMAIN, MapKind.ADDRESS_OR_DOMAIN, MapKind.HOST
TEXT, REGEXP, PAIR = MapKind.TEXT, MapKind.REGEXP, MapKind.PAIR


@dataclass(frozen=True)
class Case:
    """An entry, and a mail that it is of."""

    kind: MapKind
    part: MapPart
    line: str
    mail: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.part}"

    @property
    def symbol(self) -> str:
        return f"T_{self.kind}_{self.part}".upper()


FROM = {"from": "Bob+News@Sender.example"}
MIME = {"headers": {"From": '"x@other.example" <J.Doe@GMAIL.com>'}}
MIME_GMAIL = {"headers": {"From": "<J.Doe@gmail.com>"}}
RCPT = {"rcpt": ["someone@here.example", "Ann@There.example"]}
REPLY = {"headers": {"Reply-To": '"not <you@there.example>" <Me@Here.example>, z@last.example'}}
HELO, HOSTNAME = {"helo": "MX.Helo.example"}, {"hostname": "Mx.Named.example"}
LINK = {"body": "see http://Www.Linked.example/Path?q=1 now"}
CASES = [
    Case(ADDRESS, MapPart.MAIL_FROM, "bob@sender.example", FROM),
    Case(DOMAIN, MapPart.MAIL_FROM, "sender.example", FROM),
    Case(BOTH, MapPart.MAIL_FROM, "bob+news@sender.example", FROM),
    Case(REGEXP, MapPart.MAIL_FROM, r"/^Bob\+news@/i", FROM),
    Case(ADDRESS, MapPart.MIME_FROM, "j.doe@gmail.com", MIME_GMAIL),
    Case(DOMAIN, MapPart.MIME_FROM, "gmail.com", MIME),
    Case(BOTH, MapPart.MIME_FROM, "j.doe@gmail.com", MIME),
    Case(REGEXP, MapPart.MIME_FROM, r"/^j\.doe@gmail\.com$/i", MIME),
    Case(ADDRESS, MapPart.RCPT, "ann@there.example", RCPT),
    Case(DOMAIN, MapPart.RCPT, "there.example", RCPT),
    Case(BOTH, MapPart.RCPT, "there.example", RCPT),
    Case(REGEXP, MapPart.RCPT, "/^ann@there/i", RCPT),
    Case(ADDRESS, MapPart.REPLY_TO, "me@here.example", REPLY),
    Case(DOMAIN, MapPart.REPLY_TO, "last.example", REPLY),
    Case(BOTH, MapPart.REPLY_TO, "z@last.example", REPLY),
    Case(REGEXP, MapPart.REPLY_TO, r"/^Me@Here\.example$/", REPLY),
    Case(DOMAIN, MapPart.HELO, "helo.example", HELO),
    Case(HOST, MapPart.HELO, "mx.helo.example", HELO),
    Case(REGEXP, MapPart.HELO, r"/^mx\.helo/i", HELO),
    Case(DOMAIN, MapPart.HOSTNAME, "named.example", HOSTNAME),
    Case(HOST, MapPart.HOSTNAME, "mx.named.example", HOSTNAME),
    Case(REGEXP, MapPart.HOSTNAME, r"/^mx\.named/i", HOSTNAME),
    Case(DOMAIN, MapPart.URL_HOST, "linked.example", LINK),
    Case(HOST, MapPart.URL_HOST, "www.linked.example", LINK),
    Case(REGEXP, MapPart.URL_HOST, r"/^www\.linked\.example$/", LINK),
    Case(MapKind.URL, MapPart.URL, "http://www.linked.example/Path?q=1", LINK),
    Case(REGEXP, MapPart.URL, r"/linked\.example\/path/i", LINK),
    Case(MapKind.IP, MapPart.IP, "198.51.100.0/24"),
    Case(MapKind.ASN, MapPart.ASN, "64500"),
    Case(MapKind.COUNTRY, MapPart.COUNTRY, "GR"),
    Case(TEXT, MapPart.SUBJECT, '"größe now"', {"headers": {"Subject": "=?utf-8?q?GR=C3=96=C3=9FE_now?="}}),
    Case(REGEXP, MapPart.SUBJECT, "/^gr.+ NOW$/i", {"headers": {"Subject": "=?utf-8?q?GR=C3=96=C3=9FE_now?="}}),
    Case(TEXT, MapPart.HEADER, '"some list"', {"headers": {"X-List": "Some LIST"}}),
    Case(REGEXP, MapPart.HEADER, "/^Some/", {"headers": {"X-List": "Some LIST"}}),
    Case(TEXT, MapPart.FILENAME, "invoice.exe", {"filename": "Invoice.EXE"}),
    Case(REGEXP, MapPart.FILENAME, r"/^inv.*\.exe$/i", {"filename": "Invoice.EXE"}),
    Case(TEXT, MapPart.USER, "zoe@here.example", {"user": "Zoe@here.example"}),
    Case(REGEXP, MapPart.USER, "/^zoe@/i", {"user": "Zoe@here.example"}),
    Case(REGEXP, MapPart.BODY, "/two lines of/", {"body": "these are two\r\nlines of it"}),
    Case(MapKind.VIRUS, MapPart.VIRUS, "win.test.eicar_hdb-1", {"headers": {"X-Virus": "Win.Test.EICAR_HDB-1"}}),
]
