"""What the daemon is about, for whoever looks at it from outside: one small file in the state folder.

The daemon writes it, `feedpub next`, the status page and the metrics read it. It says what was so
at `updated_at`; whether that daemon still lives tells its lock.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

FILE_NAME = "daemon.json"


@dataclass(frozen=True, slots=True)
class JobState:
    """One source's timer. `every` is as in the configuration; times are aware, in UTC.

    `failures` counts those since the last success, `failure` says what the last one was;
    `running_since` is set while its refresh runs, `seconds` is how long the last one took.
    """

    source: str
    every: str
    next_at: datetime | None = None
    running_since: datetime | None = None
    last_run_at: datetime | None = None
    last_success_at: datetime | None = None
    seconds: float | None = None
    failures: int = 0
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class DaemonState:
    """The daemon. `due_at` is when something is due to change by time alone.

    `notice` says why a changed configuration was not taken over, `unwatched` (source → sentence) which folders
    are not watched although they should be, `blocked` why the last refresh could publish nothing.
    """

    pid: int
    host: str
    started_at: datetime
    updated_at: datetime
    jobs: tuple[JobState, ...] = ()
    due_at: datetime | None = None
    notice: str | None = None
    unwatched: Mapping[str, str] = field(default_factory=dict)
    blocked: str | None = None

    @property
    def notices(self) -> tuple[str, ...]:
        """All that is wrong with the daemon itself, in sentences."""
        return tuple(one for one in (self.notice, *self.unwatched.values(), self.blocked) if one)


def write(folder: Path, state: DaemonState) -> None:
    """Replace the file in the state folder as a whole.

    Raises:
        OSError: it cannot be written.
    """
    temporary = folder / f"{FILE_NAME}.{os.getpid()}"
    try:
        temporary.write_bytes(orjson.dumps(state, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        temporary.replace(folder / FILE_NAME)
    except OSError:  # what there was of it would only take up room
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def read(folder: Path) -> DaemonState | None:
    """What the daemon last said, or None where none has ever run here or the file is damaged."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        found = orjson.loads((folder / FILE_NAME).read_bytes())
        jobs = tuple(JobState(**_timed(job)) for job in found.pop("jobs"))
        return DaemonState(**_timed(found), jobs=jobs)
    return None


def _timed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value) if name.endswith(("_at", "_since")) and value else value
        for name, value in values.items()
    }
