"""Any published date → When, and the two forms in which dates leave: RFC 822 and RFC 3339.

Reading is strict: a date is read only if every word of it is understood, it exists in the
calendar, and it can be meant in one way only. Nothing is taken from the clock or the locale.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from feedpub import datewords
from feedpub.datewords import Clock, find_zone, offset_minutes
from feedpub.models import Precision, When

MIN_YEAR, MAX_YEAR = 1000, 2199
_MAX_LENGTH = 120
Ymd = tuple[int, int, int]
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_ISO = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?\Z"
)
_BASIC = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[Tt]([0-9]{2})([0-9]{2})([0-9]{2})?(?:[.,][0-9]{1,9})?(Z|[+-][0-9]{4})?)?\Z"
)
_WEEK_DATE = re.compile(r"([0-9]{4})-?W([0-9]{2})-?([1-7])\Z")
_OFFSET_AT_END = re.compile(r"(?:Z|[+-][0-9]{2}:[0-9]{2})\Z")
_ORDINAL = re.compile(r"([0-9]{4})-([0-9]{3})\Z")


def parse(text: str, *, dayfirst: bool | None = None) -> When | None:
    """The date that `text` as a whole states, or None.

    Reads ISO 8601 (calendar, ordinal and week dates with a day, basic and extended), RFC 822 and
    5322, and dates in words in some 25 languages. `dayfirst` settles 03/04/2025; without it such
    a date is not read. Neither is one with unknown words, an unknown zone, a year outside
    1000-2199, or a day that does not exist. Epoch numbers are not read: see `from_epoch`.
    """
    text = text.strip()
    match = _ISO.match(text)
    if match:
        return _from_groups(match)
    if not text or len(text) > _MAX_LENGTH:
        return None
    match = _BASIC.match(text)
    if match:
        return _from_groups(match)
    try:
        match = _WEEK_DATE.match(text)
        if match:
            return _day(date.fromisocalendar(int(match[1]), int(match[2]), int(match[3])))
        match = _ORDINAL.match(text)
        if match:
            first = date(int(match[1]), 1, 1)
            found = first + timedelta(days=int(match[2]) - 1)
            return _day(found) if found.year == first.year and match[2] != "000" else None
        stated = datewords.read(text, dayfirst)
        return _from_words(stated) if stated is not None else None
    except (ValueError, OverflowError):
        return None


def from_value(value: object, *, dayfirst: bool | None = None) -> When | None:
    """The date in a value as YAML, TOML or JSON give it: text, date, datetime, or 2025 and 20250902.

    Other numbers are not read as dates; see `from_epoch`.
    """
    if isinstance(value, str):
        return parse(value, dayfirst=dayfirst)
    if isinstance(value, When):
        return value
    if isinstance(value, datetime):
        return from_datetime(value)
    if isinstance(value, date):
        return _day(value)
    if isinstance(value, int) and not isinstance(value, bool) and len(str(abs(value))) in (4, 8):
        return parse(str(value))
    return None


def from_datetime(value: datetime) -> When | None:
    """A datetime to the second, with its offset if it has one; None for a year that is out of range."""
    if not MIN_YEAR <= value.year <= MAX_YEAR:
        return None
    offset = value.utcoffset()
    stamp = (
        f"{value.year:04}-{value.month:02}-{value.day:02}T{value.hour:02}:{value.minute:02}:{value.second:02}"
    )
    zone = value.tzinfo.key if isinstance(value.tzinfo, ZoneInfo) and "/" in value.tzinfo.key else None
    return When(stamp + ("" if offset is None else _offset_text(offset)), "second", zone)


def from_epoch(seconds: float) -> When | None:
    """The instant so many seconds after 1970-01-01T00:00:00Z; numbers from 10^11 on are milliseconds."""
    if isinstance(seconds, bool) or seconds != seconds:  # noqa: PLR0124 - NaN differs from itself
        return None
    if abs(seconds) >= 1e11:
        seconds /= 1000
    if abs(seconds) > 1e11:
        return None
    return from_datetime(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(seconds // 1)))


def has_wrong_weekday(text: str, when: When) -> bool:
    """Whether `text`, which states `when`, names another day of the week than that of the date."""
    if when.precision in ("year", "month"):
        return False
    named = datewords.weekday_in(text[:_MAX_LENGTH])
    return named is not None and named != date.fromisoformat(when.value[:10]).weekday()


def is_clock(text: str) -> bool:
    """Whether `text` is a time of day and nothing else: "17:30", "5 pm", "19:00:00+02:00"."""
    return len(text) <= _MAX_LENGTH and datewords.read_clock(text) is not None


def on_day(day: When, text: str) -> When | None:
    """The time of day that `text` states, on the day of `day`, with the offset and zone of either.

    Returns: None if `text` is no time of day, or `day` is not known to the day.
    """
    stated = datewords.read_clock(text) if len(text) <= _MAX_LENGTH else None
    if stated is None or day.precision in ("year", "month"):
        return None
    clock, offset, zone_name = stated
    year, month, number = map(int, day.value[:10].split("-"))
    is_own = offset is not None or zone_name is not None
    found = _build((year, month, number), clock, offset, zone_name if is_own else day.zone)
    if found is None or is_own or found.has_offset or not day.has_offset:
        return found
    return replace(found, value=found.value + _OFFSET_AT_END.findall(day.value)[0])


def month_number(word: str) -> int | None:
    """1 to 12 for the name or usual abbreviation of a month in one of the languages known here."""
    return datewords.months().get(datewords.fold(word).rstrip("."))


def zone(name: str) -> ZoneInfo | None:
    """The IANA zone of that name, or None if there is none."""
    return find_zone(name)


def with_zone(when: When, tzname: str) -> When:
    """`when` with the offset that the zone has then, if it states a time without one; else `when`.

    Of a time that occurs twice the first is meant; one that the clock skips moves on by the gap.

    Raises:
        ValueError: There is no zone of that name.
    """
    if not when.has_time or when.has_offset:
        return when
    local = _local(datetime.fromisoformat(when.value), tzname)
    offset = local.utcoffset() or timedelta(0)
    stamp = local.strftime("%H:%M:%S" if when.precision == "second" else "%H:%M")
    return When(f"{local.date().isoformat()}T{stamp}{_offset_text(offset)}", when.precision, when.zone)


def is_skipped(when: When, tzname: str) -> bool:
    """Whether the clocks of that zone never show the time that `when` states without an offset.

    Raises:
        ValueError: There is no zone of that name.
    """
    return with_zone(when, tzname).value[:16] != when.value[:16]


def instant(when: When, tzname: str) -> datetime | None:
    """The aware datetime for sorting and for formats that need a time.

    Returns: The stated instant; 00:00 in `tzname` for a date; None for a month or a year.

    Raises:
        ValueError: There is no zone of that name.
    """
    if when.precision in ("year", "month"):
        return None
    found = datetime.fromisoformat(when.value)
    return found if found.tzinfo is not None else _local(found, tzname)


def bounds(when: When, tzname: str) -> tuple[datetime, datetime]:
    """The half-open interval [start, end) that `when` covers, as aware datetimes.

    Raises:
        ValueError: There is no zone of that name.
    """
    start = instant(when, tzname)
    if start is not None and when.has_time:
        return start, start + timedelta(seconds=1 if when.precision == "second" else 60)
    if start is not None:
        day = date.fromisoformat(when.value) + timedelta(days=1)
        return start, _local(datetime(day.year, day.month, day.day), tzname)
    year = int(when.value[:4])
    if when.precision == "year":
        return _local(datetime(year, 1, 1), tzname), _local(datetime(year + 1, 1, 1), tzname)
    month = int(when.value[5:7])
    after = datetime(year + month // 12, month % 12 + 1, 1)
    return _local(datetime(year, month, 1), tzname), _local(after, tzname)


def rfc822(moment: datetime) -> str:
    """RFC 822 section 5 with a year of four digits and a numeric zone: "Tue, 02 Sep 2025 00:00:00 +0500".

    Raises:
        ValueError: `moment` has no zone.
    """
    moment, offset = _writable(moment)
    return (
        f"{_DAYS[moment.weekday()]}, {moment.day:02} {_MONTHS[moment.month - 1]} {moment.year:04}"
        f" {moment.hour:02}:{moment.minute:02}:{moment.second:02} {_numeric(offset, '')}"
    )


def rfc3339(moment: datetime) -> str:
    """RFC 3339 section 5.6 without fractions; UTC as "Z": "2025-09-02T00:00:00+05:00".

    Raises:
        ValueError: `moment` has no zone.
    """
    moment, offset = _writable(moment)
    return (
        f"{moment.year:04}-{moment.month:02}-{moment.day:02}"
        f"T{moment.hour:02}:{moment.minute:02}:{moment.second:02}{_offset_text(offset)}"
    )


def _writable(moment: datetime) -> tuple[datetime, timedelta]:
    """The same instant with an offset in whole minutes (UTC where its own has seconds), and that offset."""
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError(f"{moment!r} has no zone; give one with dates.instant")
    if offset.total_seconds() % 60:
        return moment.astimezone(UTC), timedelta(0)
    return moment, offset


def _numeric(offset: timedelta, colon: str) -> str:
    # Local mean times before about 1900 have seconds in their offset, which neither RFC can write.
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{colon}{abs(minutes) % 60:02}"


def _offset_text(offset: timedelta) -> str:
    return _numeric(offset, ":") if offset else "Z"


def _local(naive: datetime, tzname: str) -> datetime:
    found = find_zone(tzname)
    if found is None:
        raise ValueError(f"{tzname!r} is not an IANA time zone such as Europe/Berlin")
    return naive.replace(tzinfo=found).astimezone(UTC).astimezone(found)


def _day(value: date) -> When | None:
    return When(value.isoformat(), "day") if MIN_YEAR <= value.year <= MAX_YEAR else None


def _from_groups(match: re.Match[str]) -> When | None:
    year, month, day, hour, minute, second, offset = match.groups()
    if not MIN_YEAR <= int(year) <= MAX_YEAR:
        return None
    if month is None:
        return When(year, "year")
    if day is None:
        return When(f"{year}-{month}", "month") if "01" <= month <= "12" else None
    if not _exists(int(year), int(month), int(day)):
        return None
    if hour is None:
        return When(f"{year}-{month}-{day}", "day")
    minutes: int | None = None
    if offset is not None:
        minutes = offset_minutes(offset[0], offset[1:3], offset[-2:]) if offset != "Z" else 0
        if minutes is None:
            return None
    clock = (int(hour), int(minute), int(second) if second else None)
    return _build((int(year), int(month), int(day)), clock, minutes, None)


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _build(day: Ymd, clock: Clock, offset: int | None, zone_name: str | None) -> When | None:
    hour, minute, second = clock
    if not MIN_YEAR <= day[0] <= MAX_YEAR or minute > 59 or (second or 0) > 60:
        return None
    extra = timedelta(0)
    if hour == 24 and minute == 0 and not second:
        hour, extra = 0, timedelta(days=1)  # ISO 8601: the end of the day
    if hour > 23:
        return None
    if second == 60:
        second = 59  # a leap second, which neither datetime nor xsd:dateTime can hold
    moment = datetime(*day, hour, minute, second or 0) + extra
    precision: Precision = "minute" if second is None else "second"
    value = moment.isoformat(timespec="minutes" if second is None else "seconds")
    if offset is not None:
        value += _offset_text(timedelta(minutes=offset))
    when = When(value, precision, zone_name)
    return with_zone(when, zone_name) if zone_name and offset is None else when


def _from_words(stated: datewords.Stated) -> When | None:
    year, month, day = stated.year, stated.month, stated.day
    if not MIN_YEAR <= year <= MAX_YEAR or (day is None and stated.clock is not None):
        return None
    if month is None:
        return When(f"{year:04}", "year")
    if day is None:
        return When(f"{year:04}-{month:02}", "month") if 1 <= month <= 12 else None
    if stated.clock is None:
        return _day(date(year, month, day))
    return _build((year, month, day), stated.clock, stated.offset, stated.zone)
