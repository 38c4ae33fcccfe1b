"""How often something is done: `every` of a source or a feed, and when it is done next.

    "30s" "5m" "1h" "1d"                        a time span: on a grid, whatever clocks say
    "daily at 06:30"                            a time of day, in the newsroom's zone
    "weekly on monday at 06:30 Europe/Berlin"   or in another one
    "cron 0 6 * * 1-5 Europe/Berlin"            minute, hour, day of the month, month, day of the week

Where clocks change, a time of day that does not exist is the moment at which the gap ends, and one
that exists twice is the first of both: once each day. A cron expression whose minute or hour begins
with * means real time, as in Debian's cron, so "cron 30 * * * *" is once in every hour that passes.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_SPAN = re.compile(r"0*([1-9][0-9]{0,5})([smhd])")
_CLOCK = re.compile(r"(?:daily|weekly on (?P<day>[a-z]+)) at (?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
_MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
_SAMPLE = 500
"""So many runs are looked at to say how far apart they usually are."""


class CadenceError(ValueError):
    """A text is no cadence; the message says why, and what would be."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often, as `text` says. Either `seconds` is set, or `cron` (five fields) in the zone `zone`.

    Make one with `spaced` or `parse`.
    """

    text: str
    seconds: int | None = None
    cron: str | None = None
    zone: str = "UTC"

    def next_after(self, moment: datetime) -> datetime:
        """The next time after `moment` (aware), in UTC; of a time span, that much later."""
        if self.cron is None:
            return moment.astimezone(UTC) + timedelta(seconds=self.seconds or 1)
        return _next(self.cron, self.zone, moment)

    @property
    def interval_seconds(self) -> int:
        """How far apart runs usually are: the commonest gap, of equally common ones the longest.

        This is what readers are told (ttl, Cache-Control). "cron 0 6 * * 1-5" is a day, though not on weekends.
        """
        return _usual(self.cron) if self.cron is not None else self.seconds or 1

    def latest(self, before: datetime, now: datetime) -> datetime:
        """Of the times that follow from a run at `before`, the last that is not after `now`."""
        if self.cron is not None or now < before:
            return now
        return before + (now - before) // (step := timedelta(seconds=self.seconds or 1)) * step


def spaced(seconds: int) -> Cadence:
    """Every so many seconds, at least one."""
    seconds = max(1, seconds)
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % _SECONDS[unit] == 0)
    return Cadence(f"{seconds // _SECONDS[unit]}{unit}", seconds=seconds)


def parse(text: str, zone: str = "UTC") -> Cadence:
    """The cadence that a text of feedpub.toml means.

    Args:
        text: as at the top of this module; upper and lower case are alike.
        zone: the IANA time zone where the text names none.

    Raises:
        CadenceError: it means nothing.
    """
    words = text.split()
    said = " ".join(words)
    if span := _SPAN.fullmatch(said):
        return Cadence(text, seconds=int(span[1]) * _SECONDS[span[2]])
    if said.lower().startswith("cron "):
        return _cron(text, words[1:], zone)
    plain, named = said, None
    if words and ":" not in words[-1] and len(words) > 3:
        plain, named = " ".join(words[:-1]), words[-1]
    clock = _CLOCK.fullmatch(plain.lower())
    if clock is None:
        raise CadenceError(
            'it is not a time span ("5m"), a time of day ("daily at 06:30", "weekly on monday at 06:30") '
            'or a cron expression ("cron 0 6 * * 1-5"), the latter two with a time zone behind if you like'
        )
    day, hour, minute = clock["day"], int(clock["hour"]), int(clock["minute"])
    if hour > 23 or minute > 59:
        raise CadenceError(f"there is no time {hour:02d}:{minute:02d}; the day goes from 00:00 to 23:59")
    if day is not None and day not in _DAYS:
        raise CadenceError(f"there is no day {day!r}; the days are: {', '.join(_DAYS[1:])}, sunday")
    weekday = "*" if day is None else str(_DAYS.index(day))
    return Cadence(text, cron=f"{minute} {hour} * * {weekday}", zone=_known(named or zone))


def _cron(text: str, words: list[str], zone: str) -> Cadence:
    from cronsim import CronSimError

    if len(words) == 6 and _ZONE.fullmatch(words[-1]) and not words[-1].isdigit():
        zone, words = words[-1], words[:-1]
    if len(words) != 5:
        raise CadenceError(
            f"a cron expression has five fields (minute, hour, day of the month, month, day of the week), not {len(words)}; "
            'for example "cron 0 6 * * 1-5"'
        )
    zone, fields = _known(zone), " ".join(words)
    try:
        _next(fields, zone, _MONDAY)
    except CronSimError as error:
        reason = str(error).replace("Bad ", "what it says of the ")
        raise CadenceError(f"{fields!r} is no cron expression: {reason} cannot be") from None
    except StopIteration:
        raise CadenceError(f"{fields!r} is a day that never comes") from None
    return Cadence(text, cron=fields, zone=zone)


def _known(name: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CadenceError(f'there is no time zone {name!r}; for example "Europe/Berlin" or "UTC"') from None
    return name


def _next(cron: str, zone: str, moment: datetime) -> datetime:
    from zoneinfo import ZoneInfo

    from cronsim import CronSim

    moment = moment.astimezone(UTC)
    # In the second of two equal hours the parser, which then counts by the wall, begins an hour too early.
    return next(
        found
        for found in (at.astimezone(UTC) for at in CronSim(cron, moment.astimezone(ZoneInfo(zone))))
        if found > moment
    )


@lru_cache(maxsize=1000)
def _usual(cron: str) -> int:
    from cronsim import CronSim

    runs = islice(CronSim(cron, _MONDAY), _SAMPLE)
    gaps = Counter(int((later - earlier).total_seconds()) for earlier, later in pairwise(runs))
    most = max(gaps.values(), default=0)
    # What comes once in fifty years has no gap.
    return max((gap for gap, number in gaps.items() if number > 0.9 * most), default=366 * 86_400)
