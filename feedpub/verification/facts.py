"""What must be read back of one entry, whichever format it was written in.

Taken from the entry and its schema.org record alone, by code of its own: a mistake that a format
makes in reading a record is not made here as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from feedpub.models import JSON, Entry
from feedpub.urls import absolute
from feedpub.verification.spans import span
from feedpub.verification.texts import cleaned, folded, text_of, utc

_ADDRESS = ("streetAddress", "addressLocality", "addressRegion", "postalCode", "addressCountry")


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote an article. `url` and `email` are "" where the record states none."""

    name: str
    url: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that belongs to an article. `length` in bytes, None where unknown; `type` "" likewise."""

    url: str
    type: str
    length: int | None


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What is known of an event besides its name and address.

    `start` and `end` are dates (`end` the day after the last) or instants in UTC, as a calendar can
    say them; both None where the start is not known to the day. `status` is the last part of
    eventStatus. `places` are the places' names and addresses in parts, those on the net where there
    is no other. `geo` is latitude and longitude in degrees. `reports` are titles and addresses of
    the articles that report it. `kinds` are its types other than Event.
    """

    start: date | None
    end: date | None
    all_day: bool
    status: str
    places: tuple[tuple[str, ...], ...]
    geo: tuple[float, float] | None
    website: str
    reports: tuple[tuple[str, str], ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What one entry says. Texts are folded; times are in UTC and whole seconds; "" and () say nothing.

    `html` is the body, `body` the record's articleBody. `published` is the instant that feeds tell, None
    where no day is stated; `stated` are datePublished and dateModified as the record has them. `events`
    are the ids of the events that an article reports; `event` is None for articles. `withdrawn` is set on tombstones, of which
    nothing else but `id` is told (an event's also keeps name, time and place).
    """

    id: str
    url: str
    title: str
    summary: str
    published: datetime | None
    updated: datetime | None
    authors: tuple[Author, ...]
    html: str
    body: str
    sections: tuple[str, ...]
    keywords: tuple[str, ...]
    language: str
    enclosures: tuple[Enclosure, ...]
    withdrawn: datetime | None
    revision: int
    record_url: str
    stated: tuple[str, str]
    events: tuple[str, ...]
    event: EventFacts | None = None

    @property
    def text(self) -> str:
        """What readers see of the body."""
        return text_of(self.html)

    @property
    def categories(self) -> tuple[str, ...]:
        """Sections, then keywords, each once."""
        return tuple(dict.fromkeys(self.sections + self.keywords))


def is_dated(data: JSON) -> bool:
    """Whether a calendar can hold the event: whether its start is known to the day."""
    return span(_said(data.get("startDate")), "")[0] is not None


def facts_of(entry: Entry) -> Facts:
    """The facts of one entry."""
    data = entry.data
    return Facts(
        id=cleaned(entry.id),
        url=cleaned(entry.url),
        title=folded(_said(data.get("headline")) or _said(data.get("name"))),
        summary=folded(_said(data.get("description"))),
        published=utc(entry.published_at),
        updated=utc(entry.updated_at),
        authors=_authors(data.get("author")),
        html=folded(entry.html),
        body=folded(_said(data.get("articleBody"))),
        sections=_distinct(_all(data.get("articleSection"))),
        keywords=_distinct(_all(data.get("keywords"))),
        language=folded(_said(data.get("inLanguage"))),
        enclosures=tuple(
            Enclosure(cleaned(m.url), cleaned(m.media_type or ""), m.length) for m in entry.media
        ),
        withdrawn=utc(entry.withdrawn_at),
        revision=entry.revision,
        record_url=cleaned(entry.record_url),
        stated=(folded(_said(data.get("datePublished"))), folded(_said(data.get("dateModified")))),
        events=tuple(cleaned(_said(event.get("@id"))) for event in entry.events),
        event=_event(entry) if entry.is_event or "startDate" in data or "location" in data else None,
    )


def _event(entry: Entry) -> EventFacts:
    data = entry.data
    start, end = span(_said(data.get("startDate")), _said(data.get("endDate")))
    withdrawn = entry.withdrawn_at is not None
    reports = () if withdrawn else entry.reports
    addresses = [_said(data.get("url")), *(link.url for link in reports), "" if withdrawn else entry.url]
    return EventFacts(
        start=start,
        end=end,
        all_day=start is not None and not isinstance(start, datetime),
        status=_said(data.get("eventStatus")).rpartition("/")[2],
        places=_places(data.get("location")),
        geo=_geo(data.get("location")),
        website=next((found for url in addresses if (found := absolute(None, url))), ""),
        reports=tuple((folded(link.title), folded(link.url)) for link in reports),
        kinds=_distinct(kind for kind in _all(data.get("@type")) if kind != "Event"),
    )


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return [*value] if isinstance(value, list | tuple) else [value]


def _all(value: object) -> list[str]:
    return [text for text in _listed(value) if isinstance(text, str) and text.strip()]


def _said(value: object) -> str:
    return next(iter(_all(value)), "")


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(folded, texts))))


def _authors(value: object) -> tuple[Author, ...]:
    found = []
    for agent in _listed(value):
        node: JSON = agent if isinstance(agent, Mapping) else {"name": agent}
        name = folded(_said(node.get("name")))
        mail = cleaned(_said(node.get("email"))).removeprefix("mailto:")
        found.append(Author(name, cleaned(_said(node.get("url"))), mail))
    return tuple(dict.fromkeys(author for author in found if author.name or author.url))


def _places(value: object) -> tuple[tuple[str, ...], ...]:
    real, virtual = [], []
    for place in _listed(value):
        node: JSON = place if isinstance(place, Mapping) else {"name": place}
        address = node.get("address")
        inner = [address.get(key) for key in _ADDRESS] if isinstance(address, Mapping) else [address]
        if node.get("@type") == "VirtualLocation":
            virtual.append(_distinct(_all([node.get("name"), node.get("url")])))
        else:
            real.append(_distinct(_all([node.get("name"), *inner])))
    return tuple(dict.fromkeys(filter(None, real))) or tuple(dict.fromkeys(filter(None, virtual)))


def _geo(value: object) -> tuple[float, float] | None:
    for place in _listed(value):
        point = place.get("geo") if isinstance(place, Mapping) else None
        if isinstance(point, Mapping):
            latitude, longitude = point.get("latitude"), point.get("longitude")
            if _degrees(latitude, 90) and _degrees(longitude, 180):
                return float(latitude), float(longitude)  # type: ignore[arg-type]
    return None


def _degrees(value: object, limit: int) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= limit
