"""Time as the daemon sees it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Time as the daemon sees it; tests pass one of their own."""

    def monotonic(self) -> float:
        """Seconds since some fixed point, never going back."""

    def now(self) -> datetime:
        """The wall clock, aware, UTC."""

    def wait(self, stop: threading.Event, seconds: float) -> None:
        """Sleep for `seconds`, or until `stop` is set."""


class SystemClock:
    """The machine's own clocks."""

    def monotonic(self) -> float:
        """Seconds; they stand still while a Linux machine is suspended."""
        return time.monotonic()

    def now(self) -> datetime:
        """The system's time, in UTC."""
        return datetime.now(UTC)

    def wait(self, stop: threading.Event, seconds: float) -> None:
        """Sleep without polling."""
        stop.wait(seconds)
