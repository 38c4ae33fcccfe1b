"""The server's counts at one moment, taken in its own thread so that others can read them in peace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from feedpub.serving.telemetry import Closed, Telemetry


@dataclass(frozen=True, slots=True)
class Traffic:
    """As in `Telemetry`: answers by (kind, status), bytes of bodies, seconds, answers by duration, closed connections."""

    answers: Mapping[tuple[str, int], int]
    sent_bytes: int
    seconds: float
    durations: tuple[tuple[float, int], ...]
    closings: Mapping[Closed, int]


def taken(telemetry: Telemetry) -> Traffic:
    """The counts as they are now. To be called by the thread that counts."""
    return Traffic(
        dict(telemetry.answers),
        telemetry.sent_bytes,
        telemetry.seconds,
        tuple(telemetry.durations()),
        dict(telemetry.closings),
    )
