"""An event's startDate and endDate as a calendar can say them: whole days, or exact instants.

RFC 5545 gives both ends one type, knows no time without a zone but that of whoever reads it, and
nothing coarser than a day. What a record says beyond that is left for the description.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from feedpub import dates
from feedpub.formats.properties import first
from feedpub.models import JSON

FIRST_LOCAL_YEAR, LAST_LOCAL_YEAR = 1970, 2037
"""Years in which local times are written. tzdata vouches for nothing earlier, so a program's own table
may give another instant; and many tables end with the times that 32 bits can hold."""

_DAY = timedelta(days=1)
_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:[.,][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, as it stands in the calendar.

    `start` and `end` are both dates, `end` being the day after the last, or both aware datetimes:
    in `zone` (an IANA name) or in UTC if `zone` is None. `end` is None where none is stated or none
    can be said. `unsaid` are startDate and endDate as stated, where `start` and `end` hold less.
    """

    start: date
    end: date | None = None
    zone: str | None = None
    unsaid: tuple[str, str | None] | None = None

    @property
    def all_day(self) -> bool:
        """Whether it is whole days."""
        return not isinstance(self.start, datetime)


@dataclass(frozen=True, slots=True)
class _Stated:
    value: str
    day: date
    has_time: bool
    instant: datetime | None


def span_of(data: JSON, timezone: str) -> Span | None:
    """When an event takes place, or None where its start is not known to the day.

    A time with an offset is an instant. Without one its zone is unknown, so that its days are
    written; so they are if only the last day of several is known. An end before the start is
    taken for an error and left out.

    Args:
        data: the event's record.
        timezone: the IANA name of the zone whose local time is written where it fits.
    """
    start = _read(first(data.get("startDate")))
    if start is None:
        return None
    stated_end = _plausible(first(data.get("endDate")), start)
    end = _read(stated_end)
    unsaid = (start.value, stated_end or None)
    several_days = end is not None and end.day > start.day
    if start.instant is None or (end is not None and several_days and end.instant is None):
        return _days(start, end, unsaid)
    if end is not None and end.instant is not None:
        last = end.instant if end.instant > start.instant.astimezone(UTC) else None
        return _instants(start.instant, last, timezone, None)
    # The stated day of the end adds nothing to a start on the same day; anything else does.
    known = not stated_end or (end is not None and not end.has_time)
    return _instants(start.instant, None, timezone, None if known else unsaid)


def _read(value: str) -> _Stated | None:
    match = _ISO.fullmatch(value)
    if match is None:
        return None
    try:
        day = date.fromisoformat(match[1])
    except ValueError:
        return None
    instant = None
    if match[3]:
        try:
            instant = datetime.fromisoformat(value.replace(",", ".")).replace(microsecond=0)
            instant.astimezone(UTC)
        except (ValueError, OverflowError):  # a second that is not there, or beyond the year 9999
            instant = None
    return _Stated(value, day, match[2] is not None, instant)


def _plausible(value: str, start: _Stated) -> str:
    """The endDate, or "" for one that is no date or before the start."""
    end = _read(value)
    if end is None:
        coarse = re.fullmatch("[0-9]{4}(-[0-9]{2})?", value)
        return value if coarse and value >= start.value[: len(value)] else ""
    if start.instant is not None and end.instant is not None:
        return value if end.instant >= start.instant else ""
    if end.day == start.day and start.has_time and end.has_time and not (start.instant or end.instant):
        return value if value >= start.value else ""
    return value if end.day >= start.day else ""


def _days(start: _Stated, end: _Stated | None, unsaid: tuple[str, str | None]) -> Span:
    said = (
        not start.has_time and not (end is not None and end.has_time) and (end is not None) == bool(unsaid[1])
    )
    after = None
    # One day is meant where there is no end; to repeat the day of a time would state more than is known.
    if end is not None and (end.day > start.day or not (start.has_time or end.has_time)):
        try:
            after = end.day + _DAY
        except OverflowError:
            said = False
    return Span(start.day, after, None, None if said else unsaid)


def _instants(
    start: datetime, end: datetime | None, timezone: str, unsaid: tuple[str, str | None] | None
) -> Span:
    local_start = _local(start, timezone)
    if local_start is not None and local_start.utcoffset() == start.utcoffset():
        local_end = None if end is None else _local(end, timezone)
        if end is None or local_end is not None:
            return Span(local_start, local_end, timezone, unsaid)
    return Span(start.astimezone(UTC), None if end is None else end.astimezone(UTC), None, unsaid)


def _local(moment: datetime, timezone: str) -> datetime | None:
    """`moment` in the zone; None if local time there would not say for certain which instant is meant."""
    zone = dates.zone(timezone)
    if zone is None or not FIRST_LOCAL_YEAR <= moment.year <= LAST_LOCAL_YEAR:
        return None
    local = moment.astimezone(zone)
    if not FIRST_LOCAL_YEAR <= local.year <= LAST_LOCAL_YEAR or local.tzname() == "UTC":
        return None
    # RFC 5545 section 3.3.5: a local time that occurs twice means the first.
    return None if local.fold else local
