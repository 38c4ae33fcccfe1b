"""JSON Feed 1.1: full content, several authors, attachments, pages, and the record behind each item.

The extension `_feedpub` of an item names the schema.org record: its `id` (the record's `@id`), its
`type`, `record_url` (the address of its JSON-LD) and `events`, the events that it reports as their
records state them. Keys and values are schema.org's, but `@id` and `@type` are written `id` and
`type`, for which schema.org's own context has the same meaning. It has no `about`: there is no
page to lead to; `schemas/jsonfeed.schema.json` describes it.

Specification: https://www.jsonfeed.org/version/1.1/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

import orjson

from feedpub.config import Site
from feedpub.dates import rfc3339
from feedpub.formats.properties import first, headline, listed, readable, strings
from feedpub.models import JSON, Channel, Entry, Media

VERSION = "https://jsonfeed.org/version/1.1"

_EVENT_PROPERTIES = (
    *("name", "startDate", "endDate", "doorTime", "previousStartDate"),
    *("eventStatus", "eventAttendanceMode", "location", "url"),
)
_ALIASES = {"@id": "id", "@type": "type"}


class JsonFeedFormat:
    """JSON Feed 1.1 with one item a line, so that a change of one article changes one line."""

    name = "jsonfeed"
    filename = "feed.json"
    media_type = "application/feed+json"
    version = "1"
    items: Literal["articles", "records", "events"] = "articles"
    tombstones = False
    paged = True

    def __init__(self, site: Site) -> None:
        self._site = site

    def render(self, entry: Entry) -> bytes:
        """One item as JSON, without a line feed."""
        return orjson.dumps(_item(_readable_entry(entry)))

    def assemble(self, channel: Channel, entries: Iterable[bytes]) -> Iterator[bytes]:
        """The feed as chunks, its own members first, `version` at the very top."""
        yield b"{\n"
        for key, value in _frame(channel, self.filename).items():
            yield b"%b: %b,\n" % (orjson.dumps(key), orjson.dumps(value))
        yield b'"items": ['
        between = b"\n"
        for entry in entries:
            yield between
            yield entry
            between = b",\n"
        yield b"\n]\n}\n"


def _frame(channel: Channel, filename: str) -> dict[str, Any]:
    """The feed's own members: https://www.jsonfeed.org/version/1.1/#top-level."""
    self_url = channel.self_url(filename)
    next_url = channel.previous_url(filename)
    title = readable(channel.title)
    frame = {
        "version": VERSION,
        "title": title if title.strip() else channel.home_url,
        "home_page_url": channel.home_url,
        "feed_url": self_url,
        "description": readable(channel.description),
        # It must not be the address of the document itself: readers would go round for ever.
        "next_url": next_url if next_url != self_url else None,
        "icon": channel.image_url,
        "authors": _authors(_readable(channel.publisher)),
        "language": channel.language,
        # Archive pages never change: nobody need be told, and other hubs must not change them.
        "hubs": [{"type": "WebSub", "url": url} for url in channel.hubs] if channel.page is None else None,
    }
    return _stated(frame)


def _item(entry: Entry) -> dict[str, Any]:
    """One item: https://www.jsonfeed.org/version/1.1/#items.

    It has no `external_url`: that is for pages that talk about another page, and an article with a
    page elsewhere has that very page for its `url`.
    """
    data = entry.data
    title, summary = headline(data), first(data.get("description"))
    html = entry.html if entry.html.strip() else None
    item: dict[str, Any] = {
        "id": entry.id,
        "url": entry.url,
        "title": title,
        "content_html": html,
        # One of the two must be there; like an RSS item without text, it falls back on what is stated.
        "content_text": None if html else first(data.get("articleBody")) or summary or title or entry.url,
        "summary": summary,
        "image": _image_url(entry),
        "date_published": rfc3339(entry.published_at) if entry.published_at is not None else None,
        "date_modified": rfc3339(entry.updated_at) if entry.updated_at is not None else None,
    }
    # Always there, even empty: an item without authors would take on those of the feed.
    item = {**_stated(item), "authors": _authors(data.get("author"))}
    tags = strings([*listed(data.get("articleSection")), *listed(data.get("keywords"))])
    further: dict[str, Any] = {
        "tags": tags,
        "language": first(data.get("inLanguage")),
        "attachments": _attachments(entry.media),
    }
    return {**item, **_stated(further), "_feedpub": _extension(entry)}


def _authors(value: object) -> list[dict[str, str]]:
    """Author objects with name and url, as far as stated; each only once."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for agent in listed(value):
        stated = agent if isinstance(agent, Mapping) else {"name": agent}
        name, url = first(stated.get("name")), first(stated.get("url"))
        if name or url:
            found.setdefault((name, url), _stated({"name": name, "url": url}))
    return list(found.values())


def _image_url(entry: Entry) -> str:
    """The address of the item's first picture, or ""."""
    for image in listed(entry.data.get("image")):
        url = first(image.get("url")) if isinstance(image, Mapping) else first(image)
        if url:
            return url
    return next((m.url for m in entry.media if (m.media_type or "").startswith("image/")), "")


def _attachments(media: Iterable[Media]) -> list[dict[str, Any]]:
    """https://www.jsonfeed.org/version/1.1/#attachments."""
    found: dict[str, dict[str, Any]] = {}
    titles: set[str] = set()
    for medium in media:
        if not medium.media_type or medium.url in found:
            continue
        title = medium.alternative_text or ""
        # Two attachments with one title would be taken for the same thing in two forms.
        unique = title if title.strip() and title not in titles else None
        titles.add(title)
        found[medium.url] = _stated(
            {
                "url": medium.url,
                "mime_type": medium.media_type,
                "title": unique,
                "size_in_bytes": medium.length,
            }
        )
    return list(found.values())


def _extension(entry: Entry) -> dict[str, Any]:
    extension = {
        "id": first(entry.data.get("@id")) or entry.id,
        "type": first(entry.data.get("@type")),
        "record_url": entry.record_url,
        "events": [_event(event) for event in entry.events],
    }
    return _stated(extension)


def _event(event: JSON) -> dict[str, Any]:
    told = {key: event.get(key) for key in ("@id", "@type", *_EVENT_PROPERTIES)}
    aliased: dict[str, Any] = _aliased(_stated(told))
    return aliased


def _aliased(value: Any) -> Any:
    """`value` with "id" and "type" for "@id" and "@type": keys of extensions are alphanumeric."""
    if isinstance(value, Mapping):
        return {_ALIASES.get(key, key): _aliased(inner) for key, inner in value.items()}
    return [_aliased(inner) for inner in value] if isinstance(value, list | tuple) else value


def _stated(members: Mapping[str, Any]) -> dict[str, Any]:
    """`members` without those that say nothing."""
    return {
        key: value
        for key, value in members.items()
        if value is not None and value != [] and not (isinstance(value, str) and not value.strip())
    }


def _readable_entry(entry: Entry) -> Entry:
    """`entry` with all its texts as other formats show them: JSON could hold characters that XML cannot."""
    media = [replace(m, alternative_text=_readable(m.alternative_text)) for m in entry.media]
    return replace(
        entry,
        data=_readable(entry.data),
        events=tuple(_readable(event) for event in entry.events),
        html=readable(entry.html),
        media=tuple(media),
    )


def _readable(value: Any) -> Any:
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, Mapping):
        return {key: _readable(inner) for key, inner in value.items()}
    return [_readable(inner) for inner in value] if isinstance(value, list | tuple) else value
