"""Answers that were given in this very second, by the bytes of the request: given again as they are.

An answer follows from nothing but the request's head, the connection's trust (`proxies`), the
generation and the second of the clock. Readers and proxies send the same head each time; so what
was answered to these bytes is kept, ready to be written, until the second is over or something is
published. A busy address costs no parsing then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from feedpub.published import Output
from feedpub.serving.headers import date

if TYPE_CHECKING:
    from feedpub.serving.site import Reply

LONGEST_HEAD = 4000
"""Bytes of a request that is worth remembering."""
MOST = 2000
MOST_BYTES = 16_000_000
SEEN = 20_000
"""Requests of which it is known that they came before: only their answers are worth keeping."""

_STATUS = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes over the wire, and what is counted of it."""

    wire: bytes
    kind: str
    status: int
    size: int
    """Bytes of content."""


class Answers:
    """The answers of this second. Used by one thread."""

    def __init__(self, output: Output, clock: Callable[[], float]) -> None:
        self._output = output
        self._clock = clock
        self._kept: dict[tuple[bool, bytes], Answer] = {}
        self._bytes = 0
        self._moment: tuple[int, object] = (0, None)
        self._sure = False
        self._seen: set[int] = set()

    def find(self, head: bytes, trusted: bool) -> Answer | None:
        """What was answered to these bytes, if nothing has changed since."""
        if not self._sure:
            self._look()
        return self._kept.get((trusted, head))

    def _look(self) -> None:
        """Ask the clock and the output, for all requests that have come in by now.

        The loop hands out what has arrived before it asks for more: so this is later than each of them.
        """
        self._sure = True
        asyncio.get_running_loop().call_soon(self._unsure)
        moment = (int(self._clock()), self._output.stamp())
        if moment != self._moment:
            self._kept.clear()
            self._bytes = 0
            self._moment = moment

    def _unsure(self) -> None:
        self._sure = False

    def keep(self, head: bytes, reply: Reply, answer: Answer, *, trusted: bool) -> None:
        """Remember an answer to be given again, if its request has come a second time."""
        second, stamp = self._moment
        if reply.generation is None or reply.generation.stamp != stamp or int(self._clock()) != second:
            return
        known = hash(head)
        if known not in self._seen:
            if len(self._seen) >= SEEN:
                self._seen.clear()
            self._seen.add(known)
            return
        if len(self._kept) >= MOST or self._bytes > MOST_BYTES:
            self._kept.clear()
            self._bytes = 0
        self._kept[trusted, head] = answer
        self._bytes += len(head) + len(answer.wire)


def repeatable(head: bytes) -> bool:
    """Whether bytes that came in are one whole request, without content and with nothing behind it."""
    if not head.startswith((b"GET ", b"HEAD ")) or len(head) > LONGEST_HEAD:
        return False
    if head.find(b"\r\n\r\n") != len(head) - 4:
        return False
    lower = head.lower()
    return not any(
        name in lower for name in (b"\r\ncontent-length", b"\r\ntransfer-encoding", b"\r\nupgrade")
    )


def written(reply: Reply, now: float, more: Mapping[bytes, bytes]) -> Answer:
    """An answer as it goes over the wire."""
    parts = [_STATUS[reply.status], b"date: ", date(int(now)).encode(), b"\r\n"]
    for name, value in (*reply.headers, *more.items()):
        parts += (name, b": ", value, b"\r\n")
    parts += (b"\r\n", reply.body)
    return Answer(b"".join(parts), reply.kind, reply.status, len(reply.body))
