"""VTIMEZONE: the rules of an IANA time zone, from the year of a calendar's first event on.

icalendar can write one too, but dates each onset in the new local time, where RFC 5545 section
3.6.5 means the old, and lists every single one, which some programs cannot read.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from feedpub import dates
from feedpub.formats.calendartext import Text
from feedpub.formats.calendartime import FIRST_LOCAL_YEAR, LAST_LOCAL_YEAR

# The shortest time between two changes since 1970 is a week: Recife, October 2000.
_STEP = timedelta(days=3)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_Pattern = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class _Onset:
    """The local time `at`, still counted with the offset `before`, at which `after` begins."""

    at: datetime
    before: timedelta
    after: timedelta
    name: str
    daylight: bool


@lru_cache(maxsize=64)
def vtimezone(name: str, first_year: int) -> bytes:
    """The component for all local times from the beginning of `first_year` to the end of 2037.

    Raises:
        ValueError: There is no zone of that name.
    """
    from icalendar import Timezone

    zone = dates.zone(name)
    if zone is None:
        raise ValueError(f"{name!r} is not an IANA time zone such as Europe/Berlin")
    runs: list[list[_Onset]] = []
    patterns: dict[int, list[_Pattern]] = {}
    running: dict[tuple[Any, ...], int] = {}
    for onset in _onsets(zone, first_year):
        kind = (onset.before, onset.after, onset.name, onset.daylight, onset.at.month, onset.at.time())
        number = running.get(kind)
        if number is not None and onset.at.year == runs[number][-1].at.year + 1:
            shared = [pattern for pattern in patterns[number] if pattern in _patterns(onset.at)]
            if shared:
                runs[number].append(onset)
                patterns[number] = shared
                continue
        running[kind] = len(runs)
        patterns[len(runs)] = _patterns(onset.at)
        runs.append([onset])

    components = [
        _component(run[0], rule=_rule(run[-1], patterns[number][0]))
        for number, run in enumerate(runs)
        if len(run) > 2
    ]
    single: dict[tuple[Any, ...], list[_Onset]] = {}
    for run in runs:
        for onset in run if len(run) <= 2 else ():
            single.setdefault((onset.before, onset.after, onset.name, onset.daylight), []).append(onset)
    components += [_component(group[0], others=group[1:]) for group in single.values()]

    written = Timezone()
    written.add("TZID", Text(name), encode=False)
    for component in sorted(components, key=lambda component: component["DTSTART"].to_ical()):
        written.add_component(component)
    result: bytes = written.to_ical()
    return result


def _onsets(zone: ZoneInfo, first_year: int) -> Iterator[_Onset]:
    year = max(first_year - 1, FIRST_LOCAL_YEAR)
    moment, end = datetime(year, 1, 1, tzinfo=UTC), datetime(LAST_LOCAL_YEAR + 1, 1, 1, tzinfo=UTC)
    state = _state(zone, moment)
    changes = []
    while moment < end:
        if _state(zone, moment + _STEP) == state:
            moment += _STEP
            continue
        moment = _change(zone, moment, state)
        before, state = state, _state(zone, moment)
        daylight = state[2] > timedelta(0) or (not state[2] and before[2] < timedelta(0))
        at = (moment + before[0]).replace(tzinfo=None)
        changes.append(_Onset(at, before[0], state[0], state[1], daylight))
    if not changes or changes[0].at.year >= first_year:
        offset, name, saving = _state(zone, datetime(year, 1, 1, tzinfo=UTC))
        yield _Onset(datetime(year, 1, 1), offset, offset, name, saving > timedelta(0))
    yield from changes


def _state(zone: ZoneInfo, moment: datetime) -> tuple[timedelta, str, timedelta]:
    local = moment.astimezone(zone)
    zero = timedelta(0)
    return local.utcoffset() or zero, local.tzname() or "", local.dst() or zero


def _change(zone: ZoneInfo, moment: datetime, state: tuple[timedelta, str, timedelta]) -> datetime:
    """The first second after `moment` that is not in `state`; it lies within a step."""
    low, high = 0, int(_STEP.total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if _state(zone, moment + timedelta(seconds=middle)) == state:
            low = middle
        else:
            high = middle
    return moment + timedelta(seconds=high)


def _patterns(at: datetime) -> list[_Pattern]:
    """The rules by which a day can recur every year, the usual ones first."""
    length = calendar.monthrange(at.year, at.month)[1]
    weekday = _WEEKDAYS[at.weekday()]
    found: list[_Pattern] = []
    if at.day + 7 > length:
        found.append((("BYDAY", f"-1{weekday}"),))
    if at.day <= 28:
        found.append((("BYDAY", f"{(at.day - 1) // 7 + 1}{weekday}"),))
    found.append((("BYMONTHDAY", at.day),))
    for first in range(max(1, at.day - 6), min(at.day, length - 6) + 1):
        found.append((("BYDAY", weekday), ("BYMONTHDAY", tuple(range(first, first + 7)))))
    return found


def _rule(last: _Onset, pattern: _Pattern) -> dict[str, Any]:
    rule: dict[str, Any] = {"FREQ": "YEARLY", "BYMONTH": last.at.month}
    rule |= {key: list(value) if isinstance(value, tuple) else value for key, value in pattern}
    if last.at.year < LAST_LOCAL_YEAR:
        # UNTIL is in UTC; the day more keeps the last onset for programs that take it for local time (dateutil).
        rule["UNTIL"] = last.at.replace(tzinfo=UTC) + timedelta(days=1)
    return rule


def _component(
    onset: _Onset, *, rule: dict[str, Any] | None = None, others: list[_Onset] | None = None
) -> Any:
    from icalendar import TimezoneDaylight, TimezoneStandard

    component = TimezoneDaylight() if onset.daylight else TimezoneStandard()
    component.add("DTSTART", onset.at)
    component.add("TZOFFSETFROM", onset.before)
    component.add("TZOFFSETTO", onset.after)
    component.add("TZNAME", Text(onset.name), encode=False)
    if rule:
        component.add("RRULE", rule)
    for other in others or ():
        component.add(
            "RDATE", [other.at]
        )  # a property for each: vobject reads only the first of several values
    return component
