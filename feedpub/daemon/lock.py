"""One daemon for each newsroom, and one for each output."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

from feedpub.errors import LockedError, PublishError
from feedpub.heartbeat import LOCK_NAME
from feedpub.logs import fields

log = logging.getLogger("feedpub.daemon")

OUTPUT_LOCK_NAME = ".feedpub-daemon.lock"
"""In the output, since the same may be named by another newsroom, with a state folder of its own. Nobody serves it."""


class OnlyOne:
    """Holds `daemon.lock` in the state folder and one in the output; the kernel lets go of them however the process ends.

    Raises:
        LockedError: another daemon holds one of them.
        PublishError: they cannot be written.
    """

    def __init__(self, state: Path, output: Path) -> None:
        self._state = _Lock(state / LOCK_NAME, "serves this newsroom")
        self._output = _lock_of(output)

    def __enter__(self) -> OnlyOne:
        self._state.take()
        try:
            self._output.take()
        except BaseException:
            self._state.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._output.release()
        self._state.release()

    def move(self, output: Path) -> None:
        """Hold the lock of another output from now on; the old one until that is certain."""
        new = _lock_of(output)
        if new.path != self._output.path:
            new.take()
            self._output.release()
            self._output = new

    def keep(self) -> None:
        """Take a lock anew whose file was moved or deleted: whoever comes would not see that it is held."""
        for lock in (self._state, self._output):
            if not lock.stands():
                log.warning("lock gone, taken anew  %s", fields(path=lock.path))
                lock.release()
                lock.take()


def holder(state: Path) -> str | None:
    """Whose the daemon of this newsroom is, in words; None if none runs."""
    path = state / LOCK_NAME
    with contextlib.suppress(OSError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _owner(path) or "a process that does not say which it is"
    return None


def _lock_of(output: Path) -> _Lock:
    return _Lock(output / OUTPUT_LOCK_NAME, "publishes into this folder")


class _Lock:
    """One locked file, which says who holds it."""

    def __init__(self, path: Path, does: str) -> None:
        self.path = path
        self._does = does
        self._handle: int | None = None

    def take(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise PublishError(
                f"{error.filename or self.path}: {error.strerror}. Give yourself permission to write there.",
                path=str(self.path),
            ) from error
        try:
            _take(handle)
        except OSError as error:
            os.close(handle)
            owner = _owner(self.path)
            raise LockedError(
                f"{self.path}: another feedpub daemon {self._does} ({owner or 'which one is unknown'}). "
                "Leave it running, or stop it first.",
                path=str(self.path),
                owner=owner,
            ) from error
        self._handle = handle
        since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        said = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
        os.truncate(handle, 0)
        os.pwrite(handle, json.dumps(said).encode(), 0)

    def release(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            # The file stays: removing it would let two daemons hold locks on two files of one name.
            with contextlib.suppress(OSError):
                os.truncate(handle, 0)
            os.close(handle)

    def stands(self) -> bool:
        """Whether the file of its name is the one that is locked."""
        if self._handle is None:
            return False
        try:
            found = os.stat(self.path)  # noqa: PTH116 - in each turn
        except OSError:
            return False
        held = os.fstat(self._handle)
        return (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino)


def _take(handle: int) -> None:
    """Lock it; somebody who only looks whether it is locked (`holder`) does so for an instant."""
    for _ in range(5):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.02)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _owner(path: Path) -> str | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        held = json.loads(path.read_text("utf-8"))
        return f"process {held['pid']} on {held['host']}, since {held['since']}"
    return None
