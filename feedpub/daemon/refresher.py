"""A refresh in a process of its own, which the daemon watches: what hangs there is given up, and the others go on.

Nothing can stop a thread that waits for a network drive which has gone. A process can be killed at any
instant, since a refresh that was broken off leaves every published file whole and is completed by the
next one. The process is kept from one refresh to the next, so that it has its imports ready.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import pickle
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

from feedpub.config import Config
from feedpub.daemon.timer import BrokenOffError
from feedpub.reports import Report

log = logging.getLogger("feedpub.daemon")

HEADER_BYTES = 4
"""Each message is its length in so many bytes, the highest first, and then a pickle."""
KILL_SECONDS = 5.0
"""How long to wait for a killed process: one inside the kernel of a dead mount may never end."""

_COMMAND = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from feedpub.daemon.child import serve; serve()"
)


class Refresher:
    """Refreshes in another process, as `feedpub.pipeline.publish` does in this one.

    Args:
        turn: called at least every `turn_seconds` while a refresh runs.
        turn_seconds: how often.
    """

    def __init__(self, turn: Callable[[], None] = lambda: None, turn_seconds: float = 1.0) -> None:
        self._turn = turn
        self._turn_seconds = turn_seconds
        self._child: _Child | None = None

    def __call__(self, config: Config, *, only: Sequence[str] | None = None) -> Report:
        """Refresh the sources named in `only`.

        Raises:
            BrokenOffError: it got no further for `daemon.deadline_seconds`, or the process ended.
            Exception: what the refresh itself raised.
        """
        child = self.start()
        try:
            child.send((config, list(only) if only is not None else None))
            succeeded, answer = self._answer(child, config.daemon.deadline_seconds)
        except BaseException:  # SIGTERM has waited long enough: see `ending`
            self.close()
            raise
        if not succeeded:
            raise answer
        report: Report = answer
        return report

    def start(self) -> _Child:
        """Have the process ready before it is needed."""
        if self._child is not None and self._child.has_ended():
            self.close()
        if self._child is None:
            self._child = _Child()
        return self._child

    def close(self) -> None:
        """Kill the process, what it is doing included."""
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def _answer(self, child: _Child, deadline: float) -> tuple[bool, Any]:
        source, further = None, time.monotonic()
        while True:
            left = further + deadline - time.monotonic()
            if left <= 0:
                where = f"the source {source!r}" if source else "writing the output"
                raise BrokenOffError(
                    f"{where} got no further for {deadline:.0f} seconds and was given up; is a network drive gone?",
                    source,
                )
            try:
                message = child.receive(min(left, self._turn_seconds))
            except EOFError:
                ended = f"the process that refreshes ended by itself ({child.ending()})"
                raise BrokenOffError(
                    f"{ended} while it was {f'reading the source {source!r}' if source else 'writing'}",
                    source,
                ) from None
            self._turn()
            if message is None:
                continue
            kind, value = message
            if kind in ("done", "raised"):
                return kind == "done", value
            if kind == "log":
                logging.getLogger(value.name).handle(value)
                continue
            further = time.monotonic()
            if kind == "began":
                source = value or None


class _Child:
    """The process, and the pipes to it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this Python
            [sys.executable, "-c", _COMMAND, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,  # its own workers go with it
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._send, self._receive = self._process.stdin, self._process.stdout.fileno()
        self._poll = select.poll()
        self._poll.register(self._receive, select.POLLIN)
        self._buffer = bytearray()

    def send(self, message: Any) -> None:
        """Raises BrokenOffError if there is nobody to read it."""
        level = logging.getLogger("feedpub").getEffectiveLevel()
        body = pickle.dumps((level, message), pickle.HIGHEST_PROTOCOL)
        try:
            self._send.write(len(body).to_bytes(HEADER_BYTES, "big") + body)
            self._send.flush()
        except OSError as error:
            raise BrokenOffError(
                f"the process that refreshes could not be reached ({error.strerror})", None
            ) from error

    def receive(
        self, seconds: float
    ) -> tuple[Literal["began", "further", "log", "done", "raised"], Any] | None:
        """The next message, or None if there is none for so long.

        Raises:
            EOFError: the process has ended.
        """
        while True:
            length = int.from_bytes(self._buffer[:HEADER_BYTES], "big")
            end = HEADER_BYTES + length
            if len(self._buffer) >= HEADER_BYTES and len(self._buffer) >= end:
                body = bytes(self._buffer[HEADER_BYTES:end])
                del self._buffer[:end]
                return pickle.loads(body)  # type: ignore[no-any-return]  # noqa: S301 - our own process
            if not self._poll.poll(seconds * 1000):
                return None
            chunk = os.read(self._receive, 1 << 20)
            if not chunk:
                raise EOFError
            self._buffer += chunk

    def has_ended(self) -> bool:
        """Whether it is gone, as when memory ran out."""
        return self._process.poll() is not None

    def ending(self) -> str:
        """How it ended, in words."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._process.wait(KILL_SECONDS)
            return f"signal {-code}" if code < 0 else f"exit code {code}"
        return "it closed its pipe"

    def end(self) -> None:
        """Kill it and its workers."""
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, 9)
        with contextlib.suppress(OSError):
            self._send.close()
        try:
            self._process.wait(KILL_SECONDS)
        except subprocess.TimeoutExpired:
            log.error("process cannot be killed  pid=%d", self._process.pid)
        if self._process.stdout is not None:
            self._process.stdout.close()
