"""The timer: the same refresh as `feedpub publish`, each source by its own `every`, until told to stop.

    tick: what is due → one refresh over all of it → next deadlines → sleep exactly until the first

The package `schedule` keeps the jobs and says which are due; what it lacks is here: deadlines on a
fixed grid instead of "interval after the end" (which drifts), a clock that neither summer time nor
a corrected system clock disturbs, a guard around every refresh, back-off for a source that fails,
one catch-up after a pause, one daemon per newsroom, and a clean stop.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import schedule

from feedpub.config import Config, SourceConfig
from feedpub.daemon.clock import Clock
from feedpub.errors import LockedError, PublishError, StoreError
from feedpub.logs import fields, told
from feedpub.reports import Report, SourceReport

log = logging.getLogger("feedpub.daemon")

MAX_NAP_SECONDS = 60.0
"""Sleep is cut into naps of this length, so that a jump of the wall clock is noticed within it."""
JUMP_SECONDS = 5.0
"""Wall and monotonic clock drifting apart by more than this: the machine slept, or its clock was set."""
LOCKED_RETRY_SECONDS = 2.0
"""How soon a refresh that found another publisher at work is tried again."""
BACK_OFF_LIMIT_SECONDS = 900.0
"""A failing source is tried at least this often (or by its own `every`, if that is longer)."""


class Publish(Protocol):
    """What a refresh is: `feedpub.pipeline.publish`."""

    def __call__(self, config: Config, *, only: Sequence[str] | None = None) -> Report:
        """Refresh the sources named in `only`."""


class _Job(schedule.Job):
    """A job that is due by the timeline's clock; `schedule` itself would ask naive local time."""

    def __init__(self, interval: int, scheduler: _Scheduler) -> None:
        super().__init__(interval, scheduler)
        self._timeline = scheduler.timeline

    @property
    def should_run(self) -> bool:
        return self.next_run is not None and self._timeline() >= self.next_run


class _Scheduler(schedule.Scheduler):
    """A private scheduler, so that nobody else's jobs run here."""

    def __init__(self, timeline: Callable[[], datetime]) -> None:
        super().__init__()
        self.timeline = timeline

    def every(self, interval: int = 1) -> _Job:
        return _Job(interval, self)


