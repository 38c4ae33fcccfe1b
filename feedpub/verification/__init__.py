"""Proof before publishing: every output is read back by a parser that had no part in writing it.

What the parser finds is compared, field by field, with facts taken from the record alone (`facts`);
`limits` is the table of what each format can carry. All formats are compared with the same facts,
so that they agree with each other. A file that a parser refuses is a `Difference` too, never an
exception. Pure: bytes and entries in, differences out.

    feed bytes ─ expat: ids, order, count; the items that changed ─ judge ─ fields ┐
    Entry ─ facts_of ─ what the format can carry ───────────────────────────────────┴ Difference

The judges: ElementTree and feedparser (RSS, Atom), JSON Schema (JSON Feed, DataFeed), rdflib's JSON-LD
processor, lxml and extruct (pages), vobject and icalendar (calendars), XSD (sitemaps).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from feedpub.config import Site
from feedpub.formats.graph import CONTEXT
from feedpub.models import JSON, Channel, Entry
from feedpub.verification.differences import Difference

__all__ = [
    "Difference",
    "verify_calendar_file",
    "verify_dump",
    "verify_event_page",
    "verify_feed",
    "verify_page",
    "verify_record",
    "verify_sitemap",
]

_FILENAMES = {
    "rss": "feed.xml",
    "atom": "feed.atom",
    "jsonfeed": "feed.json",
    "jsonld": "feed.jsonld",
    "events": "events.jsonld",
    "icalendar": "events.ics",
}
JUDGED = frozenset(_FILENAMES)
"""The formats of feeds for which there is a judge; of others nothing is said."""


def verify_feed(
    name: str,
    content: bytes,
    channel: Channel,
    entries: Sequence[Entry],
    site: Site,
    *,
    changed: set[str] | None = None,
) -> tuple[Difference, ...]:
    """All differences of one document of a feed, an archive page included.

    Args:
        name: the format's; of one that is not in `JUDGED`, nothing is found.
        content: the whole file.
        channel: the frame that it was written with.
        entries: all that it was written from, in their order, tombstones included where the format
            was given them.
        site: the newsroom.
        changed: ids of the entries to compare field by field; ids, order and count are always
            compared for all. None compares all.
    """
    if name not in JUDGED:
        return ()
    path = channel.path_of(_FILENAMES[name], channel.page)
    return _judged(path, name, lambda: _feed(path, name, content, channel, entries, changed=changed))


def verify_page(content: bytes, entry: Entry, site: Site) -> tuple[Difference, ...]:
    """All differences of the page of an article that is not withdrawn."""
    from feedpub.verification import pages

    path = entry.page_path or ""
    return _judged(path, "page", lambda: pages.article_differences(path, content, entry, site))


def verify_event_page(content: bytes, entry: Entry, site: Site) -> tuple[Difference, ...]:
    """All differences of the page of an event that is not withdrawn."""
    from feedpub.verification import pages

    path = entry.page_path or ""
    return _judged(path, "event page", lambda: pages.event_differences(path, content, entry, site))


def verify_record(content: bytes, entry: Entry) -> tuple[Difference, ...]:
    """All differences of the `.jsonld` of an article with its events, or of an event."""
    from feedpub.verification.linkeddata import record_differences
    from feedpub.verification.statements import graph_of, loaded

    path, records = entry.record_path, (entry.data, *entry.events)
    return _judged(
        path, "record", lambda: record_differences(path, "record", graph_of(loaded(content)), records)
    )


def verify_calendar_file(content: bytes, entry: Entry, site: Site) -> tuple[Difference, ...]:
    """All differences of the calendar file of one event."""
    from feedpub.verification import calendars
    from feedpub.verification.facts import facts_of

    path = entry.record_path.removesuffix(".jsonld") + ".ics"
    facts = facts_of(entry)
    return _judged(
        path,
        "icalendar",
        lambda: calendars.differences(path, content, channel=None, ids=[facts.id], facts={facts.id: facts}),
    )


def verify_sitemap(
    path: str, content: bytes, entries: Sequence[Entry] | None = None, *, news: bool = False
) -> tuple[Difference, ...]:
    """All differences of a sitemap or an index of sitemaps.

    Args:
        path: of the file in the output.
        content: the file.
        entries: what it lists, in order; None where only its form is to be judged.
        news: whether all of them stand there as news.
    """
    from feedpub.verification import sitemaps

    return _judged(path, "sitemap", lambda: sitemaps.differences(path, content, entries, news=news))


def verify_dump(path: str, content: bytes, records: Sequence[JSON]) -> tuple[Difference, ...]:
    """All differences of a file of the dump: one record a line, in the order of `records`."""
    from feedpub.verification.linkeddata import record_differences
    from feedpub.verification.statements import lines_of, loaded

    def judged() -> tuple[Difference, ...]:
        wanted = [{"@context": CONTEXT, **record} for record in records]
        if content.endswith(b"\n") and [loaded(line) for line in content.split(b"\n")[:-1]] == wanted:
            return ()  # word for word the records, which were read back by themselves
        return record_differences(path, "dump", lines_of(content), records)

    return _judged(path, "dump", judged)


def _feed(
    path: str,
    name: str,
    content: bytes,
    channel: Channel,
    entries: Sequence[Entry],
    *,
    changed: set[str] | None,
) -> tuple[Difference, ...]:
    if name in ("jsonld", "events"):
        from feedpub.verification import linkeddata

        return linkeddata.feed_differences(
            path, name, content, channel=channel, entries=entries, changed=changed
        )
    from feedpub.verification.facts import facts_of, is_dated
    from feedpub.verification.texts import cleaned

    wanted = [facts_of(entry) for entry in entries if changed is None or entry.id in changed]
    facts = {one.id: one for one in wanted}
    if name == "icalendar":
        from feedpub.verification import calendars

        dated = [cleaned(entry.id) for entry in entries if is_dated(entry.data)]
        return calendars.differences(path, content, channel=channel, ids=dated, facts=facts)
    ids = [cleaned(entry.id) for entry in entries]
    if name == "jsonfeed":
        from feedpub.verification import jsonfeeds

        return jsonfeeds.differences(path, content, channel=channel, ids=ids, facts=facts)
    from feedpub.verification import xmlfeeds

    return xmlfeeds.differences(path, name, content, channel=channel, ids=ids, facts=facts)


def _judged(path: str, name: str, judge: Callable[[], tuple[Difference, ...]]) -> tuple[Difference, ...]:
    """What the judge says; that it cannot read the file is a difference like any other."""
    from feedpub.verification.differences import Place

    try:
        return judge()
    except Exception as error:
        # Valid JSON can have any shape, and parsers meet bytes that nobody foresaw: it is this file's
        # fault, and must stop neither the refresh nor other files.
        return Place(path, name).refused(error if isinstance(error, ValueError) else repr(error))
