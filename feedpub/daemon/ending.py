"""How a daemon ends: cleanly, and within ten seconds."""

from __future__ import annotations

import _thread
import logging
import os
import signal
import threading
from types import FrameType
from typing import Any

from feedpub.daemon.notify import notify

log = logging.getLogger("feedpub.daemon")

GRACE_SECONDS = 7.0
"""How long a running refresh may go on after SIGTERM; then it is broken off, which is safe at any point."""


class Abandoned(BaseException):
    """Ends a refresh that outlasts the grace period. No Exception, so no guard takes it for a failure."""


class Ending:
    """SIGHUP becomes `reload`, SIGTERM and SIGINT become `stop`; what still runs after the grace period, or a second signal, ends.

    First by an exception, so that locks and transactions are let go in order; if that goes unheard
    (one long call into C), by leaving the process: the next run completes or discards what it finds.
    """

    def __init__(self, stop: threading.Event, wake: threading.Event) -> None:
        self._stop = stop
        self._wake = wake
        self.reload = False
        """Whether SIGHUP has come since this was last set to False."""
        self._over = threading.Event()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Ending:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
                self._before[number] = signal.signal(number, self._signalled)
            self._before[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._hung_up)
        return self

    def __exit__(self, *_: object) -> None:
        self.disarm()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def disarm(self) -> None:
        """From here on nothing is broken off."""
        self._over.set()
        if self._before:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _signalled(self, number: int, _: FrameType | None) -> None:
        if self._over.is_set():
            return
        if number == signal.SIGALRM or self._stop.is_set():
            log.warning("refresh broken off  signal=%s", signal.Signals(number).name)
            raise Abandoned
        log.info("daemon stopping  signal=%s", signal.Signals(number).name)
        # What the supervisor of services is to know while a refresh ends.
        notify("STOPPING=1")
        signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS, 1.0)
        # Event.set() here could wait for ever for a lock that the interrupted main thread holds.
        _thread.start_new_thread(self._insist, ())

    def _hung_up(self, _: int, __: FrameType | None) -> None:
        self.reload = True
        _thread.start_new_thread(self._wake.set, ())

    def _insist(self) -> None:
        self._stop.set()
        self._wake.set()
        if not self._over.wait(GRACE_SECONDS + 2.0):
            os._exit(1)
