"""How often something usually moves, learned from the days on which it did; and whether it is late by that.

The rule: the gaps between days with news, over the last 90 days. The usual gap is their median; what is normal goes up
to twice that, or up to the gap that nine in ten do not exceed if that is longer (so that a weekend is none for who
publishes from Monday to Friday). A gap longer than both is quiet. From fewer than four gaps nothing is learned.

    days with news → learned() → Rhythm → standing() → fresh, quiet, stale, incomplete, failing or never
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal

Word = Literal["fresh", "quiet", "stale", "incomplete", "failing", "never", "unknown"]
"""What one may say of a source; only the first two are said of one that is read as a whole and in time."""

LEAST_GAPS = 4
LEAST_STALE = timedelta(minutes=15)
MOST_LATE = timedelta(hours=6)
UNTIMED = timedelta(days=2)
"""After how long a source is stale where no daemon reads it, so that nobody knows when it was to be read."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Whole days: `usual` between two days with news, and `longest` that is still normal."""

    usual: int
    longest: int


@dataclass(frozen=True, slots=True)
class Standing:
    """One word for a source or feed, and a sentence that gives the reason.

    `quiet_days` are those since it last brought anything, None if it never did.
    """

    word: Word
    text: str
    rhythm: Rhythm | None = None
    quiet_days: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of the attempts to read a source. `every` is its timer; None where no daemon has run.

    `stale_after` goes before the rule made from `every`; `failure` and `incomplete` are of the last attempt.
    """

    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    failure: str | None = None
    incomplete: str | None = None
    every: timedelta | None = None
    stale_after: timedelta | None = None


def learned(days: Iterable[date]) -> Rhythm | None:
    """What is usual by the days with news; None where that cannot be told yet."""
    gaps = sorted((later - earlier).days for earlier, later in pairwise(sorted(set(days))))
    if len(gaps) < LEAST_GAPS:
        return None
    usual = int(statistics.median_high(gaps))
    nine_in_ten = gaps[math.ceil(0.9 * len(gaps)) - 1]
    return Rhythm(usual, max(2 * usual, nine_in_ten))


def stale_limit(reading: Reading) -> timedelta:
    """After how long without success a source is stale."""
    if reading.stale_after is not None:
        return reading.stale_after
    if reading.every is None:
        return UNTIMED
    return max(LEAST_STALE, min(3 * reading.every, reading.every + MOST_LATE))


def standing(reading: Reading, days: Iterable[date], now: datetime) -> Standing:
    """How a source stands at `now`; `days` are those on which it brought something, in UTC.

    That it cannot be read always goes before that it brings nothing: a dead source is never called quiet.
    """
    dates = sorted(set(days))
    rhythm = learned(dates)
    gap = max(0, (now.date() - dates[-1]).days) if dates else None

    def said(word: Word, text: str) -> Standing:
        return Standing(word, text, rhythm, gap)

    if reading.last_success_at is None:
        why = f": {reading.failure}" if reading.failure else ""
        return said("never", f"never been read{why}")
    since = now - reading.last_success_at
    if reading.failure:
        return said("failing", f"failing; last read {ago(since)}: {reading.failure}")
    if since > stale_limit(reading):
        return said("stale", f"not read for {span(since)}, though nothing is known to have failed")
    if reading.incomplete:
        return said("incomplete", f"read only in part: {reading.incomplete}")
    return _moving(rhythm, gap)


def movement(days: Iterable[date], now: datetime) -> Standing:
    """The same for what is never read itself, such as a feed: fresh or quiet."""
    dates = sorted(set(days))
    return _moving(learned(dates), max(0, (now.date() - dates[-1]).days) if dates else None)


def _moving(rhythm: Rhythm | None, gap: int | None) -> Standing:
    if gap is None:
        return Standing("fresh", "nothing new in the last 90 days, and nothing was usual", None, None)
    last = "something new today" if gap == 0 else f"last something new {counted(gap, 'day')} ago"
    if rhythm is None:
        return Standing("fresh", f"{last}; too new to say what is usual", None, gap)
    usual = usually(rhythm)
    if gap > rhythm.longest:
        return Standing("quiet", f"quiet for {counted(gap, 'day')}, usually {usual}", rhythm, gap)
    return Standing("fresh", f"{last}, usually {usual}", rhythm, gap)


def usually(rhythm: Rhythm) -> str:
    """ "every day", "every 3 days", "every week"."""
    if rhythm.usual == 1:
        return "every day"
    return "every week" if rhythm.usual == 7 else f"every {rhythm.usual} days"


def counted(number: int, noun: str) -> str:
    """ "1 article", "2 articles"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def span(time: timedelta) -> str:
    """A length of time for people, in its largest whole unit: "3 days", "2 hours", "1 minute"."""
    seconds = max(0, int(time.total_seconds()))
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size * (2 if unit == "day" else 1):
            return counted(seconds // size, unit)
    return counted(seconds, "second")


def ago(time: timedelta) -> str:
    """The same, as of the past: "3 days ago"; "just now" below a second."""
    return f"{span(time)} ago" if time >= timedelta(seconds=1) else "just now"
