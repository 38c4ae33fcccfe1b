"""HTTP connections on which what is sent and what is taken is decided by hand."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from feedpub import serving
from feedpub.serving import protocol
from feedpub.serving.app import Front
from feedpub.serving.telemetry import Telemetry
from tests.test_server import Published

GET = b"GET /feed.xml HTTP/1.1\r\nHost: localhost\r\n\r\n"
OTHER = b"GET /index.html HTTP/1.1\r\nHost: localhost\r\n\r\n"

HIGH_WATER, LOW_WATER = 65_536, 16_384
"""Bytes in the buffer of a transport from and to which its protocol is to write nothing."""


class Client:
    """A connection on which requests are written by hand."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.received = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> tuple[int, bytes]:
        """Status and content of the next answer."""
        while b"\r\n\r\n" not in self.received:
            self._more()
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        found = re.search(rb"(?i)content-length: (\d+)", head)
        length = int(found[1]) if found else 0
        while len(self.received) < length:
            self._more()
        body, self.received = self.received[:length], self.received[length:]
        return int(head.split()[1]), body

    def _more(self) -> None:
        part = self.socket.recv(65536)
        if not part:
            raise EOFError
        self.received += part

    def ended(self) -> bool:
        """Whether the server closes the connection."""
        with contextlib.suppress(ConnectionResetError):
            while self.socket.recv(65536):
                pass
        return True


class Wire:
    """A transport that only notes what is written. Its client takes all, or what `take` says if it is `lazy`."""

    def __init__(self, front: Front, *, lazy: bool = False) -> None:
        self.telemetry: Telemetry = front.telemetry
        self._written = bytearray()
        self.closed = False
        self.aborted = False
        self.wasted = 0
        """Bytes that were written when nobody was there any more."""
        self.reading = True
        self.buffered = 0
        self.most_buffered = 0
        self.protocol: Any = None
        self._lazy = lazy
        self._paused = False

    @property
    def written(self) -> bytes:
        """All that was written to the client."""
        return bytes(self._written)

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def write(self, data: bytes) -> None:
        if self.aborted:
            self.wasted += len(data)
        self._written += data
        if self._lazy:
            self.buffered += len(data)
            self.most_buffered = max(self.most_buffered, self.buffered)
            if self.buffered > HIGH_WATER and not self._paused:
                self._paused = True
                self.protocol.pause_writing()

    def take(self, size: int) -> None:
        """The client takes some bytes of what is there."""
        self.buffered = max(0, self.buffered - size)
        if self.buffered <= LOW_WATER and self._paused:
            self._paused = False
            self.protocol.resume_writing()

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True
        self.buffered = 0
        self.protocol.connection_lost(None)

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


Talk = Callable[[Any, Wire], Awaitable[None]]


def connected(output: Published, talk: Talk, *, lazy: bool = False, **settings: Any) -> Wire:
    """What happened on a connection after `talk(its protocol, its transport)`; `settings` are uvicorn's."""
    front = serving.build_app(output.root)
    wire = Wire(front, lazy=lazy)
    known = {"timeout_keep_alive": 1, **settings}
    config = uvicorn.Config(
        front, http=protocol.Protocol, ws="none", interface="asgi3", log_config=None, lifespan="off", **known
    )
    config.load()

    async def run() -> None:
        wire.protocol = protocol.Protocol(
            config=config, server_state=ServerState(), app_state={}, _loop=asyncio.get_running_loop()
        )
        wire.protocol.connection_made(wire)
        await talk(wire.protocol, wire)
        closed = wire.closed
        if not wire.aborted:
            wire.protocol.connection_lost(None)
        wire.closed = closed
        async with asyncio.timeout(10):  # an application whose client is gone ends by itself
            while wire.protocol.tasks:
                await asyncio.sleep(0.01)

    asyncio.run(run())
    return wire


def talk(output: Published, pieces: Sequence[bytes], pause: float, **settings: Any) -> Wire:
    """What happens on a connection on which these pieces come in, with pauses in seconds, until the server closes it."""

    async def said(connection: Any, wire: Wire) -> None:
        for piece in pieces:
            if wire.closed:
                return
            if piece:
                connection.data_received(piece)
            await asyncio.sleep(pause)

    return connected(output, said, **settings)
