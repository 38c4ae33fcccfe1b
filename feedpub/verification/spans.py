"""When an event takes place, as a calendar can say it (RFC 5545): whole days, or instants."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def span(start: str, end: str) -> tuple[date | None, date | None]:
    """The start and the end that a calendar must state.

    Both are dates, the end being the day after the last, or both are instants in UTC. The end is
    None where none can be said: none is stated, it lies before the start, or it is known less well.
    (None, None) for a start that is not known to the day. A time without an offset is known by its
    day only.
    """
    first_day, first = _read(start)
    if first_day is None:
        return None, None
    last_day, last = _read(end)
    if last_day is not None and _is_before(start, end):
        last_day = last = None
    longer = last_day is not None and last_day > first_day
    if first is None or (longer and last is None):
        return first_day, _day_after(last_day, first_day, timed="T" in start or "T" in end)
    if last is None or last <= first:
        return first, None
    return first, last


def _read(value: str) -> tuple[date | None, datetime | None]:
    """The day, as stated, and the instant if the value is one."""
    if not _DATE.match(value):
        return None, None
    try:
        day = date.fromisoformat(value[:10])
        moment = datetime.fromisoformat(value)
        return day, moment.astimezone(UTC).replace(microsecond=0) if moment.tzinfo else None
    except OverflowError:
        return date.fromisoformat(value[:10]), None
    except ValueError:
        return None, None


def _is_before(start: str, end: str) -> bool:
    """Whether what ends then would end before it starts; both are known to the day."""
    (first_day, first), (last_day, last) = _read(start), _read(end)
    if first is not None and last is not None:
        return last < first
    if last_day == first_day and first is None and last is None and "T" in start and "T" in end:
        return end < start
    return last_day is not None and first_day is not None and last_day < first_day


def _day_after(last: date | None, first: date, *, timed: bool) -> date | None:
    # A day that is stated twice, with times that the calendar cannot say, needs no end.
    if last is None or (last == first and timed):
        return None
    try:
        return last + timedelta(days=1)
    except OverflowError:
        return None
