"""What systemd is told of the daemon: sd_notify(3) is a datagram to a socket, and nothing when there is none."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Mapping


def is_heard(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether there is anybody to tell."""
    return bool(environment.get("NOTIFY_SOCKET"))


def notify(*lines: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Send these assignments, such as "READY=1"; whether there was anybody to tell."""
    address = environment.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@") or not hasattr(socket, "AF_UNIX"):
        return False
    if address[0] == "@":  # a name in Linux's abstract namespace, which begins with NUL
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.connect(address)
        channel.sendall("\n".join(lines).encode())
        return True
    return False


def reloading(environment: Mapping[str, str] = os.environ) -> None:
    """Say that the configuration is read again; READY=1 ends it. The time is that of CLOCK_MONOTONIC."""
    microseconds = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notify("RELOADING=1", f"MONOTONIC_USEC={microseconds}", environment=environment)


class Watchdog:
    """Tells systemd that the main loop turns, at most twice in the time that it allows (sd_watchdog_enabled(3))."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        text = environment.get("WATCHDOG_USEC", "")
        microseconds = int(text) if text.isascii() and text.isdigit() else 0
        meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._environment = environment
        self._last = float("-inf")
        self.seconds: float | None = microseconds / 2_000_000 if microseconds and meant else None
        """How often it must hear of the loop; None if it does not watch."""

    def turned(self) -> None:
        """The loop has turned. Cheap: says nothing if it said so lately."""
        # A little before half of the time is over, so that a nap of just that half is followed by a word.
        if self.seconds is not None and time.monotonic() - self._last > self.seconds * 0.9:
            self._last = time.monotonic()
            notify("WATCHDOG=1", environment=self._environment)
