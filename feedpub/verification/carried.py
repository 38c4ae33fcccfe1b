"""Facts as each format can carry them: what `limits` says in words, as values to compare with."""

from __future__ import annotations

import re
import uuid
from typing import Any

from feedpub.urls import is_absolute_iri
from feedpub.verification.facts import Author, Enclosure, EventFacts, Facts
from feedpub.verification.texts import folded

# RFC 4287 section 3.2.3 wants an addr-spec: one "@", and a host with a dot behind it.
_MAIL = re.compile(r"[^\s<>()@,;:\"\\]+@[^\s<>()@,;:\"\\]+\.[^\s<>()@,;:\"\\]+")
_STATUSES = {
    "EventScheduled": "CONFIRMED",
    "EventRescheduled": "CONFIRMED",
    "EventMovedOnline": "CONFIRMED",
    "EventPostponed": "TENTATIVE",
    "EventCancelled": "CANCELLED",
}


def rss(facts: Facts) -> dict[str, Any]:
    """An RSS item. RSS requires a title or a description, so that the address may have to stand in."""
    fallback = facts.text or ("" if facts.title or facts.html else facts.url)
    known = [file for file in facts.enclosures if file.type and file.length is not None]
    return {
        "url": facts.url,
        "title": facts.title,
        "summary": facts.summary or fallback,
        "published": facts.published,
        "updated": facts.updated,
        "authors": names(facts.authors),
        **({"text": facts.html} if facts.html else {}),
        "encoded": bool(facts.html and facts.summary),
        "categories": facts.categories,
        "language": facts.language,
        "enclosures": (
            tuple(known[:1]),
            tuple((file.url, file.type, file.length or None) for file in facts.enclosures),
        ),
    }


def atom(facts: Facts) -> dict[str, Any]:
    """An Atom entry, or a tombstone."""
    if facts.withdrawn is not None:
        return {"withdrawn": facts.withdrawn}
    persons = [
        Author(
            author.name,
            author.url if is_absolute_iri(author.url) else "",
            author.email if _MAIL.fullmatch(author.email) else "",
        )
        for author in facts.authors
        if author.name
    ]
    return {
        "url": facts.url,
        "title": facts.title or facts.url,
        "summary": facts.summary,
        "published": facts.published,
        "updated": facts.updated,
        "authors": tuple(dict.fromkeys(persons)),
        "text": facts.html,
        "categories": facts.categories,
        "language": facts.language,
        "enclosures": tuple(f for f in facts.enclosures if f.type and f.length is not None),
        "withdrawn": None,
    }


def jsonfeed(facts: Facts) -> dict[str, Any]:
    """An item of a JSON Feed."""
    files: dict[str, Enclosure] = {}
    for file in facts.enclosures:
        if file.type:
            files.setdefault(file.url, file)
    return {
        "url": facts.url,
        "title": facts.title,
        "summary": facts.summary,
        "published": facts.published,
        "updated": facts.updated,
        "authors": tuple(dict.fromkeys(Author(author.name, author.url) for author in facts.authors)),
        "text": facts.html or facts.body or facts.summary or facts.title or facts.url,
        "categories": facts.categories,
        "language": facts.language,
        "enclosures": tuple(files.values()),
        "events": facts.events,
    }


def page(facts: Facts) -> dict[str, Any]:
    """What an article's page shows; its embedded record is compared as such."""
    published, modified = facts.stated
    return {
        "url": facts.url,
        "title": facts.title or folded(facts.url),
        "summary": facts.summary,
        "published": published,
        "updated": modified if modified != published else "",
        "authors": names(facts.authors),
        "text": facts.text,
        "categories": (folded(" · ".join(facts.sections)), facts.keywords),
        "language": facts.language,
    }


def calendar(facts: Facts, event: EventFacts) -> dict[str, Any]:
    """A VEVENT."""
    status = "CANCELLED" if facts.withdrawn else _STATUSES.get(event.status, "")
    kinds = (*event.kinds, *facts.keywords)
    return {
        "url": event.website,
        "title": facts.title,
        # That of a withdrawn event says that it was withdrawn, and nothing else.
        "summary": "" if facts.withdrawn else facts.summary,
        "start": event.start,
        "end": event.end,
        "all_day": event.all_day,
        "status": status,
        "place": place_words(" ".join(" ".join(parts) for parts in event.places)),
        "geo": None if event.geo is None else (_decimals(event.geo[0]), _decimals(event.geo[1])),
        "reports": event.reports,
        "categories": tuple(dict.fromkeys(kinds)),
        "updated": facts.withdrawn or facts.updated,
        "revision": facts.revision,
    }


def uid(identifier: str) -> str:
    """The UID of an event: RFC 7986 section 5.3 asks for a UUID."""
    if identifier[:9].lower() == "urn:uuid:":
        try:
            return str(uuid.UUID(identifier[9:]))
        except ValueError:
            pass
    return str(uuid.uuid5(uuid.NAMESPACE_URL, identifier.encode("utf-8", "replace").decode()))


def place_words(text: str) -> str:
    """A place without what stands between its parts."""
    return folded(re.sub(r"[,/]", " ", text))


def names(authors: tuple[Author, ...]) -> tuple[str, ...]:
    """The names, each once."""
    return tuple(dict.fromkeys(author.name for author in authors if author.name))


def _decimals(degrees: float) -> float:
    # Python would write what is smaller with an exponent, which RFC 5545 section 3.8.1.6 does not have.
    return round(degrees, 6) if abs(degrees) >= 0.0001 else 0.0
