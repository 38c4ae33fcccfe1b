"""HTTP/1.1 on the wire: uvicorn's, with limits, and with a shorter way for what can be answered at once.

A published file in memory is answered by a plain call instead of a task and a dialogue of ASGI
messages, and a request that came before with the very same bytes by looking it up (`answers`).
Everything else takes uvicorn's own way, the application's.

Requests are parsed one by one, each when the one before is answered and the client takes its
answers. What has come in behind them waits unread: first here, then in the system, then at the client.
"""

from __future__ import annotations

import resource
import time
from typing import Any, cast

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from feedpub.serving.answers import Answer, repeatable, written
from feedpub.serving.app import Front
from feedpub.serving.patience import Patience, Waited
from feedpub.serving.site import Reply, Scope

LONGEST_LINE = 8000
"""Bytes of a request's address (RFC 9112, 3: at least 8000 should be taken)."""
LONGEST_HEADERS = 32_000
MOST_HEADERS = 100
HEAD_SECONDS = 20.0
"""How long a client may take to send the head of a request."""
STALLED_SECONDS = 60.0
"""How long a client may take nothing of an answer that is on its way."""
MOST_TURNS = 50
"""Requests of one connection that are parsed or answered before other connections have their turn."""
ENDING_SECONDS = 1.0
"""How long before uvicorn gives up on open connections they are cut, so that their tasks end by themselves."""
_SPARE_FILES = 100


