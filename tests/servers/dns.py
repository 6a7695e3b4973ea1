"""A name server on a loopback port that knows a few TXT records, and of all else that it is not there."""

import socket
import struct
import threading
from typing import Self

_TXT = 16


class Dns:
    def __init__(self, records: dict[str, str]) -> None:
        self.records = {name.lower(): text for name, text in records.items()}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        stop = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        stop.sendto(b"", ("127.0.0.1", self.port))
        stop.close()
        self._thread.join(10)
        self._socket.close()

    def _serve(self) -> None:
        while query := self._socket.recvfrom(4096):
            if not query[0]:
                return
            self._socket.sendto(self._answer(query[0]), query[1])

    def _answer(self, query: bytes) -> bytes:
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii", "replace"))
            at += query[at] + 1
        question, kind = query[12 : at + 5], struct.unpack("!H", query[at + 1 : at + 3])[0]
        text = self.records.get(".".join(labels).lower())
        found = text is not None and kind == _TXT
        head = query[:2] + struct.pack("!HHHHH", 0x8180 if text is not None else 0x8183, 1, int(found), 0, 0)
        if not found or text is None:
            return head + question
        data = text.encode()
        return head + question + struct.pack("!HHHIHB", 0xC00C, _TXT, 1, 60, len(data) + 1, len(data)) + data
