"""The daemon: the timer at work until it is told to stop."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import threading
from collections.abc import Callable

from feedpub.config import Config
from feedpub.daemon.clock import Clock, SystemClock
from feedpub.daemon.ending import Abandoned, Ending
from feedpub.daemon.lock import only_one
from feedpub.daemon.timer import Publish, Timer
from feedpub.errors import ConfigError
from feedpub.logs import fields

log = logging.getLogger("feedpub.daemon")


def run(
    config: Config,
    *,
    stop: threading.Event | None = None,
    publish: Publish | None = None,
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
    with only_one(config.state), Ending(stop) as ending:
        timer = Timer(config, publish, clock=clock, jitter=jitter, stopped=stop.is_set)
        log.info(
            "daemon started  %s",
            fields(
                pid=os.getpid(),
                sources=[source.name for source in config.sources],
                output=config.publish.output,
            ),
        )
        with contextlib.suppress(Abandoned):
            while not stop.is_set():
                timer.tick()
                if not stop.is_set():
                    clock.wait(stop, timer.idle_seconds())
            ending.disarm()
        ending.disarm()
        log.info("daemon stopped  %s", fields(pid=os.getpid()))
    return 0