class _Deadlines:
    """When one source is due: on a grid of `every_seconds` from the start, later only after failures."""

    def __init__(self, source: SourceConfig, start: datetime) -> None:
        self.name = source.name
        self.interval = timedelta(seconds=max(1, source.every_seconds))
        self._anchor = start
        self.failures = 0

    def restart(self, now: datetime) -> None:
        self._anchor = now

    def after_success(self, now: datetime) -> datetime:
        """The first grid point after `now`: a refresh that took long skips points, and none drifts."""
        self.failures = 0
        return self._anchor + ((now - self._anchor) // self.interval + 1) * self.interval

    def after_failure(self, now: datetime, jitter: float) -> datetime:
        """Twice as long after each failure, up to the limit; spread by a tenth, `jitter` from 0 to 1."""
        self.failures += 1
        every = self.interval.total_seconds()
        limit = max(every, min(BACK_OFF_LIMIT_SECONDS, 32 * every))
        delay = min(limit, every * 2 ** min(self.failures, 16))
        return now + timedelta(seconds=delay * (0.9 + 0.2 * jitter))


class Timer:
    """Every source's deadline and the refreshes that they cause; `tick` never raises for a refresh's sake."""

    def __init__(
        self,
        config: Config,
        publish: Publish,
        *,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._config = config
        self._publish = publish
        self._clock = clock
        self._jitter = jitter
        self._stopped = stopped
        self._offset = clock.monotonic() - clock.now().timestamp()
        self._start = clock.now().replace(tzinfo=None) - timedelta(seconds=clock.monotonic())
        self._scheduler = _Scheduler(self._timeline)
        self._due: set[str] = set()
        self._due_at: datetime | None = None
        self._sources: dict[str, _Deadlines] = {}
        self._jobs: dict[str, schedule.Job] = {}
        start = self._timeline()
        for source in config.sources:
            deadlines = _Deadlines(source, start)
            job = self._scheduler.every(max(1, source.every_seconds)).seconds.tag("source")
            job.do(self._due.add, source.name)
            # Everything is due at once: what was missed while no daemon ran is caught up in one refresh.
            job.next_run = start
            self._sources[source.name] = deadlines
            self._jobs[source.name] = job

    def tick(self) -> None:
        """Carry out what is due now, all of it in one refresh; nothing if nothing is."""
        self._notice_jump()
        self._due.clear()
        self._scheduler.run_pending()
        if self._due:
            self._refresh([name for name in self._sources if name in self._due])

    def idle_seconds(self) -> float:
        """How long to sleep before the next tick."""
        self._notice_jump()  # the machine may have slept during the refresh
        due = self._scheduler.next_run
        if due is None:
            return MAX_NAP_SECONDS
        seconds: float = (due - self._timeline()).total_seconds()
        return min(MAX_NAP_SECONDS, max(0.0, seconds))

    def _timeline(self) -> datetime:
        """Naive UTC that began with the wall clock and goes on with the monotonic one."""
        return self._start + timedelta(seconds=self._clock.monotonic())

    def _notice_jump(self) -> None:
        offset = self._clock.monotonic() - self._clock.now().timestamp()
        jump = self._offset - offset
        if abs(jump) <= JUMP_SECONDS:
            return
        self._offset = offset
        log.info("clock jumped  seconds=%.0f", jump)
        if jump > 0:  # the machine was asleep: whatever was missed is done once, now
            now = self._timeline()
            for name, deadlines in self._sources.items():
                deadlines.restart(now)
                self._jobs[name].next_run = now
        self._schedule_due(self._due_at)

    def _refresh(self, names: list[str]) -> None:
        """One refresh over `names`, its outcome written into their deadlines."""
        try:
            report = self._guarded(names)
        except LockedError as error:
            log.info("refresh waits  %s", fields(sources=names, owner=error.owner or "unknown"))
            for name in names:
                self._jobs[name].next_run = self._timeline() + timedelta(seconds=LOCKED_RETRY_SECONDS)
            return
        except (PublishError, StoreError) as error:
            # Output or store is at fault, not a source: trying them one by one would not help.
            self._failed(names, str(error))
            return
        except Exception as error:
            log.error("refresh failed  %s", fields(sources=names, error=told(error)), exc_info=True)
            if len(names) == 1:
                self._failed(names, told(error))
                return
            # One of them breaks the refresh of all: each alone, so that only that one waits.
            for name in names:
                if self._stopped():
                    return
                self._refresh([name])
            return
        outcomes = {source.name: source for source in report.sources}
        for name in names:
            outcome = outcomes.get(name, SourceReport(name))
            if outcome.failure:
                self._failed([name], outcome.failure)
            else:
                self._jobs[name].next_run = self._sources[name].after_success(self._timeline())
        if report.next_due_at is None or report.next_due_at > report.started_at:
            # An instant that this refresh has already seen would only repeat it without end.
            self._schedule_due(report.next_due_at)

    def _guarded(self, names: list[str]) -> Report:
        started = self._clock.monotonic()
        report = self._publish(self._config, only=names)
        for failure in report.failures:
            log.error("output failed  %s", fields(error=failure))
        log.info(
            "refresh finished  %s",
            fields(
                sources=names,
                new=sum(source.new for source in report.sources),
                modified=sum(source.modified for source in report.sources),
                removed=sum(source.removed for source in report.sources),
                held=len(report.held),
                written=len(report.written),
                seconds=f"{self._clock.monotonic() - started:.2f}",
            ),
        )
        return report

    def _failed(self, names: list[str], why: str) -> None:
        for name in names:
            now = self._timeline()
            due = self._sources[name].after_failure(now, self._jitter())
            self._jobs[name].next_run = due
            log.error(
                "source failed  %s",
                fields(
                    source=name,
                    failures=self._sources[name].failures,
                    retry_in_seconds=f"{(due - now).total_seconds():.0f}",
                    error=why,
                ),
            )

    def _schedule_due(self, due_at: datetime | None) -> None:
        """Have everything refreshed once at `due_at`: the end of an embargo, or a file that ages."""
        self._due_at = due_at
        self._scheduler.clear("due")
        if due_at is None:
            return
        job = self._scheduler.every(1).seconds.tag("due")
        job.do(self._everything_due)
        wait = max(0.0, (due_at - self._clock.now()).total_seconds())
        job.next_run = self._timeline() + timedelta(seconds=min(wait, 10**9))

    def _everything_due(self) -> type[schedule.CancelJob]:
        self._due_at = None
        self._due.update(self._sources)
        return schedule.CancelJob
