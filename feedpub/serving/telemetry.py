"""What the server sees of its own answers, for /metrics, the status page and alarms."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate

BUCKETS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper ends of the classes of durations; what took longer is in one more class."""


class Telemetry:
    """Counts of one server process since it started. Used by one thread."""

    def __init__(self) -> None:
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

    def durations(self) -> list[tuple[float, int]]:
        """(upper end in seconds, answers that took at most as long); the last upper end is infinite."""
        return list(zip((*BUCKETS_SECONDS, float("inf")), accumulate(self._classes), strict=True))
