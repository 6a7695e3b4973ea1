"""Synthetic posts as Rspamd's exporter makes them: unique mails of a given size, with the symbols ordinary spam has."""

import base64
import itertools
import json
import random
import time

_random = random.Random(20)
_WORDS = "invoice offer account payment delivery meeting report window garden update price order customer service please reply".split()
_SYMBOLS = [
    ("ARC_NA", 0.0, []),
    ("ASN", 0.0, ["asn:64496, ipnet:198.51.100.0/24, country:XX"]),
    ("BAYES_SPAM", 5.1, ["100.00%"]),
    ("DKIM_TRACE", 0.0, ["example.net:+"]),
    ("DMARC_POLICY_ALLOW", -0.5, ["example.net", "none"]),
    ("FROM_EQ_ENVFROM", 0.0, []),
    ("FROM_HAS_DN", 0.0, []),
    ("FUZZY_DENIED", 11.9, ["1:8f6c1d2ab3:1.00:txt", "1:0b7f5a9911:0.98:img"]),
    ("HTML_SHORT_LINK_IMG_1", 2.0, []),
    ("MANY_INVISIBLE_PARTS", 0.3, ["4"]),
    ("MID_RHS_MATCH_FROM", 0.0, []),
    ("MIME_GOOD", -0.1, ["multipart/mixed", "text/plain"]),
    ("MIME_TRACE", 0.0, ["0:+", "1:+", "2:~"]),
    ("PREVIOUSLY_DELIVERED", 0.0, ["user@example.com"]),
    ("RCPT_COUNT_ONE", 0.0, ["1"]),
    ("RCVD_COUNT_THREE", 0.0, ["3"]),
    ("RCVD_TLS_LAST", 0.0, []),
    ("R_DKIM_ALLOW", -0.2, ["example.net:s=mail"]),
    ("R_SPF_ALLOW", -0.2, ["+ip4:198.51.100.0/24"]),
    ("SUBJ_ALL_CAPS", 2.1, ["22"]),
    ("TO_DN_NONE", 0.0, []),
    ("TO_MATCH_ENVRCPT_ALL", 0.0, []),
    ("URIBL_BLACK", 7.5, ["bad.example:url", "worse.example:url"]),
    ("URI_COUNT_ODD", 1.0, ["3"]),
    ("XM_UA_NO_VERSION", 0.01, []),
]
_SYMBOLS_JSON = json.dumps(
    [
        {"name": name, "score": score, "weight": 1, "group": "policies", "groups": ["policies"]} | ({"options": options} if options else {})
        for name, score, options in _SYMBOLS
    ],
    separators=(",", ":"),
)
_RECEIVED = "".join(
    f"Received: from mx{hop}.example.net (mx{hop}.example.net [198.51.100.{hop}])\r\n"
    f"\tby gate{hop}.example.com (Postfix) with ESMTPS id 4X{hop}A7B9CzQk\r\n"
    f"\tfor <user@example.com>; Fri, 20 Nov 2026 10:00:0{hop} +0000 (UTC)\r\n"
    for hop in range(1, 4)
)
_DKIM = (
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=mail;\r\n\tb="
    + base64.b64encode(_random.randbytes(256)).decode()
    + "\r\n"
)


class Poster:
    """Whole HTTP requests in the `default` format; each mail is new."""

    def __init__(self, size: int, node: str, credentials: str) -> None:
        text = " ".join(_random.choices(_WORDS, k=max(20, size // 40)))
        attachment = base64.encodebytes(_random.randbytes(max(0, int((size - len(text) - 2000) / 1.37)))).replace(b"\n", b"\r\n")
        self._tail = f"\r\n{text}\r\n".encode() + attachment
        self._authorization = base64.b64encode(credentials.encode()).decode()
        self._node = node
        self._numbers = itertools.count(time.time_ns() >> 10)

    def request(self) -> bytes:
        number = next(self._numbers)
        sender, recipient = f"sender{number % 9973}@example{number % 211}.net", f"user{number % 2999}@example.com"
        head = (
            f"{_RECEIVED}{_DKIM}From: Sender {number} <{sender}>\r\nTo: <{recipient}>\r\nSubject: Offer {number} for you\r\n"
            f"Date: Fri, 20 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{number}@example.net>\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: text/plain; charset=utf-8\r\n"
        ).encode()
        body = head + self._tail
        return (
            f"POST /ingest/{self._node} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
            f"Content-Type: text/plain\r\nX-Rspamd-user: unknown\r\nX-Rspamd-fuzzy: []\r\nUser-Agent: rspamd-3.12.1\r\n"
            f'X-Rspamd-score: 24.51\r\nX-Rspamd-action: reject\r\nX-Rspamd-rcpt: ["{recipient}"]\r\n'
            f"Authorization: Basic {self._authorization}\r\nX-Rspamd-ip: 198.51.100.{number % 250}\r\nX-Rspamd-scan_time: 112\r\n"
            f"X-Rspamd-symbols: {_SYMBOLS_JSON}\r\nX-Rspamd-rspamd_server: mx1\r\nX-Rspamd-qid: {number:X}\r\n"
            f"X-Rspamd-size: {len(body)}\r\nX-Rspamd-subject: Offer {number} for you\r\nX-Rspamd-from: {sender}\r\n\r\n"
        ).encode() + body
