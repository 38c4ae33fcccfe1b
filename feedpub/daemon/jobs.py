"""When each source is due: on a fixed grid, or at times of the wall clock; later after failures.

The package `schedule` keeps the jobs and says which are due. What it lacks is here: deadlines on a
grid instead of "interval after the end" (which drifts), a clock that neither summer time nor a
corrected system clock disturbs, times of day in a zone, back-off, and the way back from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import schedule

from feedpub.cadence import Cadence

BACK_OFF_LIMIT_SECONDS = 900.0
"""A failing source is tried at least this often; one of a longer cadence 24 times in its interval, if that is rarer."""
FIRST_RETRY_SECONDS = 60.0
"""A source of a longer cadence than the limit is first tried again after twice this."""

Now = Callable[[], datetime]
"""A naive time in UTC, of one clock or another."""


class _Job(schedule.Job):
    """A job that is due by a clock of ours; `schedule` itself would ask naive local time."""

    now: Now = staticmethod(lambda: datetime.max)

    @property
    def should_run(self) -> bool:
        return self.next_run is not None and self.now() >= self.next_run


class _Scheduler(schedule.Scheduler):
    """A private scheduler, so that nobody else's jobs run here."""

    def every(self, interval: int = 1) -> _Job:
        return _Job(interval, self)


