"""Observations for tests: a newsroom where all is well, with as much changed as a test names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from feedpub.observation import DaemonView, Day, Disk, FeedView, Observation, SourceView
from feedpub.standing import Reading, movement, standing

NOW = datetime(2025, 9, 3, 8, 0, tzinfo=UTC)
GB = 10**9


def back(days: int) -> date:
    return (NOW - timedelta(days=days)).date()


def days(*news: int, **each: Any) -> tuple[Day, ...]:
    """Days until today with so many new documents each, oldest first."""
    last = len(news) - 1
    return tuple(
        Day(back(last - place), succeeded=288, new=number, **each) for place, number in enumerate(news)
    )


def source(name: str = "agency", history: Iterable[Day] = (), **changes: Any) -> SourceView:
    """A source that was read two minutes ago, is read every five, and stands as its history has it."""
    listed = tuple(history)
    reading = {
        "last_success_at": NOW - timedelta(minutes=2),
        "every": timedelta(minutes=5),
        **{key: changes[key] for key in ("last_success_at", "failure", "incomplete") if key in changes},
    }
    stands = standing(Reading(**reading), (day.on for day in listed if day.news), NOW)
    values: dict[str, Any] = {
        "documents": 100,
        "last_success_at": reading["last_success_at"],
        "next_at": NOW + timedelta(minutes=3),
        "lag_seconds": 0.0,
        **changes,
    }
    return SourceView(name, stands, 300, "5m", days=listed, **values)


def feed(path: str = "", moved: Iterable[date] = (), **changes: Any) -> FeedView:
    found = list(moved)
    stands = movement(found, NOW) if found else None
    view = FeedView(path, path or "Test News", ("rss",), ("agency",), 50, NOW - timedelta(hours=1), stands)
    return replace(view, **changes)


def observation(*sources: SourceView, **changes: Any) -> Observation:
    """A newsroom at NOW whose daemon runs, with room on the disk and nothing wrong."""
    well = Observation(
        now=NOW,
        title="Test News",
        output="feeds",
        store="ready",
        store_text=None,
        daemon=DaemonView("running", NOW - timedelta(days=9), NOW),
        sources=sources,
        feeds=(),
        disk=Disk("feeds", 50 * GB, 100 * GB, 10**6),
        runs=({"started_at": "2025-09-03T07:58:00Z", "failures": [], "sources": []},),
    )
    return replace(well, **changes)
