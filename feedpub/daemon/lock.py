"""One daemon for each newsroom, and one newsroom for each output."""

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
from typing import Any

from feedpub import outputlock
from feedpub.errors import LockedError, PublishError
from feedpub.heartbeat import LOCK_NAME, place
from feedpub.logs import fields

log = logging.getLogger("feedpub.daemon")


class OnlyOne:
    """Holds `daemon.lock` in the state folder, and the output folder itself; the kernel lets go however the process ends.

    Raises:
        LockedError: another daemon serves this newsroom, or another newsroom publishes to its output.
        PublishError: the lock cannot be made.
    """

    def __init__(self, state: Path, output: Path) -> None:
        self._path = state / LOCK_NAME
        self._publishing = state / "lock"
        self._output = output
        self._handle: int | None = None
        self._since = ""
        self._folder: int | None = None
        self._complaint: str | None = None

    def __enter__(self) -> OnlyOne:
        self._since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._handle = self._taken()
        try:
            self._hold(self._output)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()
        handle, self._handle = self._handle, None
        if handle is not None:
            _leave(handle)

    def move(self, output: Path) -> None:
        """Hold another output from now on; the old one until that is certain. Raises LockedError."""
        if output != self._output:
            self._hold(output)
            self._output = output

    def keep(self) -> None:
        """Look whether both are still held, and take anew what was moved away or deleted.

        An output that another newsroom holds meanwhile is told in the log; refreshes wait for it by themselves.

        Raises:
            LockedError: another daemon serves this newsroom now.
        """
        if self._handle is not None and not _is_same(self._path, self._handle):
            self._take_again()
        try:
            self._hold(self._output)
            self._complaint = None
        except LockedError as error:
            self._complain("output held by another", error)

    def _hold(self, output: Path) -> None:
        """Lock the folder instead of the one that was held; what cannot be reached now is left to the next look."""
        if self._folder is not None and _is_same(output, self._folder):
            return
        with contextlib.suppress(OSError):
            output.mkdir(parents=True, exist_ok=True)
        try:
            folder = os.open(output, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            self._let_go()
            return
        try:
            outputlock.take(folder, output)
        except LockedError:
            os.close(folder)
            if self._folder is not None and not _is_same(self._output, self._folder):
                self._let_go()  # it was deleted or moved away: no claim to it is left
            if not _is_locked(self._publishing):
                raise
            return  # one of ours is at work: when it has finished
        before, self._folder = self._folder, folder
        self._say()
        if before is not None:
            os.close(before)

    def _take_again(self) -> None:
        before = self._handle
        try:
            self._handle = self._taken()
        except PublishError as error:  # its disk is gone: nobody else can take it there either
            self._complain("daemon lock lost", error)
            return
        if before is not None:
            _leave(before)
        log.warning("daemon lock was moved away or deleted, and taken anew  %s", fields(path=self._path))

    def _complain(self, what: str, error: Exception) -> None:
        if str(error) != self._complaint:
            log.error("%s  %s", what, fields(error=error))
        self._complaint = str(error)

    def _let_go(self) -> None:
        if self._folder is not None:
            folder, self._folder = self._folder, None
            self._say()
            os.close(folder)

    def _taken(self) -> int:
        """The lock, open, locked and at its place."""
        for _ in range(10):
            handle = _opened(self._path)
            try:
                _take(handle)
            except OSError as error:
                os.close(handle)
                owner = _owner(self._path)
                raise LockedError(
                    f"{self._path}: another feedpub daemon serves this newsroom ({owner or 'which one is unknown'}). "
                    "Leave it running, or stop it first.",
                    path=str(self._path),
                    owner=owner,
                ) from error
            if _is_same(self._path, handle):
                _write(handle, self._since, self._folder)
                return handle
            os.close(handle)  # it was moved away in between
        raise PublishError(f"{self._path}: it is moved away again and again.", path=str(self._path))

    def _say(self) -> None:
        if self._handle is not None:
            _write(self._handle, self._since, self._folder)


def holder(state: Path) -> str | None:
    """Whose the daemon of this newsroom is, in words; None if none runs."""
    path = state / LOCK_NAME
    return (_owner(path) or "a process that does not say which it is") if _is_locked(path) else None


def _is_locked(path: Path) -> bool:
    with contextlib.suppress(OSError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _is_same(path: Path, handle: int) -> bool:
    with contextlib.suppress(OSError):
        return os.path.samestat(os.stat(path), os.fstat(handle))  # noqa: PTH116 - in each turn
    return False


def _leave(handle: int) -> None:
    # The file stays: removing it would let two daemons hold locks on two files of one name.
    with contextlib.suppress(OSError):
        os.truncate(handle, 0)
    os.close(handle)


def _opened(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise PublishError(
            f"{error.filename or path}: {error.strerror}. Give yourself permission to write there.",
            path=str(path),
        ) from error


def _take(handle: int) -> None:
    """Lock it; somebody who only looks whether it is locked (`holder`) does so for an instant."""
    for _ in range(5):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.02)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _write(handle: int, since: str, folder: int | None) -> None:
    said: dict[str, Any] = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
    if folder is not None:
        said["output"] = place(folder)
    os.truncate(handle, 0)
    os.pwrite(handle, json.dumps(said).encode(), 0)


def _owner(path: Path) -> str | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        held = json.loads(path.read_text("utf-8"))
        return f"process {held['pid']} on {held['host']}, since {held['since']}"
    return None
