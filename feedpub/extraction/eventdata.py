"""Events that a person writes down as data: `type: event` in front matter, or `events:` of an article."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from feedpub import dates, urls
from feedpub.extraction import agents, metadata
from feedpub.models import Address, Agent, EventMention, Offer, Origin, Place, Problem, When

_TYPES = """
Event BusinessEvent ChildrensEvent ComedyEvent ConferenceEvent CourseInstance DanceEvent DeliveryEvent
EducationEvent EventSeries ExhibitionEvent Festival FoodEvent Hackathon LiteraryEvent MusicEvent
PublicationEvent BroadcastEvent OnDemandEvent SaleEvent ScreeningEvent SocialEvent SportsEvent TheaterEvent
VisualArtsEvent
"""
EVENT_TYPES = {name.lower(): name for name in _TYPES.split()}
"""schema.org's Event and its subtypes (https://schema.org/Event), by lower-case name."""

_KEYS = {
    "name": "name title",
    "time": "time starttime uhrzeit",
    "start": "start startdate begin begins from beginn début inicio date",
    "end": "end enddate ends until to ende fin",
    "door_time": "doors doortime dooropen einlass",
    "previous_start": "previousstart previousstartdate",
    "place": "place location locations venue ort lieu lugar",
    "address": "address adresse",
    "organizers": "organiser organizer organisers organizers organisedby veranstalter host",
    "performers": "performer performers artist artists speaker speakers",
    "attendees": "attendee attendees",
    "status": "status eventstatus",
    "mode": "mode attendancemode eventattendancemode attendance",
    "price": "price",
    "currency": "currency pricecurrency",
    "tickets": "tickets ticketurl",
    "offers": "offers offer",
    "url": "url canonicalurl link",
    "description": "description summary",
    "images": "image images cover",
    "id": "id guid uuid",
    "super_event": "superevent series partof",
    "sub_events": "subevent subevents",
    "timezone": "timezone tz zone",
    "same_as": "sameas",
    "type": "type",
}
_FIELDS = {alias: name for name, text in _KEYS.items() for alias in text.split()}
_STATUS = {
    "EventScheduled": "scheduled confirmed planned asplanned geplant prévu programado",
    "EventCancelled": "cancelled canceled abgesagt annulé annulée cancelado cancelada annullato",
    "EventPostponed": "postponed verschoben reporté reportée aplazado aplazada rinviato",
    "EventRescheduled": "rescheduled neuangesetzt reprogrammé reprogramado",
    "EventMovedOnline": "movedonline online",
}
_STATUSES = {word: name for name, text in _STATUS.items() for word in text.split()}
_STATUSES |= {name.lower(): name for name in _STATUS}
_MODES = {
    "online": "Online",
    "virtual": "Online",
    "offline": "Offline",
    "onsite": "Offline",
    "inperson": "Offline",
}
_MODES |= {"mixed": "Mixed", "hybrid": "Mixed"}
_MAX_DEPTH = 4
_PRICE = re.compile(
    r"(?:(?P<before>[A-Z]{3}|[€£]) ?)?(?P<n>[0-9]{1,9})(?:[.,](?P<f>[0-9]{1,2}))?"
    r"(?: ?(?P<after>[A-Z]{3}|[€£]))?\Z"
)
_SIGNS = {"€": "EUR", "£": "GBP"}
_FREE = frozenset(("free", "gratis", "kostenlos", "gratuit", "frei", "eintritt frei", "entrée libre"))


