"""Calendars, read back by two libraries: icalendar where it forgives nothing, and vobject.

icalendar is what writes them too, so that all fields are vobject's. It takes time zones from a table
of its own, though: what the file itself says of them (VTIMEZONE) is read by dateutil.
"""

from __future__ import annotations

import io
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import lru_cache
from typing import Any

from feedpub.models import Channel
from feedpub.verification import carried
from feedpub.verification.differences import Difference, Place, compared, indexed, sequence
from feedpub.verification.facts import Facts
from feedpub.verification.texts import folded, utc

_FILENAME = "events.ics"
_ZONE = re.compile(r"^BEGIN:VTIMEZONE\r\n.*?^END:VTIMEZONE\r\n", re.MULTILINE | re.DOTALL)
_ZONE_USED = re.compile(r";TZID=([^:;]+):")


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar as vobject has it. `zones` are those that the file describes, by TZID."""

    component: Any
    zones: Mapping[str, tzinfo]

    @property
    def events(self) -> list[Any]:
        """Its VEVENTs in order."""
        return list(self.component.contents.get("vevent", ()))


def differences(
    path: str,
    content: bytes,
    *,
    channel: Channel | None,
    ids: Sequence[str],
    facts: Mapping[str, Facts],
) -> tuple[Difference, ...]:
    """All differences of a calendar.

    Args:
        path: of the file, for messages.
        content: the file.
        channel: the frame that it should have; None where that is not known.
        ids: of all events that it should hold, in order: those that a calendar can hold.
        facts: of those to compare field by field, by id.
    """
    place, held = Place(path, "icalendar"), set(ids)
    wanted = {carried.uid(one.id): one for one in facts.values() if one.id in held}
    try:
        uids, part = cut(content, wanted)
        strict = parsed_strictly(part)
        calendar = parsed(part)
    except ValueError as error:
        return place.refused(error)
    found = list(sequence(place, [carried.uid(identifier) for identifier in ids], uids))
    if channel is not None:
        found += compared(place, None, _frame(channel), frame_of(calendar))
    known = indexed(events_of(calendar))
    counted = indexed((str(event.get("UID", "")), strict_fields(event)) for event in strict.events)
    for uid, one in wanted.items():
        if uid in known and one.event is not None:
            expected = carried.calendar(one, one.event)
            found += compared(place, one.id, expected, _shown_as(expected, known[uid]))
            mine = {key: expected[key] for key in ("title", "start", "end", "status", "url", "revision")}
            found += compared(Place(path, "icalendar/icalendar"), one.id, mine, counted.get(uid, {}))
    return tuple(found)


def cut(content: bytes, wanted: Container[str]) -> tuple[list[str], bytes]:
    """The UIDs of all events in order, and the calendar with the `wanted` ones alone.

    Raises:
        ValueError: it is not UTF-8, or an event in it does not end.
    """
    content.decode("utf-8")
    first, *rest = content.split(b"BEGIN:VEVENT\r\n")
    uids, parts = [], [first]
    for number, event in enumerate(rest):
        body, end, tail = event.partition(b"END:VEVENT\r\n")
        if not end:
            raise ValueError(f"event {number + 1} does not end")
        unfolded = body.replace(b"\r\n ", b"").replace(b"\r\n\t", b"")
        uid = next((line[4:] for line in unfolded.split(b"\r\n") if line.startswith(b"UID:")), b"")
        uids.append(uid.decode())
        if uids[-1] in wanted:
            parts += [b"BEGIN:VEVENT\r\n", body, end]
        parts.append(tail)
    return uids, b"".join(parts)


def parsed_strictly(content: bytes) -> Any:
    """The calendar as icalendar reads it.

    Raises:
        ValueError: it finds the least fault.
    """
    import icalendar

    try:
        calendar: Any = icalendar.Calendar.from_ical(content)
    except (ValueError, KeyError, IndexError) as error:
        raise ValueError(f"icalendar: {error}") from error
    for part in calendar.walk():
        missing = set(part.required) - set(part.keys())
        if part.errors or missing:
            raise ValueError(f"icalendar: {part.name}: {part.errors or f'without {sorted(missing)}'}")
    return calendar


def parsed(content: bytes) -> Calendar:
    """The calendar as vobject reads it.

    Raises:
        ValueError: it cannot be read, breaks RFC 5545, or uses a zone that it does not describe.
    """
    import vobject

    text = content.decode("utf-8")
    zones = _zones("".join(_ZONE.findall(text)))
    if undescribed := set(_ZONE_USED.findall(text)) - zones.keys():
        raise ValueError(f"the time zone {', '.join(sorted(undescribed))} is not described")
    for name, zone in zones.items():
        # vobject would take the zones of other calendars that it read, or of a table of its own.
        vobject.icalendar.registerTzid(name, zone)
    try:
        found = list(vobject.readComponents(_ZONE.sub("", text), validate=False))
        if len(found) == 1 and "vevent" in found[0].contents:
            found[0].validate(raiseException=True)
    except Exception as error:
        raise ValueError(f"vobject: {error}") from error
    if len(found) != 1 or found[0].name != "VCALENDAR":
        raise ValueError(f"{len(found)} components in the file, where one calendar should be")
    return Calendar(found[0], zones)


@lru_cache(64)
def _zones(described: str) -> Mapping[str, tzinfo]:
    """The zones in these VTIMEZONEs, by TZID. Most calendars of a site describe the same one."""
    from dateutil.tz import tzical

    if not described:
        return {}
    try:
        read = tzical(io.StringIO(described))
        return {name: read.get(name) for name in read.keys()}  # noqa: SIM118 - it is no mapping
    except Exception as error:
        raise ValueError(f"dateutil cannot read the time zones: {error}") from error


def event_fields(event: Any, zones: Mapping[str, tzinfo]) -> dict[str, Any]:
    """The fields of a VEVENT as vobject reads them, by the names of `limits`."""
    start, end = _moment(event, "dtstart", zones), _moment(event, "dtend", zones)
    geo = _value(event, "geo").split(";")
    return {
        "url": _value(event, "url"),
        "title": folded(_value(event, "summary")),
        "description": _value(event, "description"),
        "start": start,
        "end": end,
        "all_day": start is not None and not isinstance(start, datetime),
        "status": _value(event, "status"),
        "place": carried.place_words(_value(event, "location")),
        "geo": (float(geo[0]), float(geo[1])) if len(geo) == 2 else None,
        "categories": tuple(
            folded(part) for line in event.contents.get("categories", ()) for part in _parts(line.value)
        ),
        "updated": _moment(event, "last-modified", zones),
        "revision": int(_value(event, "sequence") or 0),
    }


def strict_fields(event: Any) -> dict[str, Any]:
    """A few fields of a VEVENT as icalendar reads them."""

    def moment(name: str) -> date | None:
        found = event.get(name)
        value = None if found is None else found.dt
        return utc(value) if isinstance(value, datetime) else value

    return {
        "title": folded(str(event.get("SUMMARY", ""))),
        "start": moment("DTSTART"),
        "end": moment("DTEND"),
        "status": str(event.get("STATUS", "")),
        "url": str(event.get("URL", "")),
        "revision": int(event.get("SEQUENCE", 0)),
    }


def frame_of(calendar: Calendar) -> dict[str, Any]:
    """Name and address of a calendar."""
    read = calendar.component
    return {"title": folded(_value(read, "name")), "links": _value(read, "source")}


def events_of(calendar: Calendar) -> list[tuple[str, dict[str, Any]]]:
    """UID and fields of each event."""
    return [(_value(event, "uid"), event_fields(event, calendar.zones)) for event in calendar.events]


def _frame(channel: Channel) -> dict[str, Any]:
    return {"title": folded(channel.title), "links": folded(channel.self_url(_FILENAME))}


def _shown_as(expected: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with DESCRIPTION taken for the summary and the reports where it tells them."""
    told = folded(found["description"])
    lines = [part for title, url in expected["reports"] for part in (title, url) if part]
    last = [folded(line) for line in found["description"].split("\n")]
    tells = not lines or last[len(last) - len(lines) :] == lines
    return {
        **found,
        "summary": expected["summary"] if expected["summary"] in told else told,
        "reports": expected["reports"] if tells else tuple(last[-max(1, len(lines)) :]),
    }


def _value(component: Any, name: str) -> str:
    lines = component.contents.get(name, ())
    return str(lines[0].value) if lines else ""


def _moment(event: Any, name: str, zones: Mapping[str, tzinfo]) -> date | None:
    lines = event.contents.get(name, ())
    if not lines:
        return None
    value: date = lines[0].value
    if not isinstance(value, datetime):
        return value
    stated = lines[0].params.get("X-VOBJ-ORIGINAL-TZID", ())
    zone = zones.get(stated[0]) if stated else None
    # Of a local time that occurs twice the first is meant (section 3.3.5), which is fold 0.
    local = value.replace(tzinfo=zone, fold=0) if zone is not None else value
    return utc(local) if local.tzinfo is not None else local


def _parts(value: Any) -> Iterator[str]:
    yield from value if isinstance(value, list) else [str(value)]
