"""Our pages, read back by lxml's HTML parser and, for the record embedded in them, by extruct."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from feedpub.config import Site
from feedpub.late import load_late
from feedpub.models import JSON, Entry
from feedpub.verification import carried
from feedpub.verification.differences import Difference, Place, compared
from feedpub.verification.facts import Facts, facts_of
from feedpub.verification.htmltrees import canonical, classed, meta, parsed, shown
from feedpub.verification.linkeddata import record_differences
from feedpub.verification.statements import each
from feedpub.verification.texts import cleaned, cleaned_values, folded


def article_differences(path: str, content: bytes, entry: Entry, site: Site) -> tuple[Difference, ...]:
    """All differences between an article's page and its entry."""
    place, facts = Place(path, "page"), facts_of(entry)
    try:
        tree = parsed(content)
    except ValueError as error:
        return place.refused(error)
    said = article_fields(tree)
    wanted = carried.page(facts)
    if not facts.language:
        wanted["language"] = site.language or ""
    found = list(compared(place, entry.id, wanted, said))
    found += _links(place, tree, entry, facts)
    return (*found, *_embedded(place, tree, (entry.data, *entry.events)))


def event_differences(path: str, content: bytes, entry: Entry, site: Site) -> tuple[Difference, ...]:
    """All differences between an event's page and its entry."""
    place, facts = Place(path, "event page"), facts_of(entry)
    try:
        tree = parsed(content)
    except ValueError as error:
        return place.refused(error)
    url = cleaned(site.url + (entry.page_path or ""))
    start = folded(str(entry.data.get("startDate") or ""))
    event = facts.event
    places = {
        folded(place.get("name")) for place in each(entry.data.get("location")) if isinstance(place, dict)
    }
    places.discard("")
    text = folded(" ".join(str(dd.text_content()) for dd in tree.iterfind(".//dl//dd")))
    wanted = {
        "url": url,
        "title": facts.title or folded(url),
        "start": start,
        "place": tuple(sorted(places)),
        "reports": tuple(title or url for title, url in event.reports) if event else (),
    }
    said = {
        "url": canonical(tree),
        "title": shown(tree, ".//h1"),
        "start": next((t.get("datetime", "") for t in classed(tree, "time", "main")), ""),
        "place": tuple(sorted(place for place in places if place in text)),
        "reports": tuple(
            folded(a.text_content())
            for section in classed(tree, "section", "box")
            for a in section.iterfind(".//a")
            if a.get("href")
        ),
    }
    found = [*compared(place, entry.id, wanted, said), *_links(place, tree, entry, facts)]
    return (*found, *_embedded(place, tree, (entry.data,)))


def article_fields(tree: Any) -> dict[str, Any]:
    """What an article's page shows, by the names of `limits`."""
    article = tree.find(".//article")
    header = article.find("header") if article is not None else None
    lines = classed(header, "p", "meta")
    times = [time.get("datetime", "") for line in lines for time in line.iterfind(".//time")]
    updated = [
        time.get("datetime", "")
        for span in (s for line in lines for s in classed(line, "span", "when"))
        if span.find("span") is not None
        for time in span.iterfind("time")
    ]
    published = [value for value in times if value not in updated]
    tags = [folded(value) for value in meta(tree, "property", "article:tag")]
    return {
        "url": canonical(tree),
        "title": shown(header, "h1"),
        "summary": folded(next(iter(meta(tree, "name", "description")), "")),
        "published": published[0] if published else "",
        "updated": updated[0] if updated else "",
        "authors": _authors(lines),
        "text": " ".join(folded(body.text_content()) for body in classed(article, "div", "body")),
        "categories": (
            " ".join(folded(p.text_content()) for p in classed(header, "p", "kicker")),
            tuple(dict.fromkeys(filter(None, tags))),
        ),
        "language": tree.get("lang", ""),
    }


def records_of(tree: Any) -> list[dict[str, Any]]:
    """The nodes of the JSON-LD that extruct finds in a page, those of a graph one by one.

    Raises:
        ValueError: extruct cannot read it.
    """
    # extruct imports the reader of microformats first: three quarters of what loading it takes.
    load_late("mf2py")
    from extruct.jsonld import JsonLdExtractor

    try:
        documents = JsonLdExtractor().extract_items(tree)
    except Exception as error:
        raise ValueError(f"extruct cannot read the embedded record: {error!r}") from error
    return [node for document in documents for node in document.get("@graph", [document])]


def _authors(lines: list[Any]) -> tuple[str, ...]:
    found = [
        folded(element.text_content())
        for line in lines
        for by in classed(line, "span", "by")
        for element in by
        if element.tag == "bdi" or element.get("rel") == "author"
    ]
    return tuple(dict.fromkeys(filter(None, found)))


def _links(place: Place, tree: Any, entry: Entry, facts: Facts) -> Iterator[Difference]:
    records = [
        link.get("href", "")
        for link in tree.iterfind(".//head/link")
        if link.get("rel") == "alternate" and link.get("type") == "application/ld+json"
    ]
    if facts.record_url not in records:
        yield place.differs("record", facts.record_url, tuple(records), entry.id)


def _embedded(place: Place, tree: Any, records: tuple[JSON, ...]) -> tuple[Difference, ...]:
    try:
        nodes = records_of(tree)
    except ValueError as error:
        return place.refused(error)
    # A page is one text and holds no controls, not even in JSON.
    wanted = [cleaned_values(dict(record)) for record in records]
    return record_differences(place.path, place.format, [cleaned_values(node) for node in nodes], wanted)
