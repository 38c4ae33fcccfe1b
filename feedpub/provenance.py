"""Where each value of a record comes from: the origins of fields, by JSON pointer into the record."""

from __future__ import annotations

from collections.abc import Sequence

from feedpub.models import JSON, Article, EventMention, Origin

_ORIGINS = {
    "type": "/@type", "id": "/@id", "url": "/url", "headline": "/headline",
    "alternative_headline": "/alternativeHeadline", "description": "/description",
    "body_text": "/articleBody", "sections": "/articleSection", "keywords": "/keywords",
    "language": "/inLanguage", "published": "/datePublished", "modified": "/dateModified",
    "created": "/dateCreated", "expires_at": "/expires", "authors": "/author", "publisher": "/publisher",
    "images": "/image", "dateline": "/dateline", "content_locations": "/contentLocation",
    "about": "/about", "mentions": "/mentions", "accessible_for_free": "/isAccessibleForFree",
    "license": "/license", "corrections": "/correction", "based_on": "/isBasedOn", "same_as": "/sameAs",
}  # fmt: skip
_EVENT_ORIGINS = {
    "type": "/@type", "id": "/@id", "name": "/name", "url": "/url", "description": "/description",
    "start": "/startDate", "end": "/endDate", "door_time": "/doorTime",
    "previous_start": "/previousStartDate", "status": "/eventStatus",
    "attendance_mode": "/eventAttendanceMode", "locations": "/location", "organizers": "/organizer",
    "performers": "/performer", "attendees": "/attendee", "offers": "/offers",
    "super_event": "/superEvent", "sub_events": "/subEvent", "images": "/image", "same_as": "/sameAs",
}  # fmt: skip
_WORD_COUNT = Origin("rule", "word-count/1")
_SITE_PUBLISHER = Origin("configuration", "site.publisher")


def of_article(article: Article, data: JSON, event_ids: Sequence[str | None]) -> dict[str, Origin]:
    """The origins of an article's record; `event_ids` as for `records.build_article`."""
    origins = {
        pointer: article.origins[field]
        for field, pointer in _ORIGINS.items()
        if field in article.origins and pointer[1:] in data
    }
    authors = origins.get("/author")
    if authors:
        for index in range(len(data["author"])):
            origins[f"/author/{index}/name"] = authors
    if "publisher" in data and "/publisher" not in origins:
        origins["/publisher"] = _SITE_PUBLISHER
    if "wordCount" in data:
        origins["/wordCount"] = _WORD_COUNT
    return origins | _ties(article, event_ids, data)


def of_event(mention: EventMention, data: JSON) -> dict[str, Origin]:
    """The origins of an event's record."""
    return {
        pointer: mention.origins[field]
        for field, pointer in _EVENT_ORIGINS.items()
        if field in mention.origins and pointer[1:] in data
    }


def _ties(article: Article, event_ids: Sequence[str | None], data: JSON) -> dict[str, Origin]:
    """Why the article is said to be about an event or to mention it."""
    said = {
        event_id: event.origins["main"]
        for event, event_id in zip(article.events, event_ids, strict=False)
        if event_id is not None and "main" in event.origins
    }
    return {
        f"/{key}/{number}": said[node["@id"]]
        for key in ("about", "mentions")
        for number, node in enumerate(data.get(key, ()))
        if node["@id"] in said
    }
