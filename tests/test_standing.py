"""What is usual, and what is called quiet, stale, failing, incomplete and never read: as a person would say it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from feedpub.standing import Reading, Rhythm, ago, learned, movement, span, stale_limit, standing

NOW = datetime(2025, 9, 3, 8, 0, tzinfo=UTC)  # a Wednesday
EVERY = timedelta(minutes=5)
READ = Reading(last_success_at=NOW - timedelta(minutes=2), every=EVERY)


def back(*days: int) -> list[date]:
    """The dates so many days before now."""
    return [(NOW - timedelta(days=day)).date() for day in days]


def weekdays(weeks: int, until: int) -> list[date]:
    """Mondays to Fridays of the last weeks, none in the last `until` days."""
    days = back(*range(until, 7 * weeks))
    return [day for day in days if day.weekday() < 5]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([], None),
        (back(0, 1, 2, 3), None),  # three gaps are too few
        (back(0, 1, 2, 3, 4), Rhythm(1, 2)),
        (back(0, 7, 14, 21, 28), Rhythm(7, 14)),
        (weekdays(6, 0), Rhythm(1, 3)),  # a weekend is normal
        (back(*range(30), 44), Rhythm(1, 2)),  # one holiday among thirty days is an exception
        (back(0, 0, 1, 1, 2, 3, 4), Rhythm(1, 2)),  # a day counts once
    ],
)
def test_what_is_usual_is_learned_from_the_days_with_news(days: list[date], expected: Rhythm | None) -> None:
    assert learned(days) == expected


@pytest.mark.parametrize(
    ("days", "word", "text"),
    [
        (back(*range(20)), "fresh", "something new today, usually every day"),
        (back(*range(2, 20)), "fresh", "last something new 2 days ago, usually every day"),
        (back(*range(3, 20)), "quiet", "quiet for 3 days, usually every day"),
        (back(14, 21, 28, 35, 42), "fresh", "last something new 14 days ago, usually every week"),
        (back(15, 22, 29, 36, 43), "quiet", "quiet for 15 days, usually every week"),
        (
            weekdays(6, 3),
            "quiet",
            "quiet for 5 days, usually every day",
        ),  # nothing since Friday, and it is Wednesday
        (back(30), "fresh", "last something new 30 days ago; too new to say what is usual"),
        ([], "fresh", "nothing new in the last 90 days, and nothing was usual"),
    ],
)
def test_a_source_that_is_read_is_fresh_or_quiet_by_what_is_usual(
    days: list[date], word: str, text: str
) -> None:
    found = standing(READ, days, NOW)
    assert (found.word, found.text) == (word, text)
    assert movement(days, NOW) == found


def test_a_weekend_does_not_make_a_weekday_source_quiet() -> None:
    friday = date(2025, 8, 29)
    days = [day for day in weekdays(6, 0) if day <= friday]
    for moment, word in (
        (datetime(2025, 8, 31, 12, tzinfo=UTC), "fresh"),  # Sunday
        (datetime(2025, 9, 1, 12, tzinfo=UTC), "fresh"),  # Monday, still before work
        (datetime(2025, 9, 2, 12, tzinfo=UTC), "quiet"),  # Tuesday
    ):
        read = Reading(last_success_at=moment, every=EVERY)
        assert standing(read, days, moment).word == word


DAILY = back(*range(20))
LONG_AGO = back(*range(9, 40))


@pytest.mark.parametrize("days", [[], DAILY, LONG_AGO], ids=["no news ever", "news today", "would be quiet"])
@pytest.mark.parametrize(
    ("reading", "word", "text"),
    [
        (Reading(every=EVERY), "never", "never been read"),
        (
            Reading(every=EVERY, failure="not mounted", last_failure_at=NOW),
            "never",
            "never been read: not mounted",
        ),
        (
            Reading(
                last_success_at=NOW - timedelta(hours=3),
                failure="not mounted",
                last_failure_at=NOW,
                every=EVERY,
            ),
            "failing",
            "failing; last read 3 hours ago: not mounted",
        ),
        (
            Reading(last_success_at=NOW - timedelta(minutes=16), every=EVERY),
            "stale",
            "not read for 16 minutes, though nothing is known to have failed",
        ),
        (
            Reading(last_success_at=NOW, incomplete="articles is empty. Is it mounted?", every=EVERY),
            "incomplete",
            "read only in part: articles is empty. Is it mounted?",
        ),
    ],
)
def test_a_source_that_cannot_be_read_is_never_called_quiet_or_fresh(
    reading: Reading, word: str, text: str, days: list[date]
) -> None:
    found = standing(reading, days, NOW)
    assert (found.word, found.text) == (word, text)


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        (timedelta(seconds=10), timedelta(minutes=15)),
        (timedelta(minutes=5), timedelta(minutes=15)),
        (timedelta(hours=1), timedelta(hours=3)),
        (timedelta(days=1), timedelta(hours=30)),
        (None, timedelta(days=2)),
    ],
)
def test_a_source_is_stale_by_its_own_timer(every: timedelta | None, expected: timedelta) -> None:
    assert stale_limit(Reading(every=every)) == expected
    assert stale_limit(Reading(every=every, stale_after=timedelta(hours=6))) == timedelta(hours=6)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"), (1, "1 second"), (59.9, "59 seconds"), (60, "1 minute"), (7199, "1 hour"), (7200, "2 hours"),
        (86_400, "24 hours"), (172_799, "47 hours"), (172_800, "2 days"), (10**8, "1,157 days"), (-5, "0 seconds"),
    ],
)  # fmt: skip
def test_a_span_is_said_in_its_largest_unit(seconds: float, text: str) -> None:
    assert span(timedelta(seconds=seconds)) == text
    assert ago(timedelta(seconds=seconds)) == (f"{text} ago" if seconds >= 1 else "just now")
