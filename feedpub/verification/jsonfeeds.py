"""JSON Feed, read back by json and by JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from feedpub.models import Channel
from feedpub.validation import validate_document
from feedpub.verification import carried
from feedpub.verification.differences import SYNTAX, Difference, Place, compared, indexed, sequence
from feedpub.verification.facts import Author, Enclosure, Facts
from feedpub.verification.texts import folded, instant

_FILENAME = "feed.json"


def differences(
    path: str,
    content: bytes,
    *,
    channel: Channel | None,
    ids: Sequence[str],
    facts: Mapping[str, Facts],
) -> tuple[Difference, ...]:
    """All differences of a JSON Feed; the arguments are those of `xmlfeeds.differences`."""
    place = Place(path, "jsonfeed")
    try:
        document = parsed(content)
    except ValueError as error:
        return place.refused(error)
    found = list(sequence(place, ids, [str(item.get("id", "")) for item in document["items"]]))
    items = [item for item in document["items"] if str(item.get("id", "")) in facts]
    found += invalid(place, {**document, "items": items})
    if channel is not None:
        found += compared(place, None, _frame(channel), frame_of(document))
    known = indexed((str(item.get("id", "")), fields_of(item)) for item in items)
    for identifier, one in facts.items():
        if identifier in known:
            found += compared(place, identifier, carried.jsonfeed(one), known[identifier])
    return tuple(found)


def parsed(content: bytes) -> dict[str, Any]:
    """The document.

    Raises:
        ValueError: it is no JSON object with a list of items, or a key stands in it twice.
    """
    try:
        document = json.loads(content.decode("utf-8"), object_pairs_hook=_no_key_twice)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        raise ValueError("no JSON Feed: an object with items is missing")
    if not all(isinstance(item, dict) for item in document["items"]):
        raise ValueError("no JSON Feed: an item is no object")
    return document


def invalid(place: Place, document: Mapping[str, Any]) -> list[Difference]:
    """What `schemas/jsonfeed.schema.json` refuses."""
    problems = validate_document("jsonfeed", dict(document))
    return [
        place.differs(
            SYNTAX, f"{problem.pointer or '/'} to keep the schema", f"{problem.value}: {problem.message}"
        )
        for problem in problems
    ]


def fields_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an item by the names of `limits`."""
    extension = item.get("_feedpub")
    events = extension.get("events", ()) if isinstance(extension, Mapping) else ()
    return {
        "url": item.get("url"),
        "title": folded(item.get("title")),
        "summary": folded(item.get("summary")),
        "published": instant(item.get("date_published")),
        "updated": instant(item.get("date_modified")),
        "authors": tuple(
            Author(folded(a.get("name")), a.get("url", ""))
            for a in item.get("authors", ())
            if isinstance(a, Mapping)
        ),
        "text": folded(item.get("content_html") or item.get("content_text")),
        "categories": tuple(dict.fromkeys(filter(None, map(folded, item.get("tags", ()))))),
        "language": item.get("language", ""),
        "enclosures": tuple(
            Enclosure(a.get("url", ""), a.get("mime_type", ""), a.get("size_in_bytes"))
            for a in item.get("attachments", ())
            if isinstance(a, Mapping)
        ),
        "events": tuple(event.get("id", "") for event in events if isinstance(event, Mapping)),
    }


def frame_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Title and links of the document."""
    hubs = [hub.get("url") for hub in document.get("hubs", ()) if isinstance(hub, Mapping)]
    links = {"self": document.get("feed_url"), "next": document.get("next_url"), "hub": hubs}
    return {"title": folded(document.get("title")), "links": links}


def _frame(channel: Channel) -> dict[str, Any]:
    older = channel.previous_url(_FILENAME)
    self_url = channel.self_url(_FILENAME)
    links = {
        "self": self_url,
        "next": older if older != self_url else None,
        "hub": [] if channel.page is not None else list(channel.hubs),
    }
    return {"title": folded(channel.title) or channel.home_url, "links": links}


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found
