"""Daemon and server side by side: two processes of their own, begun again when one ends, ended together.

For the small publisher who has one machine and no service manager. Neither process knows of this;
where systemd or a container runtime watches them, `feedpub up` is not needed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from feedpub.logs import fields

log = logging.getLogger("feedpub.up")

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
STEADY_SECONDS = 60.0
"""What ran for this long begins again at once; before that the pause doubles each time."""
EARLY_SECONDS = 3.0
"""What ends this soon after its very first start cannot work as it is configured: then nothing goes on."""
GRACE_SECONDS = 12.0
"""How long the processes may take to end; both promise to be gone within ten seconds."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


@dataclass(slots=True)
class _Child:
    """One process. `start_at` is when it is to begin, by the monotonic clock, or None while it runs."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float | None = 0.0
    starts: int = 0
    pause: float = field(default_factory=lambda: FIRST_PAUSE_SECONDS)


def supervise(
    commands: Mapping[str, Sequence[str]],
    *,
    started: Callable[[Mapping[str, int]], None] = lambda _: None,
) -> int:
    """Run these commands until SIGTERM or SIGINT; then end them, and return 0.

    SIGHUP is passed on, to have the configuration read again. If a process ends right after its first start,
    the others are ended too and its exit code is returned: it has said why.

    Args:
        commands: name → program and arguments.
        started: called once with the process ids, when all have begun.
    """
    with _wakeups() as wake:
        supervisor = _Supervisor([_Child(name, command) for name, command in commands.items()])
        try:
            return supervisor.run(wake, started)
        finally:
            supervisor.end()


class _Supervisor:
    def __init__(self, children: list[_Child]) -> None:
        self._children = children

    def run(self, wake: int, started: Callable[[Mapping[str, int]], None]) -> int:
        for child in self._children:
            self._start(child)
        started({child.name: child.process.pid for child in self._children if child.process})
        while True:
            for child in self._children:
                code = self._look_after(child)
                if code is not None:
                    return code
            for number in _signals(wake, self._nap()):
                if number in (signal.SIGTERM, signal.SIGINT):
                    log.info("stopping  signal=%s", signal.Signals(number).name)
                    return 0
                if number == signal.SIGHUP:
                    self._pass_on(signal.SIGHUP, self._children)

    def end(self) -> None:
        """Have all processes end, in the time that they promise; by force after that."""
        self._pass_on(signal.SIGTERM, self._children)
        deadline = time.monotonic() + GRACE_SECONDS
        for child in self._children:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("killed  %s", fields(process=child.name))
                child.process.kill()
                child.process.wait()
            child.process = None

    def _start(self, child: _Child) -> None:
        child.process = subprocess.Popen(  # noqa: S603 - feedpub's own commands
            child.command,
            stdin=subprocess.DEVNULL,
            preexec_fn=_prepare,  # noqa: PLW1509 - this process has no threads
        )
        child.started_at = time.monotonic()
        child.start_at = None
        child.starts += 1
        log.info("started  %s", fields(process=child.name, pid=child.process.pid))

    def _look_after(self, child: _Child) -> int | None:
        """Start what is due, note what has ended; a code if nothing is to go on."""
        now = time.monotonic()
        if child.process is None:
            if child.start_at is not None and child.start_at <= now:
                self._start(child)
            return None
        code = child.process.poll()
        if code is None:
            return None
        child.process = None
        lasted = now - child.started_at
        if child.starts == 1 and lasted < EARLY_SECONDS and code > 0:
            log.error("ended at once  %s", fields(process=child.name, code=code))
            return code
        if lasted >= STEADY_SECONDS:
            child.pause = FIRST_PAUSE_SECONDS
        child.start_at = now + child.pause
        log.error("ended  %s", fields(process=child.name, code=code, again_in_seconds=child.pause))
        child.pause = min(2 * child.pause, LONGEST_PAUSE_SECONDS)
        return None

    def _nap(self) -> float | None:
        """Seconds until something is to be done, or None where only a signal can bring that."""
        due = [child.start_at for child in self._children if child.start_at is not None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    @staticmethod
    def _pass_on(number: int, children: Sequence[_Child]) -> None:
        for child in children:
            if child.process is not None and child.process.poll() is None:
                child.process.send_signal(number)


@contextlib.contextmanager
def _wakeups() -> Iterator[int]:
    """Signals as bytes in a pipe, so that waiting for them needs no polling."""
    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)
    before: dict[int, Any] = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
    old = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(old)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)


def _signals(wake: int, seconds: float | None) -> bytes:
    """The numbers of the signals that came, waiting for one for at most so long."""
    if select.select([wake], [], [], seconds)[0]:
        with contextlib.suppress(BlockingIOError):
            return os.read(wake, 512)
    return b""


def _prepare() -> None:
    """SIGHUP ends no process that does not heed it yet. On Linux: SIGTERM when the supervisor is gone, however it went.

    prctl(2), PR_SET_PDEATHSIG.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
