"""HTTP/1.1 on the wire: uvicorn's, with limits, and with a shorter way for what can be answered at once.

A published file in memory is answered by a plain call instead of a task and a dialogue of ASGI
messages, and a request that came before with the very same bytes by looking it up (`answers`).
Everything else takes uvicorn's own way, the application's.
"""

from __future__ import annotations

import resource
import time
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from feedpub.serving.answers import Answer, repeatable, written
from feedpub.serving.app import Front
from feedpub.serving.site import Reply, Scope

LONGEST_LINE = 8000
"""Bytes of a request's address (RFC 9112, 3: at least 8000 should be taken)."""
LONGEST_HEADERS = 32_000
MOST_HEADERS = 100
HEAD_SECONDS = 20.0
"""How long a client may take to send the head of a request."""
_SPARE_FILES = 100


class Protocol(HttpToolsProtocol):
    """One connection. The application given to uvicorn must be a `Front`."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # uvicorn has wrapped the application in layers of its own.
        self._front = cast(Front, self.config.app)
        self._count = self._front.telemetry.count
        self._raw: bytes | None = None
        self._between = True
        self._trusted = False
        self._line_bytes = self._header_bytes = 0
        self._used_at = 0.0
        self._head_timer: Any = None

    # -- connections

    def connection_made(self, transport: Any) -> None:
        """Refuse more connections than there are file descriptors for."""
        super().connection_made(transport)
        if len(self.connections) > _most_connections():
            transport.close()
        self._trusted = self.client is not None and self._front.proxies.trusts(self.client[0])
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the timer."""
        self._head_came()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _head_came(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self._refuse(408, "The request took too long.\n")

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that was idle for that long; answers from memory do not touch the timer."""
        left = self._used_at + self.timeout_keep_alive - self.loop.time()
        if left > 0.01:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    # -- the short way

    def data_received(self, data: bytes) -> None:
        """Answer at once what came before; parse everything else."""
        if (
            self._between
            and (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
        ):
            answer = self._front.answers.find(data, self._trusted)
            if answer is not None and not self.transport.is_closing():
                self._used_at = self.loop.time()
                self._head_came()
                self.transport.write(answer.wire)
                self._count(answer.kind, answer.status, answer.size, 0.0)
                return
        self._raw = data if self._between and repeatable(data) else None
        super().data_received(data)
        # A request that waits for its turn is answered later, when other bytes may have come in.
        self._raw = None
        if not self._between and (self.cycle is None or self.cycle.response_complete):
            self._await_head()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """Answer by a plain call what can be; uvicorn calls this when a request's turn has come."""
        began = time.perf_counter()
        reply = self._front.at_once(cycle.scope)
        if reply is None:
            super()._start_asgi_task(cycle, app)
            return
        closing = {} if cycle.keep_alive else {b"connection": b"close"}
        answer = written(reply, self._front.site.clock(), closing)
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        self.transport.write(answer.wire)
        self._count(reply.kind, reply.status, answer.size, time.perf_counter() - began)  # fmt: skip
        if not cycle.keep_alive or (b"connection", b"close") in reply.headers:
            self.transport.close()
        elif self._raw is not None:
            self._front.answers.keep(self._raw, reply, answer, trusted=self._trusted)
        self._raw = None
        self._used_at = self.loop.time()
        self.on_response_complete()

    # -- limits

    def on_message_begin(self) -> None:
        """A request begins."""
        self._between = False
        self._line_bytes = self._header_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Refuse addresses that are too long (RFC 9110, 15.5.15)."""
        self._line_bytes += len(url)
        if self._line_bytes <= LONGEST_LINE:
            super().on_url(url)
        else:
            self._refuse(414, "The address is too long.\n")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Refuse more and longer headers than anybody needs (RFC 6585, 5)."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes <= LONGEST_HEADERS and len(self.headers) < MOST_HEADERS:
            super().on_header(name, value)
        else:
            self._refuse(431, "There are too many headers.\n")

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._head_came()
        if not self.transport.is_closing():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Nothing of the request is still to come."""
        self._between = True
        if self.cycle is not None:
            super().on_message_complete()

    def on_body(self, body: bytes) -> None:
        """Content is not read where the answer is there already."""
        if self.cycle is not None:
            super().on_body(body)

    def _refuse(self, status: int, text: str) -> None:
        if self.transport.is_closing():
            return
        content = text.encode()
        said = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(content)).encode()),
            (b"connection", b"close"),
        ]
        answer: Answer = written(Reply(status, said, content), self._front.site.clock(), {})
        self.transport.write(answer.wire)
        self._count("refused", status, answer.size, 0.0)
        self.transport.close()


def _most_connections() -> int:
    return max(_SPARE_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _SPARE_FILES)


__all__ = ["Protocol", "Scope"]
