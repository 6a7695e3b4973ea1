"""What the mails of the million share: some hundred symbol lists, header blocks and stored copies, of the size real ones have."""

import base64
import json
import random
from dataclasses import dataclass

from app.storage.local import LocalStore, digest_of, pack

COUNT = 300
_SEED = 7
_WORDS = "account before customer delivery every friday garden invoice just kindly letter meeting notice offer please quarter".split()
_SYMBOLS = (
    ("ARC_NA", 0.0, "policies", ""),
    ("ASN", 0.0, "external", "asn:64496, ipnet:192.0.2.0/24, country:GR"),
    ("BAYES_HAM", -2.8, "statistics", "99.87%"),
    ("BAYES_SPAM", 5.1, "statistics", "100.00%"),
    ("DBL_SPAM", 6.5, "rbl", "bad.example:url"),
    ("DKIM_TRACE", 0.0, "policies", "example.net:+"),
    ("DMARC_POLICY_ALLOW", -0.5, "policies", "example.net,quarantine"),
    ("DMARC_POLICY_REJECT", 2.0, "policies", "example.net : No valid SPF, No valid DKIM,reject"),
    ("FREEMAIL_FROM", 0.0, "headers", "freemail.example"),
    ("FROM_EQ_ENVFROM", 0.0, "headers", ""),
    ("FROM_HAS_DN", 0.0, "headers", ""),
    ("FUZZY_DENIED", 11.9, "fuzzy", "1:8f6c1d2ab3:1.00:txt"),
    ("HAS_ATTACHMENT", 0.0, "body", ""),
    ("HAS_LIST_UNSUB", -0.01, "headers", ""),
    ("HFILTER_HOSTNAME_UNKNOWN", 2.5, "hfilter", ""),
    ("HTML_SHORT_LINK_IMG_1", 2.0, "html", ""),
    ("MANY_INVISIBLE_PARTS", 0.3, "html", "4"),
    ("MID_RHS_MATCH_FROM", 0.0, "headers", ""),
    ("MIME_BAD_EXTENSION", 2.0, "mime", "exe"),
    ("MIME_GOOD", -0.1, "headers", "multipart/alternative"),
    ("MIME_HTML_ONLY", 0.2, "headers", ""),
    ("MIME_TRACE", 0.0, "mime", "0:+"),
    ("MISSING_XM_UA", 0.0, "headers", ""),
    ("NEURAL_HAM", -1.7, "neural", "-1.000"),
    ("NEURAL_SPAM", 3.1, "neural", "1.000"),
    ("ONCE_RECEIVED", 0.1, "headers", ""),
    ("PHISHING", 6.0, "phishing", "bank.example->login.example"),
    ("PRECEDENCE_BULK", 0.0, "headers", ""),
    ("RBL_SPAMHAUS_XBL", 4.0, "rbl", "192.0.2.17:from"),
    ("RCPT_COUNT_ONE", 0.0, "headers", "1"),
    ("RCVD_COUNT_THREE", 0.0, "headers", "3"),
    ("RCVD_TLS_LAST", 0.0, "headers", ""),
    ("RCVD_VIA_SMTP_AUTH", 0.0, "headers", ""),
    ("R_DKIM_ALLOW", -0.2, "policies", "example.net:s=mail2026"),
    ("R_DKIM_REJECT", 1.0, "policies", "example.net:s=mail2026"),
    ("R_MIXED_CHARSET", 1.25, "body", "subject"),
    ("R_SPF_ALLOW", -0.2, "policies", "+ip4:192.0.2.0/24"),
    ("R_SPF_FAIL", 1.0, "policies", "-all"),
    ("SUBJ_ALL_CAPS", 2.1, "headers", "22"),
    ("SUSPICIOUS_RECIPS", 1.5, "headers", ""),
    ("TO_DN_NONE", 0.0, "headers", ""),
    ("TO_MATCH_ENVRCPT_ALL", 0.0, "headers", ""),
    ("URIBL_BLACK", 7.5, "rbl", "bad.example:url"),
)
_RARE = ("LEAKED_PASSWORD_SCAM", 7.0, "fuzzy", "")


@dataclass(frozen=True, slots=True)
class Template:
    number: int
    symbols: str
    headers: str
    """Those above From, To and Subject: each mail has these of its own."""
    raw: bytes

    @property
    def digest(self) -> str:
        return digest_of(self.raw)


def make_templates(*, narrow: bool = False) -> list[Template]:
    """About 4.6 kB of symbols and headers; narrow ones where ten millions must fit a disk. The same ones each time."""
    chance = random.Random(_SEED)
    return [_template(chance, number, narrow) for number in range(COUNT)]


def store_copies(templates: list[Template], store: LocalStore) -> dict[int, int]:
    """Bytes of each template's stored copy."""
    store.prepare()
    sizes = {}
    for template in templates:
        packed = pack(template.raw, 1)
        store.put(template.digest, packed, durable=False)
        sizes[template.number] = len(packed)
    return sizes


def _template(chance: random.Random, number: int, narrow: bool) -> Template:
    full = _headers(chance, hops=chance.randint(1, 4))
    headers = "X-Short: yes\r\n" if narrow else full
    return Template(number, _symbols(chance, number, 3 if narrow else 30), headers, _raw(chance, number, full))


def _symbols(chance: random.Random, number: int, most: int) -> str:
    rare = [_RARE] if number % 100 == 0 else []
    hit = sorted([*rare, *chance.sample(_SYMBOLS, chance.randint(most * 2 // 3, most))])
    found = [
        {
            "name": name,
            "score": round(score * chance.uniform(0.7, 1), 2),
            "weight": score,
            "group": group,
            "groups": [group],
        }
        | ({"options": [option]} if option else {})
        for name, score, group, option in hit
    ]
    return json.dumps(found, separators=(",", ":"))


def _headers(chance: random.Random, hops: int) -> str:
    received = "".join(
        f"Received: from host{chance.randrange(999)}.example.net (host{hop}.example.net [192.0.2.{10 + hop}])\r\n"
        f"\tby mx{hop}.example.org (Postfix) with ESMTPS id {chance.getrandbits(64):X}\r\n"
        f"\tfor <someone@example.com>; Fri, 20 Nov 2026 10:00:{50 - hop * 3:02} +0000 (UTC)\r\n"
        for hop in range(hops)
    )
    signature = base64.b64encode(chance.randbytes(256)).decode()
    signed = f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=mail2026;\r\n\th=from:to:subject:date;\r\n\tb={signature}\r\n"
    more = "".join(f"X-Campaign-{each}: {chance.getrandbits(160):x}\r\n" for each in range(chance.randint(2, 8)))
    return f"{received}{signed}{more}MIME-Version: 1.0\r\nDate: Fri, 20 Nov 2026 10:00:00 +0000\r\n"


def _raw(chance: random.Random, number: int, headers: str) -> bytes:
    words = " ".join(chance.choices(_WORDS, k=chance.choice((60, 200, 900))))
    head = f"{headers}From: Sender <sender{number}@example.net>\r\nTo: <someone@example.com>\r\nSubject: Copy {number}\r\n"
    plain = f"--part\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n"
    styled = f"<p>{words}</p><p><a href='http://shop.example/{number}'>shop.example</a><img src='http://shop.example/{number}.gif'></p>"
    page = f"--part\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{styled}\r\n--part--\r\n"
    return f"{head}Content-Type: multipart/alternative; boundary=part\r\n\r\n{plain}{page}".encode()