def read(
    items: Iterable[metadata.Item],
    text: str,
    dayfirst: bool | None,
    problems: list[Problem],
    *,
    main: bool,
    tie: str = "",
    depth: int = 0,
) -> tuple[EventMention, ...]:
    """The event that `items` state and, after it, those around and within it that have a start of their own.

    `tie` is the key under which an article names it, "" for none.

    Returns: No event if it has no name; that is a problem, appended like all others.
    """
    values: dict[str, metadata.Item] = {}
    extra: list[str] = []
    for item in items:
        name = _FIELDS.get(item.name)
        # A number under `attendance` counts heads; only a word is a mode.
        if name is None or (item.name == "attendance" and _word_of(item) not in _MODES):
            if item.name not in metadata.LAYOUT:
                extra.append(item.key)
        elif item.value not in (None, "", [], {}):
            values.setdefault(name, item)
    title = values.get("name")
    if title is None or not metadata.plain(title.value):
        problems.append(
            Problem(
                rule="event-without-name",
                message="An event has no name.",
                remedy="Give it a `name` (or `title`).",
                line=next((item.line for item in values.values()), None),
            )
        )
        return ()
    event = _build(values, text, dayfirst, problems, main)
    origins = {**event.origins, "main": Origin("metadata", tie)} if tie else event.origins
    found = [replace(event, extra=tuple(extra), origins=origins)]
    for name in ("super_event", "sub_events") if depth < _MAX_DEPTH else ():
        for near in _each(values.get(name)):
            if isinstance(near, Mapping):
                parts = [metadata.Item(str(key), value, values[name].line) for key, value in near.items()]
                if any(_FIELDS.get(part.name) == "start" for part in parts):
                    found += read(parts, text, dayfirst, problems, main=False, tie=tie, depth=depth + 1)
    return tuple(found)


def from_value(
    item: metadata.Item, text: str, dayfirst: bool | None, problems: list[Problem]
) -> tuple[EventMention, ...]:
    """The events in an article's `events:` or `event:`; the first of them is what the article is about."""
    found: list[EventMention] = []
    for one in item.value if isinstance(item.value, list) else [item.value]:
        if not isinstance(one, Mapping):
            problems.append(
                Problem(
                    rule="event-without-data",
                    message=f"“{item.key}” holds something that is not an event: {str(one)[:80]}",
                    remedy="Write each event as a mapping with name, start and place.",
                    line=item.line,
                    column=item.column,
                )
            )
            continue
        parts = [metadata.Item(str(key), value, item.line) for key, value in one.items()]
        found += read(parts, text, dayfirst, problems, main=False, tie=item.key)
    return tuple(found)


def _build(
    values: dict[str, metadata.Item], text: str, dayfirst: bool | None, problems: list[Problem], main: bool
) -> EventMention:
    zone = _zone(values.get("timezone"), problems)

    def zoned(stated: When | None) -> When | None:
        if stated is None or zone is None or not stated.has_time or stated.has_offset:
            return stated
        problems.extend(metadata.skipped_time(stated, zone, values["timezone"].line))
        return replace(dates.with_zone(stated, zone), zone=zone)

    def when(name: str) -> When | None:
        item = values.get(name)
        return zoned(metadata.date_of(item, dayfirst, problems)) if item else None

    def on_the_day(name: str) -> When | None:
        item = values[name]
        found = dates.on_day(start, str(item.value)) if start else None
        if found is None:
            problems.append(
                Problem(
                    rule="event-time",
                    message=f"“{item.key}: {str(item.value)[:60]}” was left out: the day that it belongs to "
                    "is not stated, or it is no time of day.",
                    remedy="Write a time such as 17:30 and the day of the start, or both in one: 2025-09-02T17:30.",
                    severity="advice",
                    line=item.line,
                    column=item.column,
                    value=repr(str(item.value)[:60]),
                )
            )
        return zoned(found)

    start = when("start")
    if "time" in values and not (start and start.has_time):
        start = on_the_day("time") or start
    door = values.get("door_time")
    has_clock = door is not None and dates.is_clock(str(door.value))

    def plain(name: str) -> str | None:
        return metadata.plain(values[name].value) or None if name in values else None

    def people(name: str) -> tuple[Agent, ...]:
        return agents.authors(values[name].value) if name in values else ()

    url = plain("url")
    mode = _word(values.get("mode"), _MODES, problems, "online, offline or mixed")
    address = _address(values["address"].value) if "address" in values else None
    places = values["place"].value if "place" in values else None
    locations = [p for v in (places if isinstance(places, list) else [places]) if (p := place(v)) is not None]
    if address is not None:
        first = locations[0] if locations else Place()
        locations[:1] = [replace(first, address=first.address or address)]
    organisers = values.get("organizers")
    fields: dict[str, Any] = {
        "id": plain("id"),
        "url": url if url and urls.is_http_url(url) else None,
        "start": start,
        "end": when("end"),
        "door_time": on_the_day("door_time") if has_clock else when("door_time"),
        "previous_start": when("previous_start"),
        "status": _word(
            values.get("status"), _STATUSES, problems, "scheduled, cancelled, postponed or rescheduled"
        ),
        "attendance_mode": f"{mode}EventAttendanceMode" if mode else None,
        "description": plain("description"),
        "locations": tuple(locations),
        "organizers": tuple(_organisers(organisers.value)) if organisers else (),
        "performers": people("performers"),
        "attendees": people("attendees"),
        "offers": tuple(_offers(values, dayfirst, problems)),
        "images": tuple(metadata.images_of(values["images"], problems)) if "images" in values else (),
        "super_event": next(iter(_references(values.get("super_event"))), None),
        "sub_events": tuple(_references(values.get("sub_events"))),
    }
    same = values["same_as"].value if "same_as" in values else ()
    fields["same_as"] = tuple(
        v for v in (same if isinstance(same, list) else [same]) if isinstance(v, str) and urls.is_http_url(v)
    )
    stated_type = metadata.plain(values["type"].value).rsplit("/", 1)[-1].lower() if "type" in values else ""
    origins: dict[str, Origin] = {"name": metadata.origin_of(values["name"], text)}
    sources: dict[str, tuple[str, ...]] = {
        "attendance_mode": ("mode",),
        "locations": ("place", "address"),
        "offers": ("offers", "price", "tickets"),
    }
    for name, value in fields.items():
        item = next((values[key] for key in sources.get(name, (name,)) if key in values), None)
        if value and item is not None:
            origins[name] = metadata.origin_of(item, text)
    return EventMention(
        name=metadata.plain(values["name"].value),
        type=EVENT_TYPES.get(stated_type, "Event"),
        main=main,
        origins=origins,
        **{name: value for name, value in fields.items() if value},
    )


