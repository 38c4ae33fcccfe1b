"""What the server counts of its answers."""

from __future__ import annotations

from feedpub.serving.telemetry import Telemetry


def test_answers_and_their_durations_are_counted() -> None:
    telemetry = Telemetry()
    for kind, status, size, seconds in (
        ("feed", 200, 900, 0.0004),
        ("feed", 304, 0, 0.001),
        ("page", 200, 100, 9.0),
    ):
        telemetry.count(kind, status, size, seconds)
    assert telemetry.answers == {("feed", 200): 1, ("feed", 304): 1, ("page", 200): 1}
    assert telemetry.sent_bytes == 1000
    durations = dict(telemetry.durations())
    assert (durations[0.0005], durations[0.001], durations[2.5], durations[float("inf")]) == (1, 2, 2, 3)
