"""What a running server follows besides requests: new generations, and another configuration."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from feedpub.config import Config
from feedpub.logs import fields
from feedpub.published import MANIFEST
from feedpub.reloading import ConfigFile

if TYPE_CHECKING:
    from feedpub.serving.app import Front

log = logging.getLogger("feedpub.serving")

WATCH_SECONDS = 1.0
"""How often a new generation is looked for although nobody asks, so that it is in memory in time."""
ALARMS_SECONDS = 60.0


class Follower:
    """Keeps `front` at the newest generation of what the newest usable configuration says.

    Args:
        config: what the server began with.
        front: answers all requests; it becomes what `made` returns for another configuration.
        made: the application for a configuration.
    """

    def __init__(self, config: Config, front: Front, made: Callable[[Config], Front]) -> None:
        self.config = config
        self._front = front
        self._made = made
        self._file = ConfigFile(config)
        self._next: Config | None = None
        self._look_at = 0.0
        self._stamp: object = None
        self._wake = threading.Event()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Follow in threads of its own, until `stop`."""
        for work in (self._follow, self._raise_alarms):
            threading.Thread(target=work, daemon=True).start()

    def stop(self) -> None:
        """Follow nothing any more."""
        self._stopped.set()
        self._wake.set()

    def reload(self) -> None:
        """Have the configuration read again soon."""
        self._look_at = 0.0
        self._wake.set()

    def _follow(self) -> None:
        while not self._stopped.is_set():
            try:
                self.turn()
            except Exception:
                log.exception("following failed")
            self._wake.wait(WATCH_SECONDS)
            self._wake.clear()

    def turn(self) -> None:
        """Look once."""
        self._configure()
        site = self._front.site
        stamp = (site, site.output.stamp())
        if stamp != self._stamp:
            self._stamp = stamp
            site.warm()

    def _configure(self) -> None:
        now = time.monotonic()
        if self._file.look_seconds is not None and now >= self._look_at:
            asked = not self._look_at
            self._look_at = now + self._file.look_seconds
            self._next = self._file.changed(asked=asked) or self._next
        if self._next is not None and self._is_there(self._next):
            self._take(self._next)
            self._next = None

    def _is_there(self, config: Config) -> bool:
        """Whether it can be served: from another folder only when something has been published there."""
        output = config.publish.output
        return output == self.config.publish.output or (output / MANIFEST).exists()

    def _take(self, config: Config) -> None:
        before, after = self.config.server, config.server
        if (before.host, before.port) != (after.host, after.port):
            log.warning(
                "server.host and server.port are taken over at the next start only  %s",
                fields(host=after.host, port=after.port),
            )
        self.config = config
        self._front.become(self._made(config))

    def _raise_alarms(self) -> None:
        """Tell what is wrong as the daemon does: that the daemon itself is gone, nobody else can tell."""
        from feedpub import alarms

        while not self._stopped.wait(ALARMS_SECONDS):
            alarms.watch(self.config, datetime.now(UTC), damaged=self._front.telemetry.damaged())