def _each(item: metadata.Item | None) -> list[object]:
    if item is None:
        return []
    return item.value if isinstance(item.value, list) else [item.value]


def _references(item: metadata.Item | None) -> Iterable[str]:
    """How other events are pointed to: by id where they have one, else by name."""
    for one in _each(item):
        get = {metadata.normal(str(k)): v for k, v in one.items()} if isinstance(one, Mapping) else {}
        given = (get.get("id"), get.get("name"), get.get("title")) if get else (one,)
        yield from [text for value in given if (text := metadata.plain(value))][:1]


def place(value: object) -> Place | None:
    """A place given by name, by nothing but an address on the net (then it is virtual), or as a mapping."""
    if not isinstance(value, Mapping):
        name = metadata.plain(value)
        if urls.is_http_url(name):
            return Place(type="VirtualLocation", url=name)
        return Place(name=name) if name else None
    get = {metadata.normal(str(k)): v for k, v in value.items()}
    url = metadata.plain(get.get("url"))
    address = _address(get["address"]) if get.get("address") else _address(get)
    stated = metadata.plain(get.get("type"))
    geo = (
        {metadata.normal(str(k)): v for k, v in get["geo"].items()}
        if isinstance(get.get("geo"), Mapping)
        else get
    )
    found = Place(
        name=metadata.plain(get.get("name")) or None,
        url=url if urls.is_http_url(url) else None,
        address=address,
        latitude=_degrees(geo.get("latitude", geo.get("lat")), 90),
        longitude=_degrees(geo.get("longitude", geo.get("lon", geo.get("lng"))), 180),
    )
    if stated == "VirtualLocation" or (not stated and found == Place(url=found.url)):
        return Place(found.name, "VirtualLocation", url=found.url) if found.url else None
    return found if found.name or found.address or found.url else None


def _address(value: object) -> Address | str | None:
    if not isinstance(value, Mapping):
        return metadata.plain(value) or None
    get = {metadata.normal(str(k)): v for k, v in value.items()}

    def first(*keys: str) -> str | None:
        return next((text for key in keys if (text := metadata.plain(get.get(key)))), None)

    found = Address(
        street=first("streetaddress", "street"),
        locality=first("addresslocality", "locality", "city", "town"),
        region=first("addressregion", "region", "state"),
        postal_code=first("postalcode", "postcode", "zip"),
        country=first("addresscountry", "country"),
    )
    return found if found != Address() else None


def _degrees(value: object, limit: int) -> float | None:
    try:
        number = float(metadata.plain(value))
    except ValueError:
        return None
    return number if -limit <= number <= limit else None