class Protocol(HttpToolsProtocol):
    """One connection. The application given to uvicorn must be a `Front`."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # uvicorn has wrapped the application in layers of its own.
        self._front = cast(Front, self.config.app)
        self._count = self._front.telemetry.count
        self._received = b""
        self._at = 0
        self._raw: bytes | None = None
        self._between = True
        self._in_head = False
        self._trusted = False
        self._line_bytes = self._header_bytes = 0
        self._answering: Any = None
        self._refusal: tuple[int, str] | None = None
        self._patience: Patience

    # -- connections

    def connection_made(self, transport: Any) -> None:
        """Refuse more connections than there are file descriptors for."""
        super().connection_made(transport)
        self._patience = Patience(
            transport,
            self._busy,
            self._waited,
            due_at=self.loop.time() + HEAD_SECONDS,
            stalled_seconds=STALLED_SECONDS,
            look_seconds=min(self.timeout_keep_alive, HEAD_SECONDS, STALLED_SECONDS),
        )
        self._trusted = self.client is not None and self._front.proxies.trusts(self.client[0])
        if len(self.connections) > _most_connections():
            self._front.telemetry.closed("full")
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of what waits."""
        self._patience.end()
        self._received = b""
        self.pipeline.clear()
        if self._busy():  # uvicorn tells the request that came last, which may be another one
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Answer what was asked, if the client takes it in time, and nothing more."""
        self._received = b""
        super().shutdown()
        grace = self.config.timeout_graceful_shutdown
        if grace is not None:
            self.loop.call_later(max(0.0, grace - ENDING_SECONDS), self._cut)

    def _cut(self) -> None:
        if self in self.connections:
            self._front.telemetry.closed("ending")
            self.transport.abort()

    def _busy(self) -> bool:
        return self._answering is not None and not self._answering.response_complete

    def _waited(self, why: Waited) -> None:
        if why == "stalled":
            self._front.telemetry.closed("stalled")
            self.transport.abort()
        elif self._in_head:
            self._refuse(408, "The request took too long.\n")
        else:
            self.transport.close()

    # -- the short way

    def data_received(self, data: bytes) -> None:
        """Answer at once what came before; parse everything else."""
        fresh = self._between and not self._received and (self.cycle is None or self.cycle.response_complete)
        if fresh and not self.flow.write_paused:
            answer = self._front.answers.find(data, self._trusted)
            if answer is not None and not self.transport.is_closing():
                self._patience.due_at = self.loop.time() + self.timeout_keep_alive
                self.transport.write(answer.wire)
                self._count(answer.kind, answer.status, answer.size, 0.0)
                return
        self._raw = data if fresh and repeatable(data) else None
        self._received, self._at = self._received[self._at :] + data if self._received else data, 0
        self._proceed()
        # A request that waits for its turn is answered later, when other bytes may have come in.
        self._raw = None

    def _answer(self, cycle: Any, app: Any) -> None:
        """Answer by a plain call what can be."""
        self._answering = cycle
        began = time.perf_counter()
        reply = self._front.at_once(cycle.scope)
        if reply is None:
            super()._start_asgi_task(cycle, app)
            return
        closing = {} if cycle.keep_alive else {b"connection": b"close"}
        answer = written(reply, self._front.site.clock(), closing)
        cycle.response_started = cycle.response_complete = True
        self._patience.due_at = self.loop.time() + self.timeout_keep_alive
        self.transport.write(answer.wire)
        self._count(reply.kind, reply.status, answer.size, time.perf_counter() - began)  # fmt: skip
        if not cycle.keep_alive or (b"connection", b"close") in reply.headers:
            self.transport.close()
        elif self._raw is not None:
            self._front.answers.keep(self._raw, reply, answer, trusted=self._trusted)
        self._raw = None

    # -- one after another

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """Uvicorn calls this when a head is parsed; its turn is another question."""
        self.pipeline.appendleft((cycle, app))

    def on_response_complete(self) -> None:
        """The application has answered."""
        self._patience.due_at = self.loop.time() + self.timeout_keep_alive
        self._proceed()

    def resume_writing(self) -> None:
        """The client has taken what was written."""
        super().resume_writing()
        self._proceed()

    def _proceed(self) -> None:
        """Parse and answer what has come in, as far as it can be now."""
        for _ in range(MOST_TURNS):
            if self.transport.is_closing():
                return
            free = not self.flow.write_paused and not self._busy()
            if free and self.pipeline:
                self._answer(*self.pipeline.pop())
            elif free and self._refusal is not None:
                self._refuse(*self._refusal)
            elif self._received and (free or not self._between):
                self._parse()
            else:
                break
        else:
            self.loop.call_soon(self._proceed)
        if self.transport.is_closing():
            return
        if self._received or self.pipeline or self._refusal is not None or self._is_full():
            self.flow.pause_reading()
        else:
            self.flow.resume_reading()

    def _is_full(self) -> bool:
        """Whether the application has not read so much of a request's content that no more is taken in."""
        return self._busy() and len(self._answering.body) > HIGH_WATER_LIMIT

    def _parse(self) -> None:
        """Parse to the next blank line: so far one head can end, or two if the first one's had come in halves."""
        end = self._received.find(b"\r\n\r\n", self._at) + 4
        if end < 4 or end >= len(self._received):
            piece = self._received[self._at :]
            self._received, self._at = b"", 0
        else:
            piece = self._received[self._at : end]
            self._at = end
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            # Another protocol is offered, which may be ignored (RFC 9110, 7.8): what follows is HTTP.
            self._received, self._at = piece[upgrade.args[0] :] + self._received[self._at :], 0
        except httptools.HttpParserError:
            self._refusal = self._refusal or (400, "This is no HTTP request.\n")
            self._received = b""

    # -- limits

    def on_message_begin(self) -> None:
        """A request begins."""
        self._between = False
        self._in_head = True
        self._line_bytes = self._header_bytes = 0
        self._patience.due_at = self.loop.time() + HEAD_SECONDS
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Refuse addresses that are too long (RFC 9110, 15.5.15)."""
        self._line_bytes += len(url)
        if self._line_bytes > LONGEST_LINE:
            self._stop(414, "The address is too long.\n")
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Refuse more and longer headers than anybody needs (RFC 6585, 5)."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > LONGEST_HEADERS or len(self.headers) >= MOST_HEADERS:
            self._stop(431, "There are too many headers.\n")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Nothing of the request is still to come."""
        self._between = True
        super().on_message_complete()

    def _stop(self, status: int, text: str) -> None:
        """Parse no further; what was asked before is answered first."""
        self._refusal = status, text
        raise ValueError(text)

    def _refuse(self, status: int, text: str) -> None:
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
