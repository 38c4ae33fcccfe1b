"""feedpub.toml while daemon or server run: read again when it changes, and put aside when it is wrong."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

from feedpub import config
from feedpub.config import Config
from feedpub.errors import ConfigError
from feedpub.logs import fields

log = logging.getLogger("feedpub.config")

LOOK_SECONDS = 10.0
"""How often the file is looked at."""


class ConfigFile:
    """Notices when the file of `current` is another one. `notice` is what is wrong with it, or None.

    Args:
        current: the configuration that is in use.
        follow: goes over to another; raises ConfigError where that cannot be.
    """

    def __init__(self, current: Config, follow: Callable[[Config], None] = lambda _: None) -> None:
        self.current = current
        self._follow = follow
        self.notice: str | None = None
        self._path = current.path
        self._stamp = self._look()
        self._digest = self._read()

    @property
    def look_seconds(self) -> float | None:
        """How often `changed` wants to be asked; None if there is no file."""
        return LOOK_SECONDS if self._path is not None else None

    def changed(self, *, asked: bool = False) -> Config | None:
        """The new configuration if there is one that can be used; with `asked`, looks though nothing seems new."""
        stamp = self._look()
        if self._path is None or (stamp == self._stamp and not asked):
            return None
        self._stamp = stamp
        digest = self._read()
        if digest == self._digest and not (asked and self.notice):
            return None
        self._digest = digest
        try:
            found = config.load(self._path)
            _same_place(self.current, found)
            self._follow(found)
        except ConfigError as error:
            self.notice = f"The configuration was not taken over, and the earlier one goes on: {error}"
            log.error("configuration refused  %s", fields(error=str(error)))
            return None
        self.notice, self.current = None, found
        log.info("configuration taken over  %s", fields(path=self._path))
        return found

    def _look(self) -> tuple[int, int, int] | None:
        with contextlib.suppress(OSError):
            if self._path is not None:
                found = self._path.stat()
                return found.st_mtime_ns, found.st_size, found.st_ino
        return None

    def _read(self) -> str | None:
        with contextlib.suppress(OSError):
            return hashlib.sha256(Path(self._path or "").read_bytes()).hexdigest()
        return None


def _same_place(before: Config, after: Config) -> None:
    for key, old, new in (("store.path", before.state, after.state),):
        if old != new:
            raise ConfigError(
                f"{after.path}: {key} is {new} now; what runs stays with the store that it has opened ({old}). "
                "Stop it and start it again.",
                path=str(after.path),
                key=key,
            )
