"""Whose an output folder is: a lock on the folder itself, which leaves no file among what is published.

A daemon holds it as long as it runs, another publisher while it publishes. So two newsrooms that name the same
output never write it by turns. The daemon says in `daemon.lock` of its state folder which output it holds, so
that publishers with the same state, its own child among them, pass: these exclude each other by `lock` there.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from pathlib import Path

from feedpub.errors import LockedError
from feedpub.heartbeat import serves


def take(handle: int, output: Path, state: Path | None = None) -> None:
    """Lock the folder `output` that is open as `handle`, until that is closed.

    Nothing is done where the daemon of the state folder `state` holds it (None: whoever holds it is in the way), or
    on a network drive that knows no locks on folders.

    Raises:
        LockedError: somebody else holds it.
    """
    for patience in (True, True, False):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if state is not None and serves(state, handle):
                return
            if patience:  # a daemon of ours may be about to say that it is its own
                time.sleep(0.02)
        except OSError:
            return
        else:
            return
    who = owner(handle)
    raise LockedError(
        f"{output}: another feedpub publishes there, of another newsroom with the same output "
        f"({who or 'which one is unknown'}). Give each newsroom an output of its own (publish.output), or stop the other.",
        path=str(output),
        owner=who,
    )


def owner(handle: int) -> str | None:
    """Which process has locked the open folder, in words; None if that cannot be told (proc(5), /proc/locks)."""
    status = os.fstat(handle)
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/locks").read_text("ascii").splitlines():
            found = line.split()
            if found[1] == "FLOCK" and found[5] == place and int(found[4]) > 0:
                return f"process {found[4]} on {socket.gethostname()}{_where(found[4])}"
    return None


def _where(process: str) -> str:
    with contextlib.suppress(OSError):
        return f", at work in {os.readlink(f'/proc/{process}/cwd')}"  # noqa: PTH115 - not a path of ours
    return ""
