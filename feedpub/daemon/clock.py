"""Time as the daemon sees it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Time as the daemon sees it; tests pass one of their own."""

    @property
    def counts_sleep(self) -> bool:
        """Whether `monotonic` goes on while the machine is suspended."""

    def monotonic(self) -> float:
        """Seconds since some fixed point, never going back."""

    def now(self) -> datetime:
        """The wall clock, aware, UTC."""

    def wait(self, wake: threading.Event, seconds: float) -> None:
        """Sleep for `seconds`, or until `wake` is set."""


class SystemClock:
    """The machine's own clocks."""

    counts_sleep = hasattr(time, "CLOCK_BOOTTIME")
    """On Linux. Elsewhere a machine that slept looks like one whose wall clock was set forward."""

    def monotonic(self) -> float:
        """Seconds since the machine started."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) if self.counts_sleep else time.monotonic()

    def now(self) -> datetime:
        """The system's time, in UTC."""
        return datetime.now(UTC)

    def wait(self, wake: threading.Event, seconds: float) -> None:
        """Sleep without polling."""
        wake.wait(seconds)
