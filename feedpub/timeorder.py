"""Which of two dates as written in records comes first, where that can be said at all."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

# The zones in use lie between these offsets from UTC.
_FURTHEST_EAST, _FURTHEST_WEST = timedelta(hours=14), timedelta(hours=12)


def is_before(one: Any, other: Any) -> bool:
    """Whether `one` is surely before `other`: where they overlap or cannot be compared, it is not.

    Args:
        one: an ISO 8601 date as it stands in a record, of any precision; anything else is never before.
        other: the same.
    """
    if not isinstance(one, str) or not isinstance(other, str):
        return False
    if one >= other and one[-6:] == other[-6:]:
        return False
    if not _has_offset(one) and not _has_offset(other):
        # Of one calendar and one place: what both state is compared as it stands.
        width = min(len(one), len(other))
        return one[:width] < other[:width]
    left, right = _bounds(one), _bounds(other)
    return left is not None and right is not None and left[1] < right[0]


def precision(value: str) -> float:
    """How much a date states: 1 the year, 2 the month, 3 the day, 4 the time; an offset adds a half."""
    if len(value) <= 10:
        return {4: 1.0, 7: 2.0}.get(len(value), 3.0)
    return 4.5 if _has_offset(value) else 4.0


def _has_offset(value: str) -> bool:
    return len(value) > 10 and (value[-1] == "Z" or value[-6] in "+-")


def _bounds(value: str) -> tuple[datetime, datetime] | None:
    """The earliest and the latest UTC instant that a date can mean, its zone unknown if not stated."""
    try:
        if len(value) > 10:
            first = datetime.fromisoformat(value)
            last = first + timedelta(seconds=59 if value.count(":", 11, 19) == 1 else 0)
        elif len(value) == 10:
            first = datetime.fromisoformat(value)
            last = first + timedelta(days=1)
        else:
            year, month = int(value[:4]), int(value[5:7] or 1)
            first = datetime(year, month, 1)
            whole_year = len(value) == 4
            last = datetime(year + (whole_year or month == 12), 1 if whole_year else month % 12 + 1, 1)
        if first.tzinfo is not None:
            shift = first.utcoffset() or timedelta()
            return first.replace(tzinfo=None) - shift, last.replace(tzinfo=None) - shift
        return first - _FURTHEST_EAST, last + _FURTHEST_WEST
    except (ValueError, OverflowError):
        return None
