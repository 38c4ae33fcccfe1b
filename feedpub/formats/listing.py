"""The page of one section, keyword or author: its newest articles, its events, and its feeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from feedpub.config import Site
from feedpub.formats import wording
from feedpub.formats.eventlines import event_line
from feedpub.formats.feedcards import cards
from feedpub.formats.feedkinds import discoverable
from feedpub.formats.pageparts import up_from
from feedpub.formats.teasers import story
from feedpub.formats.templating import labels, rendered
from feedpub.models import JSON, Alternate, Entry

VERSION = "1"


def render_listing(
    *,
    site: Site,
    title: str,
    entries: Sequence[Entry],
    feeds: Sequence[Alternate],
    path: str,
    events: Iterable[JSON] = (),
    event_pages: Mapping[str, str] = MappingProxyType({}),
    section_pages: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """The page at `path`, in UTF-8.

    Args:
        site: The newsroom.
        title: The section, keyword or author.
        entries: Newest first, none withdrawn.
        feeds: This page's own feed in each of its formats.
        path: Where the page stands in the output: "sections/world/index.html".
        events: Events to come, soonest first.
        event_pages: The `@id` of an event → our page about it, relative to the output.
        section_pages: A section's name → its page, relative to the output.
    """
    up = up_from(path)
    stories = [story(entry, site, up, section_pages) for entry in entries]
    return rendered(
        "listing.html",
        ("style.css", "frontpage.css", "listing.css"),
        site=site,
        page_language=site.language,
        labels=labels(site.language, None),
        alternates=discoverable(feeds, site),
        home=f"{up}index.html",
        url=site.url + path.removesuffix("index.html"),
        title=title,
        stories=stories,
        events=[event_line(event, site.language, None, event_pages, up) for event in events],
        feeds=cards(feeds, site, wording.known(site.language), up),
    )
