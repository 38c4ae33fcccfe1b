"""What the server sees of its own answers, for /metrics, the status page and alarms."""

from __future__ import annotations

import bisect
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Literal

log = logging.getLogger("feedpub.serving")

BUCKETS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper ends of the classes of durations; what took longer is in one more class."""

TOLD_SECONDS = 60.0
"""What may happen a thousand times a second stands in the log at most so often, with its number."""

Closed = Literal["full", "stalled", "ending"]
"""Why a connection was closed although its client waited: there were too many, the client did not
read its answer, or the server ended before it had."""
_TOLD = {
    "full": (
        logging.WARNING,
        "connections refused, there are too few file descriptors: raise the limit of open files",
    ),
    "stalled": (logging.INFO, "connections closed, the client did not read its answer"),
    "ending": (logging.INFO, "connections closed, the server ended before the client had its answer"),
}


class Telemetry:
    """Counts of one server process since it started. Used by one thread.

    Args:
        clock: seconds, for the distance of lines in the log.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.closings: Counter[Closed] = Counter()
        """Why → connections that were closed although the client waited."""
        self._told: dict[Closed, tuple[float, int]] = {}
        self.answers: Counter[tuple[str, int]] = Counter()
        """(kind of what was asked for: "feed", "page", "api", …, status) → answers."""
        self.sent_bytes = 0
        self.seconds = 0.0
        self.damaged: Callable[[], Sequence[str]] = tuple
        """Gives the paths of published files that cannot be answered with; any thread may call it."""
        self._classes = [0] * (len(BUCKETS_SECONDS) + 1)

    def count(self, kind: str, status: int, size: int, seconds: float) -> None:
        """Note one answer: its body's size in bytes and how long it took."""
        self.answers[kind, status] += 1
        self.sent_bytes += size
        self.seconds += seconds
        self._classes[bisect.bisect_left(BUCKETS_SECONDS, seconds)] += 1

    def closed(self, why: Closed) -> None:
        """Note a connection that was closed although the client waited, and tell it in the log."""
        self.closings[why] += 1
        now = self._clock()
        told_at, told = self._told.get(why, (-TOLD_SECONDS, 0))
        if now - told_at >= TOLD_SECONDS:
            level, text = _TOLD[why]
            log.log(level, "%s  number=%d", text, self.closings[why] - told)
            self._told[why] = now, self.closings[why]

    def durations(self) -> list[tuple[float, int]]:
        """(upper end in seconds, answers that took at most as long); the last upper end is infinite."""
        return list(zip((*BUCKETS_SECONDS, float("inf")), accumulate(self._classes), strict=True))
