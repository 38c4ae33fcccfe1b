"""What the server counts of its answers."""

from __future__ import annotations

import logging

import pytest

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


def test_closed_connections_are_told_at_most_once_a_minute_with_their_number(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 100.0
    telemetry = Telemetry(clock=lambda: now)
    caplog.set_level(logging.INFO)
    for _ in range(500):
        telemetry.closed("full")
    telemetry.closed("stalled")
    now += 59
    telemetry.closed("full")
    now += 1
    telemetry.closed("full")
    assert telemetry.closings == {"full": 502, "stalled": 1}
    assert [(record.levelname, record.args[-1] if record.args else None) for record in caplog.records] == [
        ("WARNING", 1),
        ("INFO", 1),
        ("WARNING", 501),
    ]
    assert "limit of open files" in caplog.text
