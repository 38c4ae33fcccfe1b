"""Records as they stand in the store → entries as the formats see them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Row

from feedpub import dates
from feedpub.config import Site
from feedpub.extraction.sanitise import text_to_html
from feedpub.models import Entry, Link, Media
from feedpub.store import schema
from feedpub.store.transaction import Transaction


def load(transaction: Transaction, ids: Sequence[str], *, site: Site, renderers: str) -> list[Entry]:
    """The entries with these ids, in their order; ids without a record are left out.

    `renderers` is a digest of all that decides how entries look besides their content.
    """
    transaction.flush()
    rows = transaction.by_key(schema.record, "id", ids)
    known = transaction.by_key(schema.identity, "id", ids)
    reported: dict[str, list[str]] = {}
    for row in transaction.rows(schema.mention, "reporter", ids):
        reported.setdefault(row.reporter, []).append(row.event_id)
    wanted = {event for events in reported.values() for event in events}
    live = schema.record.c.withdrawn_at.is_(None)
    events = transaction.by_key(schema.record, "id", wanted, live) if wanted else {}
    sizes = _sizes(transaction, rows.values(), site)
    reports = _reports(transaction, [row.id for row in rows.values() if row.kind == "event"])
    return [
        _entry(
            rows[identifier], known[identifier], [events[e] for e in sorted(reported.get(identifier, ())) if e in events],
            site=site, renderers=renderers, sizes=sizes, reports=reports.get(identifier, ()),
        )
        for identifier in ids
        if identifier in rows and identifier in known
    ]  # fmt: skip


def _reports(transaction: Transaction, ids: Sequence[str]) -> dict[str, tuple[Link, ...]]:
    """The articles that report these events, newest first, by the event's id."""
    mentions = list(transaction.rows(schema.mention, "event_id", ids))
    live = schema.record.c.withdrawn_at.is_(None)
    articles = transaction.by_key(schema.record, "id", [row.reporter for row in mentions], live)
    links = {}
    for row in articles.values():
        data = orjson.loads(row.data)
        links[row.id] = Link(data.get("headline", ""), data["url"])
    found: dict[str, list[Row[Any]]] = {}
    for mention in mentions:
        if mention.reporter in links:
            found.setdefault(mention.event_id, []).append(articles[mention.reporter])
    return {
        identifier: tuple(links[row.id] for row in sorted(reporters, key=lambda row: (-row.sort_at, row.id)))
        for identifier, reporters in found.items()
    }


def _sizes(transaction: Transaction, rows: Iterable[Row[Any]], site: Site) -> Mapping[str, Row[Any]]:
    """The published pictures that the records name, by path: their true lengths and types."""
    prefix = f'"{site.url}media/'.encode()
    if not any(prefix in row.data for row in rows):
        return {}
    paths = [row.path for row in transaction.rows(schema.medium, "record_id", [row.id for row in rows])]
    return transaction.by_key(schema.file, "path", paths)


def _entry(
    row: Row[Any],
    identity: Row[Any],
    events: Sequence[Row[Any]],
    *,
    site: Site,
    renderers: str,
    sizes: Mapping[str, Row[Any]],
    reports: tuple[Link, ...],
) -> Entry:
    data = orjson.loads(row.data)
    stem = identity.stem
    page = f"{stem}.html"
    url = data.get("url") or f"{site.url}{page}"
    published = data.get("datePublished")
    when = dates.parse(published) if published else None
    related = [event.digest for event in events], [(link.title, link.url) for link in reports]
    digest = hashlib.sha256(f"{row.digest}{stem}{renderers}{related}".encode())
    return Entry(
        id=row.id,
        data=data,
        events=tuple(orjson.loads(event.data) for event in events),
        html=row.html if row.html is not None else text_to_html(data.get("articleBody", "")),
        url=url,
        record_url=f"{site.url}{stem}.jsonld",
        page_path=page if _has_page(row, url == f"{site.url}{page}") else None,
        record_path=f"{stem}.jsonld",
        published_at=dates.instant(when, site.timezone) if when else None,
        sort_at=_time(row.sort_at),
        updated_at=_time(row.updated_at),
        first_seen_at=_time(identity.first_seen_at),
        digest=digest.hexdigest()[:32],
        media=tuple(_medium(image, site, sizes) for image in data.get("image", ()) if "url" in image),
        withdrawn_at=_time(row.withdrawn_at) if row.withdrawn_at is not None else None,
        revision=identity.revision,
        reports=reports,
        is_event=row.kind == "event",
    )


def _has_page(row: Row[Any], own_url: bool) -> bool:
    """Whether feedpub writes its page: of every event, of an article that has none elsewhere."""
    return row.kind == "event" or own_url or (row.withdrawn_at is not None and row.url_key is None)


def _medium(image: Mapping[str, Any], site: Site, sizes: Mapping[str, Row[Any]]) -> Media:
    url = image["url"]
    file = sizes.get(url[len(site.url) :]) if url.startswith(site.url) else None
    return Media(
        url=url,
        media_type=file.type if file else image.get("encodingFormat"),
        length=file.size if file else None,
        width=image.get("width"),
        height=image.get("height"),
        alternative_text=image.get("description") or image.get("caption"),
    )


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
