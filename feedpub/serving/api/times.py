"""The span that a date in a question covers: "2025-09" is all of that September."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime

from feedpub import dates
from feedpub.dates import MAX_YEAR, MIN_YEAR
from feedpub.models import Precision, When

_DATE = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?"
)
_DAY = 86_400
_FAR_PAST, _FAR_FUTURE = -(1 << 35), 1 << 35

_MONTHS = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
SCHEMA = {
    "anyOf": [
        {"title": "a year", "type": "string", "pattern": "^[0-9]{4}$"},
        {"title": "a month", "type": "string", "pattern": "^[0-9]{4}-(?:0[1-9]|1[0-2])$"},
        {"title": "a day", "type": "string", "format": "date"},
        {"title": "an instant", "type": "string", "format": "date-time"},
        {
            "title": "a time in the newsroom's zone",
            "type": "string",
            "pattern": f"^[0-9]{{4}}-{_MONTHS}T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?$",
        },
    ]
}
"""JSON Schema for what `span` reads; both dates and times as in ISO 8601 and RFC 3339."""


def span(text: str, timezone: str) -> tuple[int, int]:
    """The half-open span that a date covers, in whole seconds since 1970; without an offset it is the newsroom's time.

    Years before 1000 and after 2199, in which nothing is ever published, are before and after everything.

    Raises:
        ValueError: it is no such date.
    """
    # A "+" that was not escaped arrives as a space.
    text = re.sub(r"(?<=[0-9]) (?=[0-9]{2}:[0-9]{2}\Z)", "+", text.upper()) if "T" in text.upper() else text
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    _check(match)
    year, month, day, hour, minute, second, offset = match.groups()
    if not MIN_YEAR <= int(year) <= MAX_YEAR:
        return (_FAR_PAST, _FAR_PAST + 1) if int(year) < MIN_YEAR else (_FAR_FUTURE, _FAR_FUTURE + 1)
    second = "59" if second == "60" else second  # a leap second
    stated = "-".join(part for part in (year, month, day) if part)
    if hour is not None:
        stated += f"T{hour}:{minute}" + (f":{second}" if second else "")
    if offset is not None:
        naive = datetime.fromisoformat(stated).replace(tzinfo=UTC)
        start = int(naive.timestamp()) - _seconds(offset)
        return start, start + (1 if second else 60)
    kind: Precision = (
        "second" if second else "minute" if hour else "day" if day else "month" if month else "year"
    )
    first, end = dates.bounds(When(stated, kind), timezone)
    return int(first.timestamp()), int(end.timestamp())


def _check(match: re.Match[str]) -> None:
    """Raise ValueError if there is no such day or no such time."""
    year, month, day, hour, minute, second, offset = match.groups()
    if month is not None and not 1 <= int(month) <= 12:
        raise ValueError(month)
    if day is not None and not 1 <= int(day) <= monthrange(int(year), int(month))[1]:
        raise ValueError(day)
    if hour is not None and (int(hour) > 23 or int(minute or 0) > 59 or int(second or 0) > 60):
        raise ValueError(hour)
    if offset is not None and abs(_seconds(offset)) >= _DAY:
        raise ValueError(offset)


def _seconds(offset: str) -> int:
    if offset == "Z":
        return 0
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    if minutes > 59:
        raise ValueError(offset)
    return (-1 if offset[0] == "-" else 1) * (hours * 3600 + minutes * 60)
