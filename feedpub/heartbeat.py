"""Whether the daemon of a newsroom lives, asked from outside: of its lock, which the kernel keeps for it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

LOCK_NAME = "daemon.lock"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """`running`; `stopped` in an orderly way; `gone` without having been stopped; `never` started here.

    `owner` says which process has or had the lock, as far as is known.
    """

    word: Literal["running", "stopped", "gone", "never"]
    owner: str | None = None


def heartbeat(state: Path) -> Heartbeat:
    """How the daemon is that uses the folder `state`. Nothing is made or changed there."""
    try:
        handle = os.open(state / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return Heartbeat("never")
    try:
        said = os.pread(handle, 4096, 0)
        if not said.strip():
            # A daemon that ends in an orderly way empties the file; one that begins fills it at once.
            return Heartbeat("running" if _is_locked(handle) else "stopped")
        pid, owner = _owner(said)
        if pid is not None and _is_dead(pid):
            return Heartbeat("gone", owner)
        return Heartbeat("running" if _is_locked(handle) else "gone", owner)
    finally:
        os.close(handle)


def serves(state: Path, folder: int) -> bool:
    """Whether the daemon that uses the folder `state` runs, and has said that the open `folder` is its output."""
    try:
        handle = os.open(state / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        held = json.loads(os.pread(handle, 4096, 0))
        return held["output"] == place(folder) and _is_locked(handle)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    finally:
        os.close(handle)


def place(folder: int) -> list[int]:
    """What is the same for an open folder by whatever name it is reached: its device and its inode."""
    status = os.fstat(folder)
    return [status.st_dev, status.st_ino]


def _is_locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    fcntl.flock(handle, fcntl.LOCK_UN)
    return False


def _owner(said: bytes) -> tuple[int | None, str | None]:
    """The process, if it is one of this machine, and how to name it."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        held = json.loads(said)
        pid = int(held["pid"]) if held["host"] == socket.gethostname() else None
        return pid, f"process {held['pid']} on {held['host']}"
    return None, None


def _is_dead(pid: int) -> bool:
    """Whether there surely is no such process. Asked first: probing the lock could be in a new daemon's way."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
