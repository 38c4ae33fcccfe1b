"""One daemon for each newsroom."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from feedpub.errors import LockedError, PublishError


@contextlib.contextmanager
def only_one(state: Path) -> Iterator[None]:
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
            _take(handle)
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


def holder(state: Path) -> str | None:
    """Whose the daemon of this newsroom is, in words; None if none runs."""
    path = state / "daemon.lock"
    with contextlib.suppress(OSError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _owner(path) or "a process that does not say which it is"
    return None


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
