"""The timer: the same refresh as `feedpub publish`, each source by its own `every`, until told to stop.

    tick: what is due, or has changed → one refresh over all of it → next deadlines → sleep exactly until the first

`jobs` says when a source is due. Here are the refreshes: what is due together is one of them, since
there is one writer of the store; a guard around each finds the source at fault; what changes by time
alone and hubs that have not heard are refreshes too, of nothing but what they need.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from feedpub.config import Config, SourceConfig
from feedpub.daemon.clock import Clock
from feedpub.daemon.jobs import Jobs
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
AGAIN_SECONDS = 60.0
"""How soon a refresh that belongs to no source is tried again after it failed."""

_CHANGED, _HUBS, _AGAIN, _CONFIGURED = "changed by time", "hubs", "again", "configured"


class Publish(Protocol):
    """What a refresh is: `feedpub.pipeline.publish`."""

    def __call__(self, config: Config, *, only: Sequence[str] | None = None) -> Report:
        """Refresh the sources named in `only`."""


class BrokenOffError(Exception):
    """A refresh hung, or its process ended; `source` is what it was reading, None if it was writing."""

    def __init__(self, message: str, source: str | None) -> None:
        super().__init__(message)
        self.source = source


class Timer:
    """Every source's deadline and the refreshes that they cause; `tick` never raises for a refresh's sake.

    Args:
        config: the newsroom.
        publish: what a refresh is.
        clock: the time.
        jitter: returns 0 to 1.
        stopped: whether to begin no further refresh.
        tell: called when something about `jobs` has changed.
    """

    def __init__(
        self,
        config: Config,
        publish: Publish,
        *,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
        stopped: Callable[[], bool] = lambda: False,
        tell: Callable[[], None] = lambda: None,
    ) -> None:
        self.config = config
        self._publish = publish
        self._clock = clock
        self._jitter = jitter
        self._stopped = stopped
        self._tell = tell
        self._offset = clock.monotonic() - clock.now().timestamp()
        self._start = clock.now().replace(tzinfo=None) - timedelta(seconds=clock.monotonic())
        self.jobs = Jobs(self._timeline, self._wall)
        self._dues: dict[str, tuple[datetime, tuple[str, ...]]] = {}
        self.is_failing = False
        """Whether something in the last tick with a refresh failed."""
        self.blocked: str | None = None
        """Why the last refresh could publish nothing, whatever the sources bring; None if it could."""
        for source in config.sources:
            self._add(source)

    @property
    def due_at(self) -> datetime | None:
        """When something is due to change by time alone; None if nothing is."""
        return self._dues[_CHANGED][0] if _CHANGED in self._dues else None

    def tick(self, changed: Iterable[str] = ()) -> None:
        """Carry out what is due now, all of it in one refresh; nothing if nothing is.

        Args:
            changed: names of sources in which something was saved.
        """
        self._notice_jump()
        for name in changed:
            if name in self.jobs:
                self.jobs[name].hurry()
        due = self.jobs.due()
        timed = [key for key, (at, _) in self._dues.items() if at <= self._clock.now()]
        for key in timed:
            due.update(name for name in self._dues.pop(key)[1] if name in self.jobs)
        if due or timed:
            self.is_failing = False
            self._refresh([timing.name for timing in self.jobs if timing.name in due])
            self._tell()

    def due_now(self) -> None:
        """Have every source refreshed at the next tick."""
        for timing in self.jobs:
            timing.due_now()

    def idle_seconds(self) -> float:
        """How long to sleep before the next tick."""
        self._notice_jump()  # the machine may have slept during the refresh
        now = self._clock.now()
        waits = [(at - now).total_seconds() for at, _ in self._dues.values()]
        waits += [wait for wait in (self.jobs.wait_seconds(),) if wait is not None]
        return max(0.0, min([MAX_NAP_SECONDS, *waits]))

    def configure(self, config: Config) -> None:
        """Go on by another configuration: only what it changes is refreshed now, all else when it is due."""
        before, self.config = self.config, config
        known = {source.name: source for source in before.sources}
        anew = (before.site, before.publish.undated) != (config.site, config.publish.undated)
        for name in known.keys() - {source.name for source in config.sources}:
            self.jobs.remove(name)
        for source in config.sources:
            old = known.get(source.name)
            if old is None:
                self._add(source)
                continue
            if old.every != source.every:
                self.jobs[source.name].change(source.every)
            if anew or replace(old, every=source.every, watch=source.watch) != source:
                self.jobs[source.name].due_now()
        if (before.feeds, before.publish) != (config.feeds, config.publish) or anew:
            self._dues[_CONFIGURED] = (self._clock.now(), ())
        self._tell()

    def _add(self, source: SourceConfig) -> None:
        spread = self.config.daemon.jitter_seconds
        self.jobs.add(source.name, source.every, spread * self._jitter() if spread else 0.0)

    def _timeline(self) -> datetime:
        """Naive UTC that began with the wall clock and goes on with the monotonic one."""
        return self._start + timedelta(seconds=self._clock.monotonic())

    def _wall(self) -> datetime:
        return self._clock.now().replace(tzinfo=None)

    def _notice_jump(self) -> None:
        offset = self._clock.monotonic() - self._clock.now().timestamp()
        jump = self._offset - offset
        if abs(jump) <= JUMP_SECONDS:
            return
        self._offset = offset
        log.info("clock jumped  seconds=%.0f", jump)
        for timing in self.jobs:
            timing.jumped(jump, counts_sleep=self._clock.counts_sleep)

    # -- one refresh

    def _refresh(self, names: list[str]) -> None:
        """One refresh over `names`, its outcome written into their deadlines."""
        for name in names:
            self.jobs[name].take()
        self._tell()
        try:
            report = self._guarded(names)
        except LockedError as error:
            self._wait(names, error)
        except BrokenOffError as error:
            self._broken_off(names, error)
        except PublishError as error:
            self._not_published(names, error)
        except StoreError as error:
            # The store is at fault, not a source: trying them one by one would not help.
            self.blocked = str(error)
            self._failed(names, str(error))
        except Exception as error:
            log.error("refresh failed  %s", fields(sources=names, error=told(error)), exc_info=True)
            if len(names) < 2:
                self._failed(names, told(error))
            else:
                # One of them breaks the refresh of all: each alone, so that only that one waits.
                self._each(names)
        else:
            self._done(names, report)

    def _each(self, names: list[str]) -> None:
        for name in names:
            if self._stopped():
                return
            self._refresh([name])

    def _done(self, names: list[str], report: Report) -> None:
        self.is_failing = self.is_failing or bool(report.failures)
        self.blocked = None
        outcomes = {source.name: source for source in report.sources}
        for name in names:
            outcome = outcomes.get(name, SourceReport(name))
            if outcome.failure:
                self._failed([name], outcome.failure)
            else:
                self.jobs[name].succeeded()
        self._expect(_CHANGED, report.next_due_at, report.due_sources, report.started_at)
        self._expect(_HUBS, report.retry_at, (), report.started_at)

    def _expect(self, key: str, at: datetime | None, names: tuple[str, ...], seen: datetime) -> None:
        """Have a refresh at `at`: the end of an embargo, a file that ages, or a hub to be told."""
        self._dues.pop(key, None)
        # An instant that this refresh has already seen would only repeat it without end.
        if at is not None and (at > seen or key == _HUBS):
            self._dues[key] = (max(at, self._clock.now()) if key == _HUBS else at, names)

    def _wait(self, names: list[str], error: LockedError) -> None:
        self.is_failing = True  # for whoever refreshes only once
        log.info("refresh waits  %s", fields(sources=names, owner=error.owner or "unknown"))
        for name in names:
            self.jobs[name].postpone(LOCKED_RETRY_SECONDS)
        if not names:
            self._dues[_AGAIN] = (self._clock.now() + timedelta(seconds=LOCKED_RETRY_SECONDS), ())

    def _not_published(self, names: list[str], error: PublishError) -> None:
        """Nothing was published: because of some sources, for which the others wait, or of the output itself."""
        at_fault = [name for name in error.sources if name in self.jobs]
        self.blocked = None if at_fault else str(error)
        self._failed(at_fault or names, str(error))
        if at_fault:
            wait = min(self.jobs[name].wait_seconds for name in at_fault)
            for name in names:
                if name not in at_fault:
                    self.jobs[name].postpone(max(LOCKED_RETRY_SECONDS, wait))

    def _broken_off(self, names: list[str], error: BrokenOffError) -> None:
        if error.source not in names:
            self._failed(names, str(error))
            return
        self._failed([error.source], str(error))
        others = [name for name in names if name != error.source]
        if others and not self._stopped():
            self._refresh(others)

    def _guarded(self, names: list[str]) -> Report:
        started = self._clock.monotonic()
        report = self._publish(self.config, only=names)
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
                seconds=round(self._clock.monotonic() - started, 2),
            ),
        )
        return report

    def _failed(self, names: list[str], why: str) -> None:
        self.is_failing = True
        for name in names:
            timing = self.jobs[name]
            seconds = timing.failed(why, self._jitter())
            log.error(
                "source failed  %s",
                fields(
                    source=name, failures=timing.failures, retry_in_seconds=round(seconds), error=why
                ),
            )  # fmt: skip
        if not names:
            log.error("refresh failed  %s", fields(retry_in_seconds=round(AGAIN_SECONDS), error=why))
            self._dues[_AGAIN] = (self._clock.now() + timedelta(seconds=AGAIN_SECONDS), ())
