"""What the daemon is about, written for others to read whenever it changes: see `feedpub.daemonstate`."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from feedpub import daemonstate
from feedpub.daemon.timer import Timer
from feedpub.daemonstate import DaemonState, JobState
from feedpub.logs import fields

log = logging.getLogger("feedpub.daemon")


@dataclass(frozen=True, slots=True)
class Notices:
    """What is wrong with the daemon besides its refreshes: as `notice` and `unwatched` of `DaemonState`."""

    refused: str | None = None
    unwatched: dict[str, str] = field(default_factory=dict)


class Teller:
    """Writes the file in the state folder; one that cannot be written stops nothing."""

    def __init__(self, state: Path, now: Callable[[], datetime], notices: Callable[[], Notices]) -> None:
        self._state = state
        self._now = now
        self._notices = notices
        self._started_at = now()
        self._could = True

    def tell(self, timer: Timer) -> None:
        """Write how things stand."""
        try:
            daemonstate.write(self._state, self._found(timer))
            self._could = True
        except OSError as error:
            if self._could:  # once is enough: it is tried at every change
                log.error("daemon state not written  %s", fields(error=error))
            self._could = False

    def _found(self, timer: Timer) -> DaemonState:
        ahead, notices = timer.jobs.ahead, self._notices()
        jobs = tuple(
            JobState(
                source=timing.name, every=timing.cadence.text,
                next_at=None if timing.running_since else timing.next_at(ahead),
                running_since=timing.running_since, last_run_at=timing.last_run_at,
                last_success_at=timing.last_success_at, seconds=timing.seconds,
                failures=timing.failures, failure=timing.failure,
            )
            for timing in timer.jobs
        )  # fmt: skip
        return DaemonState(
            os.getpid(), socket.gethostname(), self._started_at, self._now(), jobs,
            due_at=timer.due_at.astimezone(UTC) if timer.due_at else None,
            notice=notices.refused, unwatched=notices.unwatched, blocked=timer.blocked,
        )  # fmt: skip
