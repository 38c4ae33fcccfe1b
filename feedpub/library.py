"""The pure steps for programs that have their articles elsewhere: a database, a Django view, a queue.

    extraction = feedpub.extract(Document(...))                bytes → Article
    records = feedpub.build_records(article, site)       Article → NewsArticle and Event records
    problems = feedpub.validate(records[0].data)         () when valid
    feed = feedpub.render([records], site, "rss")        records → one feed, as bytes

No folder, no store and no clock: everything comes in as an argument, and the same arguments give
the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

import orjson

from feedpub import dates, plugins, records
from feedpub.config import Site
from feedpub.eventkeys import generated_ids, given_id, ties
from feedpub.extraction.sanitise import text_to_html
from feedpub.models import Article, Channel, Entry, Media, Record
from feedpub.urls import is_absolute_iri, named_uuid


def build_records(
    article: Article, site: Site, *, id: str | None = None, url: str | None = None
) -> tuple[Record, ...]:
    """The NewsArticle record of an article, followed by one Event record for each event it reports.

    Args:
        article: what `extract` gave, or what you made of your own data. `source` and `place` name
            it: as long as they stay the same, so does the id.
        site: the newsroom; its `key` goes into the ids.
        id: the article's id; None takes the article's own, or makes one.
        url: its address; None takes the article's own.

    Raises:
        ValueError: neither the article nor `url` gives an address.
    """
    address = url or article.url
    if address is None:
        raise ValueError(f"{article.place}: the article has no url; pass the address of its page as url=")
    given = id or (article.id if article.id and is_absolute_iri(article.id) else None)
    identifier = given or named_uuid(site.key, article.source, article.place)
    made = generated_ids(article.events, identifier, site.key)
    ids = [given_id(event) or own for event, own in zip(article.events, made, strict=True)]
    built = records.build_article(article, id=identifier, url=address, site=site, event_ids=ids)
    happenings = [
        records.build_event(event, id=event_id, article_ids=(identifier,), site=site, ties=named)
        for event, event_id, named in zip(article.events, ids, ties(article.events, ids), strict=True)
    ]
    return (built, *happenings)


def render(
    items: Iterable[Sequence[Record]], site: Site, format: str = "rss", *, channel: Channel | None = None
) -> bytes:
    """One feed of these items as `format` ("rss" or "jsonld") writes it, in the order given.

    Args:
        items: for each article its record and those of its events, as `build_records` gives them.
        site: the newsroom.
        format: the name of a format.
        channel: the feed's frame; None makes one of the site.

    Raises:
        ConfigError: there is no such format.
    """
    writer = plugins.format(format, site)
    entries = [_entry(records_, site) for records_ in items]
    frame = channel or Channel(
        path="", title=site.title, description=site.description or site.title, home_url=site.url,
        base_url=site.url, language=site.language, ttl_minutes=60, generator="feedpub", license=site.license,
        updated_at=max((at for entry in entries if (at := entry.updated_at)), default=None), timezone=site.timezone,
        publisher=records.agent_node(site.publisher, site.key) if site.publisher else None,
    )  # fmt: skip
    return b"".join(writer.assemble(frame, [writer.render(entry) for entry in entries]))


def _entry(item: Sequence[Record], site: Site) -> Entry:
    article, *events = item
    data = article.data
    published = _instant(data.get("datePublished"), site)
    updated = _instant(data.get("dateModified"), site) or published
    return Entry(
        id=article.id,
        data=data,
        events=tuple(event.data for event in events),
        html=text_to_html(data.get("articleBody", "")),
        url=data["url"],
        record_url=data["url"],
        page_path=None,
        record_path="",
        published_at=published,
        sort_at=published or updated,
        updated_at=updated,
        first_seen_at=published,
        digest=hashlib.sha256(orjson.dumps([record.data for record in item])).hexdigest()[:32],
        media=tuple(
            Media(image["url"], image.get("encodingFormat"), None, image.get("width"), image.get("height"))
            for image in data.get("image", ())
        ),
    )


def _instant(value: str | None, site: Site) -> datetime | None:
    when = dates.parse(value) if value else None
    return dates.instant(when, site.timezone) if when else None
