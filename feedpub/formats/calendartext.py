"""Text as calendars hold it: clean, escaped, and an event's DESCRIPTION in the site's language."""

from __future__ import annotations

import re
from collections.abc import Iterable

from feedpub import dates
from feedpub.config import Site
from feedpub.formats import wording
from feedpub.formats.calendartime import Span
from feedpub.formats.properties import first, names, strings, without_illegal
from feedpub.models import JSON, Entry

# What one program or another takes for the end of a line; a bare one would end a property.
_BREAKS = re.compile("\r\n?|[\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")


class Text:
    """One or several TEXT values of a property, as RFC 5545 section 3.3.11 escapes them.

    icalendar's own `vText` takes the two characters of "\\N" for a line break, so that "C:\\New"
    would come back as two lines.
    """

    def __init__(self, *values: str) -> None:
        self._values = values

    def to_ical(self) -> bytes:
        """The values with commas between, not yet folded, in UTF-8."""
        return ",".join(map(_escaped, self._values)).encode()


def paragraphs(text: str) -> str:
    """Text without control characters, every kind of line break a line feed, blank ends cut off."""
    return _CONTROLS.sub("", without_illegal(_BREAKS.sub("\n", text))).strip()


def line(text: str) -> str:
    """The same on one line."""
    return paragraphs(text).replace("\n", " ")


def status_of(data: JSON) -> str:
    """The short schema.org name of an event's status ("EventPostponed"), or "" if none is stated."""
    return first(data.get("eventStatus")).rpartition("/")[2]


def description(entry: Entry, span: Span, site: Site, named: Iterable[str]) -> str:
    """What a subscriber should know and no other property says, or "".

    First what has changed (cancelled, postponed, a new date), then times that the calendar cannot
    hold, the event's own description, who takes part, and the articles that report it.

    Args:
        entry: the event.
        span: its time as the calendar says it.
        site: for the language of our own words and for the zone.
        named: the organisers whom another property names already.
    """
    words = wording.known(site.language)
    phrases = wording.PHRASES[words]
    if entry.withdrawn_at is not None:
        day = entry.withdrawn_at.astimezone(dates.zone(site.timezone)).date().isoformat()
        return phrases["event_withdrawn"].format(date=wording.date_text(day, words))
    data = entry.data
    told = [_change(data, words)]
    if span.unsaid is not None:
        told.append(phrases["event_time"].format(date=wording.range_text(*span.unsaid, words)))
    if doors := first(data.get("doorTime")):
        told.append(phrases["doors"].format(date=wording.date_text(doors, words)))
    people = [
        _people(phrases["organised_by"], [name for name in names(data.get("organizer")) if name not in named], words),
        _people(phrases["performing"], names(data.get("performer")), words),
        _people(phrases["taking_part"], names(data.get("attendee")), words),
    ]  # fmt: skip
    parts = [_lines(told), paragraphs(first(data.get("description"))), _lines(people), _reports(entry, words)]
    return "\n\n".join(part for part in parts if part)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _lines(told: Iterable[str]) -> str:
    return "\n".join(filter(None, map(line, told)))


def _change(data: JSON, words: str) -> str:
    """ "New date (formerly 28 September 2025)"; "" for an event that takes place as planned."""
    phrases = wording.PHRASES[words]
    status = status_of(data)
    changed = phrases.get(status, "") if status.startswith("Event") else ""
    earlier = [wording.date_text(value, words) for value in strings(data.get("previousStartDate"))]
    if not earlier:
        return changed
    formerly = phrases["formerly"].format(date="; ".join(earlier))
    return f"{changed} ({formerly})" if changed else formerly[:1].upper() + formerly[1:]


def _people(phrase: str, found: list[str], words: str) -> str:
    listed = wording.listing([name for name in map(line, found) if name], wording.PHRASES[words]["and"])
    return phrase.format(names="".join(before + name for name, before in listed)) if listed else ""


def _reports(entry: Entry, words: str) -> str:
    told = [part for report in entry.reports for part in (line(report.title), line(report.url)) if part]
    return "\n".join([wording.PHRASES[words]["reported_in"], *told]) if told else ""
