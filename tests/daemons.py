"""What tests of the daemon share: a clock that they move, and a refresh that only notes when it was asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedpub import daemon
from feedpub.cadence import Cadence, spaced
from feedpub.config import Config, Publish, SourceConfig
from feedpub.reports import Report, SourceReport

START = datetime(2025, 3, 30, 0, 59, tzinfo=UTC)
"""A minute before summer time begins in most of Europe."""


@dataclass
class FakeClock:
    """Time that passes only when the daemon sleeps or a fake refresh says so.

    `skew` is by how much the wall clock was set, or for how long the machine slept unnoticed. In
    `events` stands what happens at which time of `elapsed`, while the daemon sleeps.
    """

    elapsed: float = 0.0
    skew: float = 0.0
    end: float = float("inf")
    start: datetime = START
    naps: list[float] = field(default_factory=list)
    counts_sleep: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    events: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def monotonic(self) -> float:
        return 1000.0 + self.elapsed

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.elapsed + self.skew)

    def wait(self, wake: threading.Event, seconds: float) -> None:
        self.naps.append(seconds)
        if self.events and self.events[0][0] <= self.elapsed + seconds:
            at, event = self.events.pop(0)
            self.elapsed = max(at, self.elapsed)
            event()
        else:
            self.elapsed += seconds
        if self.elapsed > self.end:
            self.stop.set()

    def skip(self, seconds: float) -> Callable[[], None]:
        """An event: the wall clock is set."""

        def event() -> None:
            self.skew += seconds

        return event


@dataclass
class FakePublish:
    """Notes when which sources were refreshed; `takes` seconds each; does what `script` says."""

    clock: FakeClock
    takes: float = 0.0
    script: Callable[[float, list[str]], tuple[SourceReport, ...] | None] = lambda at, names: None
    next_due_at: Callable[[float], datetime | None] = lambda at: None
    due_sources: tuple[str, ...] = ()
    retry_at: Callable[[float], datetime | None] = lambda at: None
    calls: list[tuple[float, list[str]]] = field(default_factory=list)
    walls: list[tuple[datetime, list[str]]] = field(default_factory=list)
    configs: list[Config] = field(default_factory=list)
    running: int = 0

    def __call__(self, config: Config, *, only: Sequence[str] | None = None) -> Report:
        assert self.running == 0, "two refreshes at once"
        self.running += 1
        try:
            names = list(only or [])
            at = self.clock.elapsed
            started = self.clock.now()
            self.calls.append((at, names))
            self.walls.append((started, names))
            self.configs.append(config)
            self.clock.elapsed += self.takes
            reports = self.script(at, names) or tuple(SourceReport(name) for name in names)
            return Report(
                started, self.clock.now(), sources=reports, next_due_at=self.next_due_at(at),
                due_sources=self.due_sources, retry_at=self.retry_at(at),
            )  # fmt: skip
        finally:
            self.running -= 1

    def times(self, name: str) -> list[float]:
        return [round(at, 3) for at, names in self.calls if name in names]

    def moments(self, name: str) -> list[datetime]:
        """When a source was read, by the wall clock, to the second."""
        return [
            (at + timedelta(milliseconds=500)).replace(microsecond=0)
            for at, names in self.walls
            if name in names
        ]


def configured(root: Path, **every: int | Cadence) -> Config:
    sources = tuple(
        SourceConfig(name=name, every=spaced(cadence) if isinstance(cadence, int) else cadence)
        for name, cadence in every.items()
    )
    publish = Publish(output=root / "feeds")
    return Config(root=root, sources=sources, state=root / ".feedpub", publish=publish)


def run_until(
    end: float, config: Config, clock: FakeClock, publish: FakePublish, jitter: float = 0.5
) -> None:
    clock.end = end
    clock.stop.clear()
    assert daemon.run(config, stop=clock.stop, publish=publish, clock=clock, jitter=lambda: jitter) == 0
