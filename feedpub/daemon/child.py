"""The process in which refreshes run: it is told which sources, and tells how it gets on and the report."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import pickle
import queue
import signal
import sys
import threading
import time
from typing import IO, Any

from feedpub.daemon.refresher import HEADER_BYTES
from feedpub.logs import portable, told

NICENESS = 15
"""How far the refresh stands back (setpriority(2)): at 0 the server's slowest answers took 3.6 times as long meanwhile."""
_FURTHER_SECONDS = 1.0
"""How often it says that it has got further."""


def serve() -> None:
    """Carry out refreshes until the daemon has gone."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the daemon decides, whoever else is told
    _end_with_parent()
    give_way()
    receive, teller = sys.stdin.buffer, _Teller(os.fdopen(os.dup(1), "wb"))
    # Nothing that a library prints may come between.
    os.dup2(2, 1)
    logger = logging.getLogger("feedpub")
    logging.captureWarnings(True)
    for one in (logger, logging.getLogger("py.warnings")):
        one.handlers, one.propagate = [_Handler(teller)], False
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(receive, requests), daemon=True).start()
    from feedpub import pipeline

    while True:
        level, (config, only) = requests.get()
        logger.setLevel(level)
        teller.begin()
        try:
            report = pipeline.publish(config, only=only, began=teller.began, progress=teller.further)
            teller.tell("done", report)
        except Exception as error:
            teller.tell("raised", _portable(error))


def _listen(receive: IO[bytes], requests: queue.SimpleQueue[Any]) -> None:
    """Pass on what is asked for. Without a daemon nobody needs the answer: leaving is safe at any instant."""
    while header := receive.read(HEADER_BYTES):
        requests.put(pickle.loads(receive.read(int.from_bytes(header, "big"))))  # noqa: S301 - from the daemon
    os._exit(0)


def give_way() -> None:
    """Let readers go first: where processors are short, whoever is served waits less, and a refresh takes longer."""
    with contextlib.suppress(OSError):  # a sandbox may forbid it
        os.nice(NICENESS)


def _end_with_parent() -> None:
    """On Linux also when this process is stuck where the end of a pipe is not noticed (prctl(2), PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _portable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - just made
    except Exception:
        return RuntimeError(told(error))
    return error


class _Teller:
    """Tells the daemon; any thread may call it."""

    def __init__(self, send: IO[bytes]) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._last = 0.0
        self._source: str | None = None

    def begin(self) -> None:
        """A refresh begins, of no source yet."""
        self._source, self._last = None, 0.0

    def began(self, source: str) -> None:
        """It begins to read this source; "" when it writes."""
        if source != self._source:
            self._source = source
            self.tell("began", source)
        self.further()

    def further(self, _: int = 0) -> None:
        """It has got further."""
        if (now := time.monotonic()) - self._last > _FURTHER_SECONDS:
            self._last = now
            self.tell("further", None)

    def tell(self, kind: str, value: Any) -> None:
        """Send one message."""
        body = pickle.dumps((kind, value), pickle.HIGHEST_PROTOCOL)
        with self._lock:
            try:
                self._send.write(len(body).to_bytes(HEADER_BYTES, "big") + body)
                self._send.flush()
            except BrokenPipeError:  # the daemon was killed
                os._exit(0)


class _Handler(logging.Handler):
    """Has the daemon log what is logged here, so that it all comes in one form."""

    def __init__(self, teller: _Teller) -> None:
        super().__init__()
        self._teller = teller

    def emit(self, record: logging.LogRecord) -> None:
        portable(record)
        if record.exc_info:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
            record.exc_info = None
        self._teller.tell("log", record)
