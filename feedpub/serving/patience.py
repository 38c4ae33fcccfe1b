"""How long a connection may keep the server waiting: for a request, or for its answer to be taken.

One timer a connection, which looks now and then; an answer only moves the number that it looks at.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any, Literal

Waited = Literal["idle", "stalled"]


class Patience:
    """The timer of one connection; it runs from the beginning until `end`.

    Args:
        transport: the connection.
        busy: whether the client waits for the server, and not the other way round.
        over: called when the client asked nothing ("idle": it is later than `due_at`), or when
            the client took nothing of its answer for `stalled_seconds`. A client that reads slowly is waited for.
        due_at: when the client must have sent what is waited for, by the loop's clock; it may be moved.
        stalled_seconds: that time.
        look_seconds: how often to look. What `due_at` is moved to is kept exactly if it is as far away.
    """

    def __init__(
        self,
        transport: Any,
        busy: Callable[[], bool],
        over: Callable[[Waited], None],
        *,
        due_at: float,
        stalled_seconds: float,
        look_seconds: float,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._busy = busy
        self._over = over
        self._stalled_seconds = stalled_seconds
        self._look_seconds = look_seconds
        self._taken: int | None = None
        self._taken_at = 0.0
        self.due_at = due_at
        self._timer = self._loop.call_later(look_seconds, self._look)

    def end(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        left = self._look_seconds
        if self._transport.get_write_buffer_size():
            taken = _taken(self._transport)
            if taken != self._taken:
                self._taken, self._taken_at = taken, now
            elif now - self._taken_at >= self._stalled_seconds:
                self._over("stalled")
                return
            # The client still has time for its next request when the answer is through.
            self.due_at = max(self.due_at, now + self._look_seconds)
        else:
            self._taken = None
            if not self._busy() and not self._transport.is_closing():
                left = min(left, self.due_at - now)
                if left <= 0:
                    self._over("idle")
                    left = self._look_seconds
        self._timer = self._loop.call_later(max(0.001, left), self._look)


_ACKED_AT, _ACKED_END = 120, 128
"""Where `tcpi_bytes_acked` lies in Linux's struct tcp_info (linux/tcp.h, since 4.1)."""


def _taken(transport: Any) -> int:
    """A number that is another one when the client has taken something.

    The buffer alone does not tell it: the system takes from it only when a third of its own, of some
    megabytes, is free again.
    """
    try:
        info = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ACKED_END)
        return int(struct.unpack_from("=Q", info, _ACKED_AT)[0])
    except (AttributeError, OSError, struct.error):
        return int(transport.get_write_buffer_size())