def _organisers(value: object) -> Iterable[Agent]:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str) and agents.looks_like_name(one) and len(one.split()) == 2:
            # Two capitalised words may be a person or a band; only a mapping can say which.
            yield Agent(metadata.plain(one), "Organization")
        elif (found := agents.organisation(one)) is not None:
            yield found


def _word(
    item: metadata.Item | None, words: Mapping[str, str], problems: list[Problem], expected: str
) -> str | None:
    if item is None:
        return None
    stated = metadata.plain(item.value)
    found = words.get(_word_of(item))
    if found is None:
        problems.append(
            Problem(
                rule="event-word",
                message=f"“{item.key}: {stated[:60]}” is not understood.",
                remedy=f"Write {expected}.",
                line=item.line,
                column=item.column,
                value=repr(stated[:60]),
            )
        )
    return found


def _word_of(item: metadata.Item) -> str:
    """A word of an event's status or mode in the form in which words are compared, its address left out."""
    short = metadata.plain(item.value).rsplit("/", 1)[-1].removesuffix("EventAttendanceMode")
    return metadata.normal(short)


def _zone(item: metadata.Item | None, problems: list[Problem]) -> str | None:
    if item is None:
        return None
    name = metadata.plain(item.value)
    if dates.zone(name) is None:
        problems.append(
            Problem(
                rule="timezone-unknown",
                message=f"“{name[:60]}” is not a time zone.",
                remedy="Write an IANA name such as Europe/Berlin.",
                line=item.line,
                column=item.column,
                value=repr(name[:60]),
            )
        )
        return None
    return name


def _offers(
    values: Mapping[str, metadata.Item], dayfirst: bool | None, problems: list[Problem]
) -> Iterable[Offer]:
    given = values["offers"].value if "offers" in values else []
    for one in given if isinstance(given, list) else [given]:
        if isinstance(one, Mapping):
            yield from _offer(
                {metadata.normal(str(k)): v for k, v in one.items()}, values["offers"], dayfirst, problems
            )
        else:
            yield from _offer({"price": one}, values["offers"], dayfirst, problems)
    if "price" in values or "tickets" in values:
        flat = {
            "price": values["price"].value if "price" in values else None,
            "pricecurrency": values["currency"].value if "currency" in values else None,
            "url": values["tickets"].value if "tickets" in values else None,
        }
        yield from _offer(
            flat, values.get("price", values.get("tickets", next(iter(values.values())))), dayfirst, problems
        )


def _offer(
    get: Mapping[str, Any], item: metadata.Item, dayfirst: bool | None, problems: list[Problem]
) -> Iterable[Offer]:
    currency = metadata.plain(get.get("pricecurrency") or get.get("currency")).upper() or None
    prices: dict[str, str | None] = {}
    for key in ("price", "lowprice", "highprice"):
        prices[key], sign = _price(metadata.plain(get.get(key)), item, problems)
        currency = currency or sign
    count = metadata.plain(get.get("offercount"))
    url = metadata.plain(get.get("url"))
    valid = get.get("validfrom")
    found = Offer(
        url=url if urls.is_http_url(url) else None,
        price=prices["price"],
        low_price=prices["lowprice"],
        high_price=prices["highprice"],
        count=int(count) if re.fullmatch(r"[0-9]{1,9}", count) else None,
        currency=currency if currency and re.fullmatch(r"[A-Z]{3}", currency) else None,
        availability=metadata.plain(get.get("availability")).rsplit("/", 1)[-1] or None,
        name=metadata.plain(get.get("name")) or None,
        valid_from=metadata.date_of(metadata.Item("valid_from", valid, item.line), dayfirst, problems)
        if valid
        else None,
    )
    if not found.is_empty:
        yield found


def _price(stated: str, item: metadata.Item, problems: list[Problem]) -> tuple[str | None, str | None]:
    """A price as a decimal number and the currency that stands with it, each None if it is not there."""
    match = _PRICE.match(stated)
    if stated.lower() in _FREE:
        return "0", None
    if match:
        sign = match["before"] or match["after"]
        return match["n"] + (f".{match['f']}" if match["f"] else ""), _SIGNS.get(sign, sign)
    if stated:
        problems.append(
            Problem(
                rule="event-price",
                message=f"“{stated[:60]}” is not a price.",
                remedy="Write a number such as 12.50, and the currency as `currency: EUR`.",
                severity="advice",
                line=item.line,
                value=repr(stated[:60]),
            )
        )
    return None, None
