"""A reader of JSON Feed 1.1 that knows the specification and nothing of feedpub.

It does what https://www.jsonfeed.org/version/1.1/ asks of readers: items without a usable id are
thrown away, authors come down from the feed, and attachments with one title are one thing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True)
class Item:
    id: str
    url: str | None
    title: str | None
    html: str | None
    text: str | None
    summary: str | None
    image: str | None
    published: datetime | None
    modified: datetime | None
    authors: tuple[tuple[str | None, str | None], ...]
    tags: tuple[str, ...]
    language: str | None
    attachments: tuple[tuple[tuple[str, str, int | None], ...], ...]
    """Things, each in one or several forms: address, media type, size."""
    extensions: dict[str, Any]


@dataclass(frozen=True)
class Feed:
    title: str
    home_page_url: str | None
    feed_url: str | None
    description: str | None
    next_url: str | None
    icon: str | None
    authors: tuple[tuple[str | None, str | None], ...]
    language: str | None
    hubs: tuple[tuple[str, str], ...]
    items: tuple[Item, ...]


def read(document: bytes) -> Feed:
    """The feed, or an AssertionError that says which rule it breaks."""
    data = json.loads(document.decode("utf-8"), object_pairs_hook=_no_key_twice)
    assert next(iter(data)) == "version", "version should stand at the very top"
    assert data["version"] == "https://jsonfeed.org/version/1.1"
    assert isinstance(data["title"], str)
    authors = _authors(data.get("authors", []))
    items = tuple(_item(item, authors) for item in data["items"] if isinstance(item.get("id"), str))
    assert len({item.id for item in items}) == len(items), "an id is unique within the feed"
    feed = Feed(
        title=data["title"],
        home_page_url=data.get("home_page_url"),
        feed_url=data.get("feed_url"),
        description=data.get("description"),
        next_url=data.get("next_url"),
        icon=data.get("icon"),
        authors=authors,
        language=data.get("language"),
        hubs=tuple((hub["type"], hub["url"]) for hub in data.get("hubs", [])),
        items=items,
    )
    assert feed.next_url is None or feed.next_url != feed.feed_url, "next_url must differ from feed_url"
    return feed


def walk(first: bytes, fetch: Callable[[str], bytes]) -> list[Feed]:
    """The feed and its older pages, following `next_url`."""
    pages = [read(first)]
    seen = {pages[0].feed_url}
    while (address := pages[-1].next_url) is not None:
        assert address not in seen, "next_url must not lead back"
        seen.add(address)
        pages.append(read(fetch(address)))
    return pages


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({key for key, _ in pairs}) == len(pairs)
    return dict(pairs)


def _item(data: dict[str, Any], inherited: tuple[tuple[str | None, str | None], ...]) -> Item:
    assert data["id"].strip()
    assert isinstance(data.get("content_html", data.get("content_text")), str), "content must be present"
    things: dict[object, list[tuple[str, str, int | None]]] = {}
    for number, attachment in enumerate(data.get("attachments", [])):
        form = (attachment["url"], attachment["mime_type"], attachment.get("size_in_bytes"))
        things.setdefault(attachment.get("title", number), []).append(form)
    return Item(
        id=data["id"],
        url=data.get("url"),
        title=data.get("title"),
        html=data.get("content_html"),
        text=data.get("content_text"),
        summary=data.get("summary"),
        image=data.get("image"),
        published=_time(data.get("date_published")),
        modified=_time(data.get("date_modified")),
        authors=_authors(data["authors"]) if "authors" in data else inherited,
        tags=tuple(data.get("tags", [])),
        language=data.get("language"),
        attachments=tuple(tuple(forms) for forms in things.values()),
        extensions={key: value for key, value in data.items() if re.match("_[A-Za-z]", key)},
    )


def _authors(found: list[dict[str, str]]) -> tuple[tuple[str | None, str | None], ...]:
    assert all({"name", "url", "avatar"} & author.keys() for author in found)
    return tuple((author.get("name"), author.get("url")) for author in found)


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    assert _RFC_3339.fullmatch(text), text
    return datetime.fromisoformat(text)
