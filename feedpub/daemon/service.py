"""The daemon: the timer at work until it is told to stop."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import threading
from collections.abc import Callable

from feedpub import alarms
from feedpub.config import Config
from feedpub.daemon.clock import Clock, SystemClock
from feedpub.daemon.ending import Abandoned, Ending
from feedpub.daemon.lock import OnlyOne
from feedpub.daemon.notify import Watchdog, is_heard, notify, reloading
from feedpub.daemon.telling import Notices, Teller
from feedpub.daemon.timer import Publish, Timer
from feedpub.daemon.watching import Watching
from feedpub.errors import ConfigError, LockedError
from feedpub.logs import fields
from feedpub.reloading import ConfigFile

log = logging.getLogger("feedpub.daemon")


def run(
    config: Config,
    *,
    once: bool = False,
    stop: threading.Event | None = None,
    publish: Publish | None = None,
    clock: Clock | None = None,
    jitter: Callable[[], float] = random.random,
    started: Callable[[], None] = lambda: None,
) -> int:
    """Refresh by the timer until SIGTERM, SIGINT or `stop`.

    A running refresh is finished first if that takes less than ten seconds; otherwise it is broken
    off, which leaves every published file whole, and the next refresh completes it. Signals are
    heeded only when this is called in the main thread.

    Args:
        config: the newsroom; every source is refreshed at once and then by its `every`.
        once: refresh everything once, and leave.
        stop: ends the daemon when set, for callers with signals of their own.
        publish: what a refresh is; None means `feedpub.pipeline.publish` in a process of its own.
        clock: None means the machine's.
        jitter: returns 0 to 1, to spread what backs off.
        started: called when this is the one daemon, before anything is refreshed.

    Returns:
        0 when stopped; after `once` 1 if a source or an output failed.

    Raises:
        ConfigError: there is no source to refresh.
        LockedError: another daemon serves this newsroom, or another newsroom publishes to its output; also when
            somebody has moved the state folder away and another daemon has begun there.
    """
    if not config.sources:
        raise ConfigError(
            "no source is configured, so there is nothing to refresh; add a [sources.NAME] to feedpub.toml",
            key="sources",
        )
    wake = threading.Event()
    if stop is None:
        stop = threading.Event()
    else:
        threading.Thread(target=_relay, args=(stop, wake), daemon=True).start()
    with (
        OnlyOne(config.state, config.publish.output) as locks,
        Ending(stop, wake) as ending,
        contextlib.ExitStack() as stack,
    ):
        started()
        watchdog = Watchdog()
        if publish is None:
            from feedpub.daemon.refresher import Refresher

            publish = stack.enter_context(contextlib.closing(Refresher(watchdog.turned)))
            publish.start()
        service = _Service(
            config, publish, clock or SystemClock(), jitter, stop=stop, wake=wake, ending=ending,
            watchdog=watchdog, locks=locks,
        )  # fmt: skip
        log.info(
            "daemon started  %s",
            fields(
                pid=os.getpid(),
                sources=[source.name for source in config.sources],
                output=config.publish.output,
            ),
        )
        try:
            with contextlib.suppress(Abandoned):
                service.once() if once else service.work()
                ending.disarm()
        except LockedError as error:
            ending.disarm()
            log.error("daemon stops  %s", fields(pid=os.getpid(), error=error))
            service.leave()
            raise
        ending.disarm()
        service.close()
        log.info("daemon stopped  %s", fields(pid=os.getpid()))
    return 1 if once and service.timer.is_failing else 0


def _relay(stop: threading.Event, wake: threading.Event) -> None:
    stop.wait()
    wake.set()


class _Service:
    """The main loop, and what it looks at in each turn."""

    def __init__(
        self, config: Config, publish: Publish, clock: Clock, jitter: Callable[[], float], *,
        stop: threading.Event, wake: threading.Event, ending: Ending, watchdog: Watchdog, locks: OnlyOne,
    ) -> None:  # fmt: skip
        self._stop, self._wake, self._ending, self._watchdog = stop, wake, ending, watchdog
        self._clock, self._locks = clock, locks
        self._file = ConfigFile(config, self._follow)
        self._watching = Watching(wake.set)
        self._teller = Teller(config.state, clock.now, self._notices)
        self._told = Notices()
        self.timer = Timer(
            config, publish, clock=clock, jitter=jitter, stopped=stop.is_set, tell=self._tell
        )  # fmt: skip
        naps = (self._file.look_seconds, watchdog.seconds)
        self._nap = min((seconds for seconds in naps if seconds is not None), default=float("inf"))

    def once(self) -> None:
        """Refresh everything, and what that makes due at once."""
        self.timer.due_now()
        self.timer.tick()

    def work(self) -> None:
        """Turn until told to stop. Raises LockedError: another daemon is the newsroom's own now."""
        self._watch(self.timer.config)
        self._tell()
        notify("READY=1", "STATUS=" + self._status())
        while not self._stop.is_set():
            self._wake.clear()
            self._reload()
            self._locks.keep()
            self._watchdog.turned()
            if not self._stop.is_set():
                self.timer.tick(self._watching.take())
            if self._told != self._notices():
                self._tell()
            alarms.watch(self.timer.config, self._clock.now())
            if not self._stop.is_set():
                self._clock.wait(self._wake, min(self.timer.idle_seconds(), self._nap))

    def leave(self) -> None:
        """End without a word in the state folder, which is another daemon's now."""
        notify("STOPPING=1")
        self._watching.close()

    def close(self) -> None:
        """Say that it is over."""
        self.leave()
        for timing in self.timer.jobs:
            timing.running_since = None
        self._tell()

    def _reload(self) -> None:
        asked, self._ending.reload = self._ending.reload, False
        before = self._file.notice
        if asked:
            reloading()
        config = self._file.changed(asked=asked)
        if config is not None:
            self._watch(config)
            self.timer.configure(config)
        if asked:
            notify("READY=1")
        if config is not None or self._file.notice != before:
            self._tell()

    def _follow(self, config: Config) -> None:
        """Go over to the output of another configuration."""
        try:
            self._locks.move(config.publish.output)
        except LockedError as error:
            raise ConfigError(f"publish.output: {error}", key="publish.output") from error

    def _watch(self, config: Config) -> None:
        self._watching.configure(config.sources, but=(config.publish.output, config.state))

    def _notices(self) -> Notices:
        return Notices(self._file.notice, self._watching.notices())

    def _tell(self) -> None:
        self._told = self._notices()
        self._teller.tell(self.timer)
        if is_heard():
            notify("STATUS=" + self._status())

    def _status(self) -> str:
        """One line for `systemctl status`."""
        running = [timing.name for timing in self.timer.jobs if timing.running_since]
        failing = [timing.name for timing in self.timer.jobs if timing.failures]
        upcoming = min((timing.next_at(self.timer.jobs.ahead) for timing in self.timer.jobs), default=None)
        if running:
            said = f"Refreshing {', '.join(running)}"
        else:
            said = f"Next refresh at {upcoming:%Y-%m-%dT%H:%M:%SZ}" if upcoming else "Nothing to refresh"
        return f"{said}; failing: {', '.join(failing)}" if failing else said
