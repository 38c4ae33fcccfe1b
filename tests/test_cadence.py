"""When something is done next: spans, times of day and cron expressions, where clocks change too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedpub.cadence import Cadence, CadenceError, parse, spaced
from tests.judges.samples import TEXT


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "after", "then"),
    [
        ("90s", "2025-01-01T00:00:00Z", "2025-01-01T00:01:30Z"),
        ("1d", "2025-03-29T12:00:00+01:00", "2025-03-30T13:00:00+02:00"),  # a day is 24 hours
        ("daily at 06:30", "2025-01-01T06:29:59Z", "2025-01-01T06:30:00Z"),
        ("daily at 06:30", "2025-01-01T06:30:00Z", "2025-01-02T06:30:00Z"),
        ("daily at 6:30 Europe/Berlin", "2025-07-01T12:00:00Z", "2025-07-02T04:30:00Z"),
        ("Daily at 06:30 America/New_York", "2025-01-01T12:00:00Z", "2025-01-02T11:30:00Z"),
        ("weekly on sunday at 18:00", "2025-01-01T00:00:00Z", "2025-01-05T18:00:00Z"),
        ("weekly on Monday at 06:30 Europe/Berlin", "2025-01-06T05:30:00Z", "2025-01-13T05:30:00Z"),
        ("cron 0 6 * * 1-5", "2025-01-03T06:00:00Z", "2025-01-06T06:00:00Z"),  # Friday → Monday
        ("cron 0 6 * * mon-fri Europe/Berlin", "2025-01-03T06:00:00Z", "2025-01-06T05:00:00Z"),
        ("cron */15 * * * *", "2025-01-01T00:14:59Z", "2025-01-01T00:15:00Z"),
        ("cron 0 0 29 2 *", "2025-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
    ],
)
def test_what_comes_next(text: str, after: str, then: str) -> None:
    assert parse(text).next_after(at(after)) == at(then)


def test_the_newsrooms_zone_counts_unless_another_is_named() -> None:
    assert parse("daily at 06:30", "Europe/Berlin") == Cadence(
        "daily at 06:30", cron="30 6 * * *", zone="Europe/Berlin"
    )
    assert parse("daily at 06:30 UTC", "Europe/Berlin").zone == "UTC"
    assert parse("cron 0 6 * * 1-5", "Asia/Tokyo").zone == "Asia/Tokyo"


# Clocks go forward and back: in Berlin and New York by an hour, on Lord Howe Island by half of one.


@pytest.mark.parametrize(
    ("text", "from_", "runs"),
    [
        # 30 March 2025: 02:00 becomes 03:00 (01:00 UTC). What does not exist is where the gap ends.
        (
            "daily at 02:30 Europe/Berlin",
            "2025-03-28T12:00:00Z",
            ["2025-03-29T01:30:00Z", "2025-03-30T01:00:00Z", "2025-03-31T00:30:00Z"],
        ),
        # 26 October 2025: 03:00 becomes 02:00 (01:00 UTC). What exists twice is once, and first.
        (
            "daily at 02:30 Europe/Berlin",
            "2025-10-25T12:00:00Z",
            ["2025-10-26T00:30:00Z", "2025-10-27T01:30:00Z"],
        ),
        # 9 March 2025: 02:00 becomes 03:00 (07:00 UTC).
        (
            "daily at 02:15 America/New_York",
            "2025-03-08T12:00:00Z",
            ["2025-03-09T07:00:00Z", "2025-03-10T06:15:00Z"],
        ),
        # 2 November 2025: 02:00 becomes 01:00 (06:00 UTC).
        (
            "daily at 01:15 America/New_York",
            "2025-11-01T12:00:00Z",
            ["2025-11-02T05:15:00Z", "2025-11-03T06:15:00Z"],
        ),
        # 5 October 2025: 02:00 becomes 02:30 (4 October, 15:30 UTC).
        (
            "daily at 02:10 Australia/Lord_Howe",
            "2025-10-04T00:00:00Z",
            ["2025-10-04T15:30:00Z", "2025-10-05T15:10:00Z"],
        ),
        # 6 April 2025: 02:00 becomes 01:30 (5 April, 15:00 UTC).
        (
            "daily at 01:45 Australia/Lord_Howe",
            "2025-04-05T00:00:00Z",
            ["2025-04-05T14:45:00Z", "2025-04-06T15:15:00Z"],
        ),
        # Whoever works every hour works in every hour that passes.
        (
            "cron 30 * * * * Europe/Berlin",
            "2025-10-25T23:00:00Z",
            ["2025-10-25T23:30:00Z", "2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z", "2025-10-26T02:30:00Z"],
        ),
        # Two times in the gap are one.
        (
            "cron 15,45 2 * * * Europe/Berlin",
            "2025-03-29T12:00:00Z",
            ["2025-03-30T01:00:00Z", "2025-03-31T00:15:00Z"],
        ),
    ],
)
def test_where_clocks_change(text: str, from_: str, runs: list[str]) -> None:
    cadence, moment, found = parse(text), at(from_), []
    for _ in runs:
        moment = cadence.next_after(moment)
        found.append(moment)
    assert found == [at(run) for run in runs]


ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
CHANGES = {
    "Europe/Berlin": ("2025-03-30T01:00:00Z", "2025-10-26T01:00:00Z"),
    "America/New_York": ("2025-03-09T07:00:00Z", "2025-11-02T06:00:00Z"),
    "Australia/Lord_Howe": ("2025-10-04T15:30:00Z", "2025-04-05T15:00:00Z"),
}


@given(
    zone=st.sampled_from(ZONES),
    back=st.booleans(),
    minutes=st.integers(-240, 240),
    hour=st.integers(0, 4),
    minute=st.integers(0, 59),
)
def test_a_time_of_day_is_once_a_day_and_never_in_the_past(
    zone: str, back: bool, minutes: int, hour: int, minute: int
) -> None:
    moment = at(CHANGES[zone][back]) + timedelta(minutes=minutes)
    cadence = parse(f"daily at {hour:02d}:{minute:02d} {zone}")
    first = cadence.next_after(moment)
    second = cadence.next_after(first)
    days = [run.astimezone(ZoneInfo(zone)).date() for run in (first, second)]
    assert moment < first < second
    assert days[1] - days[0] == timedelta(days=1)
    assert first - moment <= timedelta(hours=25)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("5m", 300),
        ("daily at 06:30 Europe/Berlin", 86_400),
        ("weekly on friday at 12:00", 7 * 86_400),
        ("cron 0 6 * * 1-5", 86_400),  # not the weekend's three days
        ("cron */5 8-18 * * *", 300),  # not the night
        ("cron 0 6,18 * * *", 43_200),
        ("cron 0 6,7,18 * * *", 43_200),  # 1, 11 and 12 hours are equally common: the longest
    ],
)
def test_what_readers_are_told(text: str, seconds: int) -> None:
    assert parse(text).interval_seconds == seconds


def test_a_span_keeps_to_its_grid_and_a_time_of_day_needs_none() -> None:
    hour = spaced(3600)
    begun = at("2025-01-01T00:00:10Z")
    assert hour.latest(begun, at("2025-01-01T02:30:00Z")) == at("2025-01-01T02:00:10Z")
    assert hour.latest(begun, at("2025-01-01T00:30:00Z")) == begun
    assert hour.latest(begun, at("2024-12-31T00:00:00Z")) == at("2024-12-31T00:00:00Z")  # clock set back
    assert parse("daily at 06:30").latest(begun, at("2025-01-01T06:31:00Z")) == at("2025-01-01T06:31:00Z")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "1s"), (1, "1s"), (90, "90s"), (300, "5m"), (7200, "2h"), (86400, "1d")]
)
def test_a_number_of_seconds_in_words(seconds: int, text: str) -> None:
    assert spaced(seconds) == parse(text)


@given(TEXT)
def test_any_text_is_a_cadence_or_told_why_not(text: str) -> None:
    for said in (text, f"cron {text}", f"daily at {text}", f"daily at 06:30 {text}"):
        try:
            cadence = parse(said)
        except CadenceError as error:
            assert str(error)
        else:
            assert cadence.next_after(at("2025-01-01T00:00:00Z")) > at("2025-01-01T00:00:00Z")