class Timing:
    """One source: when it is due, and how its refreshes went.

    `failures` counts those since the last success; times are aware, in UTC; `seconds` is how long the last refresh
    took. Nothing here does anything by itself.
    """

    def __init__(
        self, name: str, cadence: Cadence, job: _Job, *, timeline: Now, wall: Now, offset: float
    ) -> None:
        self.name = name
        self.cadence = cadence
        self.failures = 0
        self.failure: str | None = None
        self.last_run_at: datetime | None = None
        self.last_success_at: datetime | None = None
        self.running_since: datetime | None = None
        self.seconds: float | None = None
        self._job = job
        self._timeline, self._wall = timeline, wall
        self._offset = timedelta(seconds=offset)
        self._hurried = self._was_hurried = False
        self._follow(cadence)
        self._anchor = self._taken = self._now() + self._offset
        self._finished = self._anchor
        self._met: datetime | None = None
        # Everything is due once at the start: what was missed while no daemon ran is caught up.
        self._job.next_run = self._anchor

    def _follow(self, cadence: Cadence) -> None:
        self.cadence = cadence
        self._on_wall = cadence.cron is not None
        self._now = self._job.now = self._wall if self._on_wall else self._timeline

    # -- what is to come

    @property
    def wait_seconds(self) -> float:
        """How long until it is due; negative if it is overdue."""
        return (self._next - self._now()).total_seconds()

    def next_at(self, ahead: timedelta) -> datetime:
        """When it is due, by the wall clock, which is `ahead` of the timeline."""
        return (self._next if self._on_wall else self._next + ahead).replace(tzinfo=UTC)

    @property
    def _next(self) -> datetime:
        assert self._job.next_run is not None
        return self._job.next_run

    def _set(self, due: datetime) -> None:
        self._job.next_run = due

    def _regular(self, moment: datetime) -> datetime:
        """The first regular time after `moment`."""
        if not self._on_wall:
            interval = timedelta(seconds=self.cadence.seconds or 1)
            return self._anchor + ((moment - self._anchor) // interval + 1) * interval
        nominal = self.cadence.next_after((moment - self._offset).replace(tzinfo=UTC))
        return nominal.replace(tzinfo=None) + self._offset

    # -- what happens

    def take(self) -> None:
        """Its refresh begins."""
        self._taken = self._now()
        self._was_hurried = self._hurried
        if not self._hurried:
            self._met = self._taken
        self.running_since = self.last_run_at = self._wall().replace(tzinfo=UTC)

    def succeeded(self) -> None:
        """A refresh that took long skips times, and none drifts."""
        self._ended()
        self.failures, self.failure = 0, None
        self.last_success_at = self._wall().replace(tzinfo=UTC)
        # A change that was met just before a regular time does not stand for that.
        early = self._hurried and self._on_wall
        self._set(self._regular(self._taken if early else self._now()))
        self._hurried = False

    def failed(self, why: str, jitter: float) -> float:
        """Twice as long after each failure, up to a limit; spread by a tenth, `jitter` from 0 to 1.

        Returns the seconds until it is tried again.
        """
        self._ended()
        self.failures += 1
        self.failure = why
        self._hurried = False
        delay = self._back_off() * (0.9 + 0.2 * jitter)
        due = self._now() + timedelta(seconds=delay)
        self._set(min(due, self._regular(self._now())) if self._is_rare else due)
        return self.wait_seconds

    @property
    def _is_rare(self) -> bool:
        return self._on_wall or self.cadence.interval_seconds > BACK_OFF_LIMIT_SECONDS

    def _back_off(self) -> float:
        every, doubled = float(self.cadence.interval_seconds), 2.0 ** min(self.failures, 16)
        if self._is_rare:
            return min(max(BACK_OFF_LIMIT_SECONDS, every / 24), FIRST_RETRY_SECONDS * doubled)
        return min(max(every, min(BACK_OFF_LIMIT_SECONDS, 32 * every)), every * doubled)

    def _ended(self) -> None:
        if self.running_since is not None:
            self.seconds = max(0.0, (self._now() - self._taken).total_seconds())
        self.running_since = None
        self._finished = self._now()

    def postpone(self, seconds: float) -> None:
        """Another publisher is at work, or another source is waited for: no failure, only later."""
        self.running_since = None
        self._set(self._now() + timedelta(seconds=seconds))

    def hurry(self) -> None:
        """Something in it changed: it is due now, or where a change caused its last refresh too, as long after that as it took.

        So a folder that changes all the time costs half of the time, and the others have the rest.
        """
        pause = self._finished + timedelta(seconds=(self.seconds or 0) if self._was_hurried else 0)
        due = max(self._now(), pause)
        if due < self._next:
            self._hurried = True
            self._set(due)

    def due_now(self) -> None:
        """It is due, whatever its timer says."""
        self._set(min(self._now(), self._next))

    def change(self, cadence: Cadence) -> None:
        """From now on it has another cadence, which counts from its last refresh."""
        past = self._now() - self._taken
        self._follow(cadence)
        self._anchor = self._taken = self._finished = self._now() - past
        self._met = None
        first = self._regular(self._anchor) if not self._on_wall else self._regular(self._now())
        self._set(max(first, self._now()))

    def jumped(self, seconds: float, *, counts_sleep: bool) -> None:
        """The wall clock was set by so many seconds, or the machine slept unnoticed for so long."""
        jump = timedelta(seconds=seconds)
        if not self._on_wall:
            if seconds > 0 and not counts_sleep:  # what was missed is due now, once
                self._anchor -= jump
                self._set(self._next - jump)
        elif seconds < 0:
            if self.failures:
                self._set(min(self._next + jump, self._regular(self._now())))
            else:
                self._set(min(self._next, self._first_new()))

    def _first_new(self) -> datetime:
        """After the wall clock was set back: the first time that was not met before."""
        now = self._now()
        found = self._regular(now)
        interval = timedelta(seconds=self.cadence.interval_seconds)
        if self._met is not None and found <= self._met and self._met - now < interval:
            return self._regular(self._met)
        return found


class Jobs:
    """The timings of all sources, by name, in the order in which they were added.

    Args:
        timeline: a clock that never goes back.
        wall: the wall clock.
    """

    def __init__(self, timeline: Now, wall: Now) -> None:
        self._timeline, self._wall = timeline, wall
        self._scheduler = _Scheduler()
        self._due: list[str] = []
        self._timings: dict[str, Timing] = {}

    def __iter__(self) -> Iterator[Timing]:
        return iter(self._timings.values())

    def __getitem__(self, name: str) -> Timing:
        return self._timings[name]

    def __contains__(self, name: object) -> bool:
        return name in self._timings

    @property
    def ahead(self) -> timedelta:
        """How far the wall clock is ahead of the timeline."""
        return self._wall() - self._timeline()

    def add(self, name: str, cadence: Cadence, offset: float = 0.0) -> None:
        """One more source, due in `offset` seconds, and then always as much later than its cadence says."""
        job = self._scheduler.every(1).seconds.tag(name)
        job.now = self._timeline
        job.do(self._due.append, name)
        self._timings[name] = Timing(
            name, cadence, job, timeline=self._timeline, wall=self._wall, offset=offset
        )

    def remove(self, name: str) -> None:
        """That source is no more."""
        self._scheduler.clear(name)
        del self._timings[name]

    def due(self) -> set[str]:
        """The names of the sources that are due now. Each must be told afterwards how it went."""
        self._due.clear()
        self._scheduler.run_pending()
        return set(self._due)

    def wait_seconds(self) -> float | None:
        """How long until the first is due; None if there is none."""
        return min((timing.wait_seconds for timing in self), default=None)
