"""One event as a VEVENT, RFC 5545 section 3.6.1 with RFC 7986.

A newsroom reports events; it neither holds them nor invites anybody. So nobody becomes an ATTENDEE,
and an organiser an ORGANIZER only with an address that the record states: programs send mail to both.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from feedpub.config import Site
from feedpub.formats.calendartext import Text, description, line, status_of
from feedpub.formats.calendartime import Span
from feedpub.formats.properties import first, headline, listed, nodes, strings
from feedpub.models import JSON, Entry
from feedpub.urls import absolute

_UNKNOWN = datetime.fromtimestamp(0, UTC)
"""The stamp of an event whose input states no time: every event must have one (RFC 5545 section 3.6.1)."""

_STATUSES = {
    "EventScheduled": "CONFIRMED",
    "EventRescheduled": "CONFIRMED",
    "EventMovedOnline": "CONFIRMED",
    # It is still to come, so not cancelled, but hardly on the day that stands there.
    "EventPostponed": "TENTATIVE",
    "EventCancelled": "CANCELLED",
}
_ADDRESS = ("streetAddress", "addressLocality", "addressRegion", "postalCode", "addressCountry")
_MAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", re.ASCII)
_MEDIA_TYPE = re.compile(r"image/[\w.+-]+", re.ASCII)
_IN_PARAMETER = re.compile(r'[\\^"]')


def vevent(entry: Entry, span: Span, site: Site) -> bytes:
    """The component. `span` is the event's time; equal values give equal bytes."""
    from icalendar import Event

    data = entry.data
    event = Event()
    event.add("UID", Text(uid_of(entry.id)), encode=False)
    event.add("SEQUENCE", entry.revision)
    changed_at = entry.withdrawn_at or entry.updated_at
    # Without METHOD, RFC 5545 section 3.8.7.2 makes DTSTAMP the time of the last change too.
    for name, moment in (
        ("DTSTAMP", changed_at),
        ("LAST-MODIFIED", changed_at),
        ("CREATED", entry.first_seen_at),
    ):
        if moment is not None or name == "DTSTAMP":
            event.add(name, (moment or _UNKNOWN).astimezone(UTC))
    event.add("DTSTART", _time(span.start, span.zone), encode=False)
    if span.end is not None:
        event.add("DTEND", _time(span.end, span.zone), encode=False)
    status = "CANCELLED" if entry.withdrawn_at else _STATUSES.get(status_of(data))
    if span.all_day or status in ("CANCELLED", "TENTATIVE"):
        event.add("TRANSP", "TRANSPARENT")
    organisers = {} if entry.withdrawn_at else _organisers(data)
    for name, mail in organisers.items():
        _add_organiser(event, name, mail)
        break  # there can be only one
    for key, text in (
        ("STATUS", status or ""),
        ("SUMMARY", line(headline(data))),
        ("LOCATION", _location(data)),
        ("DESCRIPTION", description(entry, span, site, list(organisers)[:1])),
    ):
        if text:
            event.add(key, Text(text), encode=False)
    if categories := _categories(data):
        event.add("CATEGORIES", Text(*categories), encode=False)
    if geo := _geo(data):
        event.add("GEO", geo)
    _add_addresses(event, entry)
    written: bytes = event.to_ical()
    return written


def uid_of(identifier: str) -> str:
    """An event's UID: the UUID of a `urn:uuid:`, else one of version 5 made of the id.

    RFC 7986 section 5.3 asks for a UUID, and for no UID with a host name in it, as web addresses have.
    """
    scheme, bare = identifier[:9].lower(), identifier[9:]
    if scheme == "urn:uuid:":
        try:
            return str(uuid.UUID(bare))
        except ValueError:
            pass
    return str(uuid.uuid5(uuid.NAMESPACE_URL, identifier.encode("utf-8", "replace").decode()))


def _time(value: date, zone: str | None) -> Any:
    from icalendar import vDate, vDatetime

    if not isinstance(value, datetime):
        return vDate(value, params={"VALUE": "DATE"})
    if zone is None:
        return vDatetime(value)
    written = vDatetime(value.replace(tzinfo=None))
    written.params["TZID"] = zone  # not in the call: a datetime without tzinfo would take it away again
    return written


def _location(data: JSON) -> str:
    """The places with their addresses; where there are none, the addresses on the net."""
    virtual, physical = [], []
    for place in listed(data.get("location")):
        if not isinstance(place, Mapping):
            physical.append(place if isinstance(place, str) else "")
            continue
        address = place.get("address")
        parts = [place.get("name")]
        if place.get("@type") == "VirtualLocation":
            virtual.append(", ".join(strings([*parts, place.get("url")])))
            continue
        parts += [address.get(key) for key in _ADDRESS] if isinstance(address, Mapping) else [address]
        physical.append(", ".join(strings(parts)))
    return " / ".join(dict.fromkeys(filter(None, map(line, strings(physical) or virtual))))


def _geo(data: JSON) -> tuple[float, float] | None:
    for place in nodes(data.get("location")):
        geo = place.get("geo")
        if isinstance(geo, Mapping):
            latitude, longitude = _degrees(geo.get("latitude"), 90), _degrees(geo.get("longitude"), 180)
            if latitude is not None and longitude is not None:
                return latitude, longitude
    return None


def _degrees(value: object, limit: int) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -limit <= value <= limit:
        return None
    # Six decimals, as RFC 5545 has it; Python would write what is smaller than this with an exponent.
    return round(float(value), 6) if abs(value) >= 0.0001 else 0.0


def _categories(data: JSON) -> list[str]:
    kinds = [kind for kind in strings(data.get("@type")) if kind != "Event"]
    found = [*kinds, *strings(data.get("keywords"))]
    return list(dict.fromkeys(filter(None, map(line, found))))


def _organisers(data: JSON) -> dict[str, str]:
    """The organisers who can be reached by mail: name → address."""
    found: dict[str, str] = {}
    for node in nodes(data.get("organizer")):
        name, mail = first(node.get("name")), first(node.get("email")).removeprefix("mailto:")
        if name and _MAIL.fullmatch(mail):
            found.setdefault(name, mail)
    return found


def _add_organiser(event: Any, name: str, mail: str) -> None:
    from icalendar import vCalAddress

    # Programs differ on how these are read inside a parameter (RFC 6868).
    shown = _IN_PARAMETER.sub("", line(name))
    event.add("ORGANIZER", vCalAddress(f"mailto:{mail}", params={"CN": shown} if shown else {}))


def _add_addresses(event: Any, entry: Entry) -> None:
    from icalendar import vUri

    data = entry.data
    # The articles of a withdrawn event are gone, and so may its own page be.
    ours = [] if entry.withdrawn_at else [*(report.url for report in entry.reports), entry.url]
    candidates = [first(data.get("url")), *ours]
    if page := next(filter(None, (absolute(None, url) for url in candidates)), None):
        event.add("URL", vUri(page))
    for place in nodes(data.get("location")):
        if place.get("@type") == "VirtualLocation" and (url := absolute(None, first(place.get("url")))):
            event.add("CONFERENCE", vUri(url, params={"VALUE": "URI"}))
    for image in nodes(data.get("image")):
        if url := absolute(None, first(image.get("url"))):
            parameters = {"VALUE": "URI", "DISPLAY": "FULLSIZE"}
            kind = first(image.get("encodingFormat"))
            if _MEDIA_TYPE.fullmatch(kind):
                parameters["FMTTYPE"] = kind
            event.add("IMAGE", vUri(url, params=parameters))
            break
