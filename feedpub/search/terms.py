"""What a record can be found by: its facets as slugs, and its words.

Names that differ only in case, marks or hyphens count as one (`feedpub.urls.term_slug`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from feedpub.formats.properties import listed, nodes
from feedpub.models import JSON
from feedpub.search.words import spaced
from feedpub.urls import term_slug

Term = tuple[str, str]
"""The name of a facet and a slug."""

_PLACES = frozenset(
    {"Place", "AdministrativeArea", "City", "Country", "State", "Landform", "VirtualLocation"}
)
_EXACT = frozenset({"type", "status"})


class Words(NamedTuple):
    """The text of a record by where it stands; a phrase is never found across two of them."""

    headline: str
    abstract: str
    body: str
    names: str


def slug(name: str, value: str) -> str:
    """Under what a value of the facet `name` is found."""
    if name == "language":
        return value.replace("_", "-").lower()
    return value if name in _EXACT else term_slug(value)


def of_article(data: JSON, events: Iterable[JSON]) -> frozenset[Term]:
    """The facets of an article; people, places and countries also of the events that it reports.

    A language is found by each beginning of its tag (RFC 4647, section 3.3.1): "en-GB" by "en" too.
    """
    topics = [*nodes(data.get("about")), *nodes(data.get("mentions"))]
    found = [("section", value) for value in listed(data.get("articleSection"))]
    found += [("keyword", value) for value in listed(data.get("keywords"))]
    found += [("author", name) for name in _names(nodes(data.get("author")))]
    found += [("type", value) for value in listed(data.get("@type"))]
    found += [("language", tag) for tag in _ranges(data.get("inLanguage"))]
    found += [("person", name) for name in _names(topics, of=frozenset({"Person"}))]
    found += [("place", name) for name in _names(topics, of=_PLACES)]
    found += [("country", name) for name in _names(topics, of=frozenset({"Country"}))]
    found += _where(nodes(data.get("contentLocation")))
    for event in events:
        found += [*_who(event), *_where(nodes(event.get("location")))]
    return _slugs(found)


def of_event(data: JSON, reported: Iterable[Term]) -> frozenset[Term]:
    """The facets of an event. `reported` are names and values of those that its articles have.

    An event that states no status takes place as planned: https://schema.org/eventStatus
    """
    status = str(data.get("eventStatus", "EventScheduled")).rpartition("/")[2]
    found = [*reported, ("status", status), *_who(data), *_where(nodes(data.get("location")))]
    found += [("type", value) for value in listed(data.get("@type"))]
    return _slugs(found)


def words(data: JSON) -> Words:
    """The text of an article or event."""
    headline = [data.get("headline"), data.get("name")]
    abstract = [data.get("alternativeHeadline"), data.get("description")]
    names = [*listed(data.get("articleSection")), *listed(data.get("keywords")), data.get("dateline")]
    for key in (
        "author",
        "about",
        "mentions",
        "contentLocation",
        "location",
        "organizer",
        "performer",
        "attendee",
    ):
        for node in nodes(data.get(key)):
            names += [node.get("name"), *_address(node)]
    return Words(_joined(headline), _joined(abstract), _joined([data.get("articleBody")]), _joined(names))


def _joined(texts: Iterable[Any]) -> str:
    return spaced("\n".join(text for text in texts if isinstance(text, str)))


def _names(nodes: Iterable[Mapping[str, Any]], *, of: frozenset[str] | None = None) -> Iterator[str]:
    for node in nodes:
        if isinstance(node.get("name"), str) and (of is None or of.intersection(listed(node.get("@type")))):
            yield node["name"]


def _who(event: JSON) -> Iterator[Term]:
    for key in ("organizer", "performer", "attendee"):
        for name in _names(nodes(event.get(key)), of=frozenset({"Person"})):
            yield "person", name


def _where(places: Iterable[Mapping[str, Any]]) -> Iterator[Term]:
    for place in places:
        address = place.get("address")
        stated = address if isinstance(address, Mapping) else {}
        for value in (place.get("name"), stated.get("addressLocality"), stated.get("addressRegion")):
            if isinstance(value, str):
                yield "place", value
        if isinstance(stated.get("addressCountry"), str):
            yield "country", stated["addressCountry"]


def _address(node: Mapping[str, Any]) -> list[Any]:
    address = node.get("address")
    if isinstance(address, Mapping):
        return [value for key, value in address.items() if not key.startswith("@")]
    return [address]


def _ranges(tag: Any) -> Iterator[str]:
    parts = tag.split("-") if isinstance(tag, str) else []
    for number in range(len(parts)):
        yield "-".join(parts[: number + 1])


def _slugs(found: Iterable[Term]) -> frozenset[Term]:
    return frozenset((name, slug(name, value)) for name, value in found)
