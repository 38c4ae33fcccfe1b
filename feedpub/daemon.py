"""The timer: the same refresh as `feedpub publish`, each source by its own `every`, until told to stop.

    tick: what is due → one refresh over all of it → next deadlines → sleep exactly until the first

The package `schedule` keeps the jobs and says which are due; what it lacks is here: deadlines on a
fixed grid instead of "interval after the end" (which drifts), a clock that neither summer time nor
a corrected system clock disturbs, a guard around every refresh, back-off for a source that fails,
one catch-up after a pause, one daemon per newsroom, and a clean stop.
"""

from __future__ import annotations

import _thread
import contextlib
import fcntl
import json
import logging
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import schedule

from feedpub.config import Config, SourceConfig
from feedpub.errors import ConfigError, LockedError, PublishError, StoreError
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
GRACE_SECONDS = 7.0
"""How long a running refresh may go on after SIGTERM; then it is broken off, which is safe at any point."""


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


class _Publish(Protocol):
    def __call__(self, config: Config, *, only: Sequence[str] | None = None) -> Report: ...


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
        publish: _Publish,
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
            log.info("refresh waits  %s", _fields(sources=names, owner=error.owner or "unknown"))
            for name in names:
                self._jobs[name].next_run = self._timeline() + timedelta(seconds=LOCKED_RETRY_SECONDS)
            return
        except (PublishError, StoreError) as error:
            # Output or store is at fault, not a source: trying them one by one would not help.
            self._failed(names, str(error))
            return
        except Exception as error:
            log.error("refresh failed  %s", _fields(sources=names, error=_told(error)), exc_info=True)
            if len(names) == 1:
                self._failed(names, _told(error))
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
            log.error("output failed  %s", _fields(error=failure))
        log.info(
            "refresh finished  %s",
            _fields(
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
                _fields(
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


def run(
    config: Config,
    *,
    stop: threading.Event | None = None,
    publish: _Publish | None = None,
    clock: Clock | None = None,
    jitter: Callable[[], float] = random.random,
) -> int:
    """Refresh by the timer until SIGTERM, SIGINT or `stop`; 0 when stopped.

    A running refresh is finished first if that takes less than ten seconds; otherwise it is broken
    off, which leaves every published file whole, and the next refresh completes it. Signals are
    heeded only when this is called in the main thread.

    Args:
        config: the newsroom; every source is refreshed at once and then each `every_seconds`.
        stop: ends the daemon when set, for callers with signals of their own.
        publish: what a refresh is; None means `feedpub.pipeline.publish`.
        clock: None means the machine's.
        jitter: returns 0 to 1, to spread what backs off.

    Raises:
        ConfigError: there is no source to refresh.
        LockedError: another daemon serves this newsroom.
    """
    if not config.sources:
        raise ConfigError(
            "no source is configured, so there is nothing to refresh; add a [sources.NAME] to feedpub.toml",
            key="sources",
        )
    if publish is None:
        from feedpub import pipeline

        publish = pipeline.publish
    stop = stop or threading.Event()
    clock = clock or SystemClock()
    with _only_one(config.state), _Ending(stop) as ending:
        timer = Timer(config, publish, clock=clock, jitter=jitter, stopped=stop.is_set)
        log.info(
            "daemon started  %s",
            _fields(
                pid=os.getpid(),
                sources=[source.name for source in config.sources],
                output=config.publish.output,
            ),
        )
        with contextlib.suppress(_Abandoned):
            while not stop.is_set():
                timer.tick()
                if not stop.is_set():
                    clock.wait(stop, timer.idle_seconds())
            ending.disarm()
        ending.disarm()
        log.info("daemon stopped  %s", _fields(pid=os.getpid()))
    return 0


@contextlib.contextmanager
def _only_one(state: Path) -> Iterator[None]:
    """Hold `<state>/daemon.lock`; the kernel lets go of it however the process ends."""
    path = state / "daemon.lock"
    try:
        state.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise PublishError(
            f"{error.filename or path}: {error.strerror}. Give yourself permission to write there.",
            path=str(path),
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = _owner(path)
            raise LockedError(
                f"{path}: another feedpub daemon serves this newsroom ({owner or 'which one is unknown'}). "
                "Leave it running, or stop it first.",
                path=str(path),
                owner=owner,
            ) from error
        since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        os.truncate(handle, 0)
        os.pwrite(
            handle, json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since}).encode(), 0
        )
        yield
        # The file stays: removing it would let two daemons hold locks on two files of one name.
        os.truncate(handle, 0)
    finally:
        os.close(handle)


def _owner(path: Path) -> str | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        held = json.loads(path.read_text("utf-8"))
        return f"process {held['pid']} on {held['host']}, since {held['since']}"
    return None


class _Abandoned(BaseException):
    """Ends a refresh that outlasts the grace period. No Exception, so no guard takes it for a failure."""


class _Ending:
    """SIGTERM and SIGINT become `stop`; what still runs after the grace period, or a second signal, ends.

    First by an exception, so that locks and transactions are let go in order; if that goes unheard
    (one long call into C), by leaving the process: the next run completes or discards what it finds.
    """

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._over = threading.Event()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Ending:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
                self._before[number] = signal.signal(number, self._signalled)
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
            raise _Abandoned
        log.info("daemon stopping  signal=%s", signal.Signals(number).name)
        signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS, 1.0)
        # Event.set() here could wait for ever for a lock that the interrupted main thread holds.
        _thread.start_new_thread(self._insist, ())

    def _insist(self) -> None:
        self._stop.set()
        if not self._over.wait(GRACE_SECONDS + 2.0):
            os._exit(1)


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _fields(**fields: object) -> str:
    """`key=value` after the event's name, for people and for log collectors."""
    return " ".join(f"{name}={_value(value)}" for name, value in fields.items())


def _value(value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    plain = text.isprintable() and text and not any(character in text for character in ' "=')
    return text if plain else json.dumps(text, ensure_ascii=False)
