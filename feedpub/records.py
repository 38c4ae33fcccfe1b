"""Article → one NewsArticle Record, EventMention → Event Record, tied both ways by `@id`.

Pure: the same values in give the same record out, with its properties always in the same order.
What is not stated stays out. Records are nested, compacted JSON-LD against https://schema.org,
without `@context`; their shape is published in `schemas/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from feedpub import provenance
from feedpub.config import Site
from feedpub.dates import with_zone
from feedpub.eventkeys import Ties
from feedpub.merging import merge_events
from feedpub.models import (
    JSON,
    Address,
    Agent,
    Article,
    EventMention,
    Image,
    Offer,
    Place,
    Record,
    Topic,
    When,
)
from feedpub.urls import is_absolute_iri, is_http_url, named_uuid
from feedpub.vocabulary import (
    ARTICLE_TYPES,
    ATTENDANCE_MODES,
    AVAILABILITIES,
    EVENT_STATUSES,
    EVENT_TYPES,
    SCHEMA_ORG,
    TOPIC_TYPES,
)

__all__ = [
    "agent_node",
    "build_article",
    "build_event",
    "count_words",
    "merge_events",
    "node_id",
    "place_node",
]

_BREAKS = re.compile(r"[\t\n\x0b\x0c\r\x1c-\x1f\x85\u2028\u2029 ]+")
_PRICE = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,4})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
# Languages written without spaces between words, and their scripts: there is nothing to count by.
_UNSPACED = frozenset(
    ["zh", "ja", "th", "lo", "km", "my", "bo", "dz", "yue", "wuu", "nan", "hak", "gan", "cmn"]
)
_UNSPACED_SCRIPT = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]"
)


@lru_cache(maxsize=4096)
def node_id(key: str, kind: str, name: str, url: str | None = None, *distinct: str) -> str:
    """The `@id` of a person, organisation, place or topic that has none of its own.

    Args:
        key: the newsroom's UUID, `Site.key`.
        kind: the schema.org type.
        name: as stated; the same name and type give the same node everywhere in the newsroom.
        url: the node's own address, or None.
        distinct: what else tells it from others of its name, such as the town of a place.
    """
    return named_uuid(key, kind, name, url or "", *distinct)


def agent_node(agent: Agent, key: str) -> dict[str, Any]:
    """A Person or Organization node. `key` is `Site.key`."""
    name = _line(agent.name)
    node: dict[str, Any] = {
        "@type": agent.type,
        "@id": _given(agent.id) or node_id(key, agent.type, name, agent.url),
        "name": name,
        "url": agent.url,
    }
    if agent.type == "Person":
        node["jobTitle"] = _line(agent.job_title)
    elif agent.logo is not None:
        node["logo"] = next(iter(_images((agent.logo,), None)), None)
    node["sameAs"] = _distinct(agent.same_as)
    return _stated(node)


def place_node(place: Place, key: str) -> dict[str, Any]:
    """A Place node, or a VirtualLocation; empty if nothing is known but the type. `key` is `Site.key`."""
    name = _line(place.name)
    if place.type == "VirtualLocation":
        if not (name or place.url):
            return {}
        identifier = _given(place.id) or node_id(key, place.type, name or "", place.url)
        return _stated({"@type": place.type, "@id": identifier, "name": name, "url": place.url})
    address = _address(place.address)
    geo = None
    if place.latitude is not None and place.longitude is not None:
        geo = {"@type": "GeoCoordinates", "latitude": place.latitude, "longitude": place.longitude}
    if not (name or address or geo):
        return {}
    # There is a City Hall in every city: what is stated beside the name tells places apart.
    distinct = [address] if isinstance(address, str) else list((address or {}).values())[1:]
    if geo and not distinct:
        distinct = [str(place.latitude), str(place.longitude)]
    identifier = _given(place.id) or node_id(key, "Place", name or "", place.url, *distinct)
    node = {
        "@type": "Place",
        "@id": identifier,
        "name": name,
        "url": place.url,
        "address": address,
        "geo": geo,
    }
    return _stated(node)


def build_article(
    article: Article,
    *,
    id: str,  # noqa: A002 - the public name of the identifier everywhere else too
    url: str,
    site: Site,
    event_ids: Sequence[str | None] = (),
    media_urls: Mapping[str, str] | None = None,
) -> Record:
    """The NewsArticle record of one article.

    Args:
        article: as extracted; times without an offset take the zone of the site, dates stay dates.
        id: the identifier it was given once and keeps.
        url: its page, absolute.
        site: for zone, publisher and the key of generated identifiers.
        event_ids: the `@id` of each of `article.events` in order, None for one that has no record.
        media_urls: `Image.local_path` → published address; without an address an image is left out.

    Returns:
        A Record whose `origins` maps JSON pointers to where each value comes from. It has not
        been validated.
    """
    key, zone = site.key, site.timezone
    main: list[JSON] = []
    others: list[JSON] = []
    for event, event_id in zip(article.events, event_ids, strict=False):
        if event_id is not None:
            (main if event.main else others).append({"@id": event_id})
    sections = _lines(article.sections)
    language = article.language
    words = count_words(article.body_text, language)
    publisher = _publisher(article, site)
    data: dict[str, Any] = {
        "@type": article.type if article.type in ARTICLE_TYPES else "NewsArticle",
        "@id": id,
        "url": url,
        "headline": _line(article.headline),
        "alternativeHeadline": _line(article.alternative_headline),
        "description": article.description,
        "articleBody": article.body_text,
        "articleSection": sections if len(sections) > 1 else sections[0] if sections else None,
        "keywords": _lines(article.keywords),
        "wordCount": words,
        "inLanguage": language,
        "datePublished": _when(article.published, zone),
        "dateModified": _when(article.modified, zone),
        "dateCreated": _when(article.created, zone),
        "expires": _when(article.expires_at, zone),
        "author": _nodes(agent_node(agent, key) for agent in article.authors),
        "publisher": agent_node(publisher, key) if publisher else None,
        "image": _images(article.images, media_urls),
        "dateline": _line(article.dateline),
        "contentLocation": _nodes(place_node(place, key) for place in article.content_locations),
        "about": _nodes([*main, *(_topic(topic, key) for topic in article.about)]),
        "mentions": _nodes([*others, *(_topic(topic, key) for topic in article.mentions)]),
        "isAccessibleForFree": article.accessible_for_free,
        "license": _license(article.license),
        "correction": [
            _stated({"@type": "CorrectionComment", "text": item.text, "datePublished": _when(item.at, zone)})
            for item in article.corrections
        ],
        "isBasedOn": _distinct(article.based_on),
        "sameAs": _distinct(article.same_as),
    }
    data = _stated(data)
    return Record(id, data["@type"], data, provenance.of_article(article, data, event_ids))


def build_event(
    mention: EventMention,
    *,
    id: str,  # noqa: A002
    article_ids: Sequence[str],
    site: Site,
    media_urls: Mapping[str, str] | None = None,
    ties: Ties | None = None,
) -> Record:
    """The Event record of one mention. A time without an offset stays without one: it is local there.

    Args:
        mention: the event as one document reports it.
        id: the identifier that it was given once and keeps.
        article_ids: the articles that report it; none for a document that is itself the event.
        site: for the key of generated identifiers.
        media_urls: as for `build_article`.
        ties: the events of the same document that its larger and smaller events are; None for none.
    """
    key, ties = site.key, ties or {}
    data: dict[str, Any] = {
        "@type": _event_type(mention),
        "@id": id,
        "name": _line(mention.name),
        "url": mention.url,
        "description": mention.description,
        "startDate": _when(mention.start),
        "endDate": _when(mention.end),
        "doorTime": _when(mention.door_time),
        "previousStartDate": _when(mention.previous_start),
        "eventStatus": _member(mention.status, EVENT_STATUSES),
        "eventAttendanceMode": _member(mention.attendance_mode, ATTENDANCE_MODES),
        "location": _nodes(place_node(place, key) for place in mention.locations),
        "organizer": _nodes(agent_node(agent, key) for agent in mention.organizers),
        "performer": _nodes(agent_node(agent, key) for agent in mention.performers),
        "attendee": _nodes(agent_node(agent, key) for agent in mention.attendees),
        "offers": [node for node in map(_offer, mention.offers) if node.keys() - {"@type", "priceCurrency"}],
        "superEvent": next(_related_events(mention.super_event or "", key, ties), None),
        "subEvent": _nodes(node for name in mention.sub_events for node in _related_events(name, key, ties)),
        "image": _images(mention.images, media_urls),
        "sameAs": _distinct(mention.same_as),
        "subjectOf": [{"@id": article_id} for article_id in sorted(set(article_ids))],
    }
    data = _stated(data)
    return Record(id, data["@type"], data, provenance.of_event(mention, data))


def count_words(text: str, language: str | None = None) -> int | None:
    """The number of words, or None where words are not parted by spaces (Chinese, Japanese, Thai, …).

    A word is what stands between white space and holds at least one letter or digit of any script.
    """
    if language is not None and language.partition("-")[0].lower() in _UNSPACED:
        return None
    if language is None and not text.isascii() and len(_UNSPACED_SCRIPT.findall(text)) * 4 > len(text):
        return None
    words = text.split()
    odd = [word for word in words if not word[0].isalnum()]
    return len(words) - sum(not any(map(str.isalnum, word)) for word in odd) or None


def _stated(node: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if value is not None and value not in ("", [])}


def _line(text: str | None) -> str | None:
    """Text on one line, white space around it removed; None if nothing is left."""
    if not text:
        return None
    if not text.isprintable() or "  " in text or text[0] == " " or text[-1] == " ":
        text = _BREAKS.sub(" ", text).strip()
    return text or None


def _lines(values: Iterable[str]) -> list[str]:
    """Each line once, whatever its case, as first written."""
    found: dict[str, str] = {}
    for value in values:
        line = _line(value)
        if line:
            found.setdefault(line.casefold(), line)
    return list(found.values())


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))


def _nodes(nodes: Iterable[JSON]) -> list[JSON]:
    """Each node once by its `@id`, in order."""
    found: dict[str, JSON] = {}
    for node in nodes:
        if node:
            found.setdefault(node["@id"], node)
    return list(found.values())


def _given(identifier: str | None) -> str | None:
    return identifier if identifier and is_absolute_iri(identifier) else None


def _when(when: When | None, zone: str | None = None) -> str | None:
    if when is None:
        return None
    return with_zone(when, zone).value if zone is not None else when.value


def _member(name: str | None, members: frozenset[str]) -> str | None:
    """The address of a member of a schema.org enumeration; None for what is no member."""
    short = (name or "").rpartition("/")[2]
    return SCHEMA_ORG + short if short in members else None


def _images(images: Iterable[Image], media_urls: Mapping[str, str] | None) -> list[JSON]:
    found: dict[str, JSON] = {}
    for image in images:
        url = (media_urls or {}).get(image.local_path, image.url) if image.local_path else image.url
        if not is_http_url(url) or url in found:
            continue
        kind = image.media_type if image.media_type and image.media_type.startswith("image/") else None
        found[url] = _stated(
            {
                "@type": "ImageObject",
                "url": url,
                "width": image.width,
                "height": image.height,
                "caption": image.caption,
                "description": image.alternative_text,
                "creditText": _line(image.credit),
                "encodingFormat": kind,
            }
        )
    return list(found.values())


def _address(address: Address | str | None) -> dict[str, str] | str | None:
    if address is None or isinstance(address, str):
        return _line(address)
    parts = {
        "streetAddress": _line(address.street),
        "addressLocality": _line(address.locality),
        "addressRegion": _line(address.region),
        "postalCode": _line(address.postal_code),
        "addressCountry": _line(address.country),
    }
    stated = {key: part for key, part in parts.items() if part}
    return {"@type": "PostalAddress", **stated} if stated else None


def _topic(topic: Topic, key: str) -> dict[str, Any]:
    name = _line(topic.name)
    if not name:
        return {}
    kind = topic.type
    if kind not in TOPIC_TYPES:
        kind = "Event" if kind in EVENT_TYPES else "Thing"
    identifier = _given(topic.id) or node_id(key, kind, name, topic.url)
    return _stated(
        {"@type": kind, "@id": identifier, "name": name, "url": topic.url, "sameAs": _distinct(topic.same_as)}
    )


def _related_events(stated: str, key: str, ties: Ties) -> Iterator[dict[str, Any]]:
    """Other events, stated by an identifier or by a name: those of the document, or one known by that alone."""
    name = _line(stated)
    if stated in ties:
        for identifier, event in ties[stated]:
            yield {"@type": _event_type(event), "@id": identifier, "name": _line(event.name)}
    elif is_absolute_iri(stated):
        yield {"@id": stated}
    elif name:
        yield {"@type": "Event", "@id": node_id(key, "Event", name), "name": name}


def _event_type(event: EventMention) -> str:
    return event.type if event.type in EVENT_TYPES else "Event"


def _price(stated: str | None) -> str | None:
    return stated if stated and _PRICE.fullmatch(stated) else None


def _offer(offer: Offer) -> dict[str, Any]:
    kind = "AggregateOffer" if offer.is_aggregate else "Offer"
    return _stated(
        {
            "@type": kind,
            "name": _line(offer.name),
            "url": offer.url,
            "price": _price(offer.price),
            "lowPrice": _price(offer.low_price),
            "highPrice": _price(offer.high_price),
            "offerCount": offer.count,
            "priceCurrency": offer.currency
            if offer.currency and _CURRENCY.fullmatch(offer.currency)
            else None,
            "availability": _member(offer.availability, AVAILABILITIES),
            "validFrom": _when(offer.valid_from),
        }
    )


def _license(stated: str | None) -> str | dict[str, str] | None:
    if not stated or is_http_url(stated):
        return stated
    name = _line(stated)
    return {"@type": "CreativeWork", "name": name} if name else None


def _publisher(article: Article, site: Site) -> Agent | None:
    """The article's publisher; the site's own, which says more, where both have one name."""
    stated, own = article.publisher, site.publisher
    if stated is None or (own is not None and stated.name == own.name and not stated.id):
        return own
    return stated
