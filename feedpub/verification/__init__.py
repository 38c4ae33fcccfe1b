"""Proof before publishing: every output is read back by a parser that had no part in writing it.

What the parser finds is compared, field by field, with facts taken from the record alone (`facts`);
`limits` is the table of what each format can carry. All formats are compared with the same facts,
so that they agree with each other. A file that a parser refuses is a `Difference` too, never an
exception. Pure: bytes and entries in, differences out.

    feed bytes ─ expat: ids, order, count; the items that changed ─ judge ─ fields ┐
    Entry ─ facts_of ─ what the format can carry ───────────────────────────────────┴ Difference

The judges: ElementTree and feedparser (RSS, Atom), JSON Schema (JSON Feed, DataFeed), rdflib's JSON-LD
processor, lxml and extruct (pages), vobject and icalendar (calendars), XSD (sitemaps), Python's own parsers
(OPML, robots.txt, the changes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from feedpub.config import Site
from feedpub.formats.graph import CONTEXT
from feedpub.models import JSON, Alternate, Channel, Entry
from feedpub.verification.differences import Difference

if TYPE_CHECKING:
    from feedpub.verification.changes import Change

__all__ = [
    "Difference",
    "verify_calendar_file",
    "verify_changes",
    "verify_dump",
    "verify_event_page",
    "verify_feed",
    "verify_front_page",
    "verify_index",
    "verify_listing",
    "verify_opml",
    "verify_page",
    "verify_record",
    "verify_redirect",
    "verify_robots",
    "verify_sitemap",
    "verify_withdrawn",
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


def verify_withdrawn(path: str, content: bytes, entry: Entry, site: Site) -> tuple[Difference, ...]:
    """All differences of the page that stands where a withdrawn article or event was."""
    from feedpub.verification import notices

    return _judged(path, "notice", lambda: notices.withdrawn_differences(path, content, entry, site))


def verify_redirect(path: str, content: bytes, entry: Entry, site: Site) -> tuple[Difference, ...]:
    """All differences of the page at an address that an article has left."""
    from feedpub.verification import notices

    return _judged(path, "redirect", lambda: notices.redirect_differences(path, content, entry, site))


def verify_front_page(
    content: bytes,
    *,
    site: Site,
    entries: Sequence[Entry],
    events: Sequence[Entry],
    alternates: Sequence[Alternate],
    limit: int,
) -> tuple[Difference, ...]:
    """All differences of the front page.

    Args:
        content: the page.
        site: the newsroom.
        entries: the newest articles, of which the first `limit` are shown and all are sorted into sections.
        events: those to come, in order.
        alternates: all that there is to subscribe to, the main feed first.
        limit: how many articles stand in the list itself.
    """
    from feedpub.verification import lists

    path = "index.html"
    listed = lists.Listed(path, site, None, entries, events, alternates, limit)
    return _judged(path, lists.FRONT_PAGE, lambda: lists.differences(content, listed))


def verify_listing(
    path: str,
    content: bytes,
    *,
    site: Site,
    title: str,
    entries: Sequence[Entry],
    events: Sequence[Entry],
    feeds: Sequence[Alternate],
) -> tuple[Difference, ...]:
    """All differences of the page of a section, keyword, author or feed; `feeds` are its own in each format."""
    from feedpub.verification import lists

    listed = lists.Listed(path, site, title, entries, events, feeds, len(entries))
    return _judged(path, lists.LISTING, lambda: lists.differences(content, listed))


def verify_opml(
    path: str, content: bytes, site: Site, alternates: Sequence[Alternate], pages: Mapping[str, str]
) -> tuple[Difference, ...]:
    """All differences of the list of feeds; `pages` leads from a feed's folder to its page in the output."""
    from feedpub.verification import outlines

    return _judged(
        path, outlines.FORMAT, lambda: outlines.differences(path, content, site, alternates, pages)
    )


def verify_robots(path: str, content: bytes, site: Site, sitemaps: Sequence[str]) -> tuple[Difference, ...]:
    """All differences of robots.txt; `sitemaps` are the paths that it should name."""
    from feedpub.verification import robots

    return _judged(path, robots.FORMAT, lambda: robots.differences(path, content, site, sitemaps))


def verify_changes(path: str, content: bytes, changes: Sequence[Change]) -> tuple[Difference, ...]:
    """All differences of a file of numbered changes."""
    from feedpub.verification import changes as judge

    return _judged(path, judge.FORMAT, lambda: judge.differences(path, content, changes))


def verify_index(path: str, content: bytes, said: Mapping[str, Any]) -> tuple[Difference, ...]:
    """All differences of `dump.json` or `changes.json`, which should say just this."""
    from feedpub.verification import changes as judge

    return _judged(path, judge.INDEX, lambda: judge.index_differences(path, content, said))


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
