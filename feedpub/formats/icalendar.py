"""iCalendar: the events that a feed reports, as a calendar to subscribe to, and one event as a file.

RFC 5545 with the properties of RFC 7986, written through the package `icalendar`. There is no
METHOD: RFC 5546 section 3.2.1 has PUBLISH name an ORGANIZER with an address in every event, which
reports seldom state, and without METHOD programs take a calendar for what it is, data and no request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, timedelta
from typing import Any, Literal

from feedpub.config import Site
from feedpub.formats.calendartext import Text, line, paragraphs
from feedpub.formats.calendartime import FIRST_LOCAL_YEAR, span_of
from feedpub.models import JSON, Channel, Entry

PRODUCT = "-//feedpub//feedpub//EN"
"""PRODID, without our version: a new one would change every calendar's bytes and tell readers nothing."""

_END = b"END:VCALENDAR"


class CalendarFormat:
    """A calendar of the events known to the day; whatever is cancelled or withdrawn stays, marked CANCELLED."""

    name = "icalendar"
    filename = "events.ics"
    media_type = "text/calendar"
    version = "2"
    items: Literal["articles", "records", "events"] = "events"
    tombstones = True
    paged = False

    def __init__(self, site: Site) -> None:
        self._site = site

    def render(self, entry: Entry) -> bytes:
        """One VEVENT, or b"" for an event that does not fit into a calendar.

        Before it stands a line for `assemble`: the time zone that it uses and the year of its start
        there ("Europe/Berlin 2025"), or nothing.
        """
        from feedpub.formats.calendarevent import vevent

        span = span_of(entry.data, self._site.timezone)
        if span is None:
            return b""
        zone = f"{span.zone} {span.start.year}" if span.zone else ""
        return zone.encode() + b"\n" + vevent(entry, span, self._site)

    def assemble(self, channel: Channel, entries: Iterable[bytes]) -> Iterator[bytes]:
        """The calendar as chunks. Holds the events in memory, as what they use of time zones stands first."""
        yield from _calendar(_head(channel, self.filename), entries)


def fits(data: JSON) -> bool:
    """Whether a calendar can hold the event with this record: whether its start is known to the day."""
    return span_of(data, "UTC") is not None


def event_document(entry: Entry, site: Site) -> bytes:
    """A whole calendar with that one event, to be opened or imported; b"" if it does not fit into one."""
    rendered = CalendarFormat(site).render(entry)
    return b"".join(_calendar(_bare(), [rendered])) if rendered else b""


def _calendar(head: Any, entries: Iterable[bytes]) -> Iterator[bytes]:
    from feedpub.formats.calendarzone import vtimezone

    zones: dict[str, int] = {}
    events = []
    for entry in entries:
        zone, _, event = entry.partition(b"\n")
        if zone:
            name, _, year = zone.decode().rpartition(" ")
            zones[name] = min(int(year), zones.get(name, int(year)))
        if event:
            events.append(event)
    if not events:
        # RFC 5545 section 3.6 has no calendar without any component.
        zones["UTC"] = FIRST_LOCAL_YEAR
    frame: bytes = head.to_ical()
    end = frame.rindex(_END)
    yield frame[:end]
    for name, first_year in sorted(zones.items()):
        yield vtimezone(name, first_year)
    yield from events
    yield frame[end:]


def _bare() -> Any:
    from icalendar import Calendar

    calendar = Calendar()
    for name, value in (("VERSION", "2.0"), ("PRODID", PRODUCT), ("CALSCALE", "GREGORIAN")):
        calendar.add(name, Text(value), encode=False)
    return calendar


def _head(channel: Channel, filename: str) -> Any:
    from icalendar import vDuration, vUri

    calendar = _bare()
    # No UID here, though RFC 7986 section 5.3 allows one: vdirsyncer takes it for that of every event, and keeps
    # one event of them all. Programs older than RFC 7986 know the names with X-.
    for names, text in (
        (("NAME", "X-WR-CALNAME"), line(channel.title)),
        (("DESCRIPTION", "X-WR-CALDESC"), paragraphs(channel.description)),
    ):
        for name in names if text else ():
            calendar.add(name, Text(text), encode=False)
    calendar.add("URL", vUri(line(channel.home_url)))
    calendar.add("SOURCE", vUri(line(channel.self_url(filename)), params={"VALUE": "URI"}))
    if channel.ttl_minutes > 0:
        every = timedelta(minutes=channel.ttl_minutes)
        calendar.add("REFRESH-INTERVAL", vDuration(every, params={"VALUE": "DURATION"}))
        calendar.add("X-PUBLISHED-TTL", vDuration(every), encode=False)
    if channel.updated_at is not None:
        calendar.add("LAST-MODIFIED", channel.updated_at.astimezone(UTC))
    return calendar
