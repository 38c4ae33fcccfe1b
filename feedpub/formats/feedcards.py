"""What there is to subscribe to, as our pages show it: the main feed at length, every other in one row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from feedpub.config import Site
from feedpub.formats import wording
from feedpub.formats.feedkinds import FACETS, Address, Feed, by_facet, feeds
from feedpub.formats.pageparts import near
from feedpub.models import Alternate

_ORDER = ("rss", "atom", "jsonfeed", "calendar", "opml", "jsonld", "events", "other")


def cards(alternates: Iterable[Alternate], site: Site, words: str, up: str = "./") -> list[dict[str, Any]]:
    """The first feed's addresses, each with what one does with it: people's formats before programs'.

    Args:
        alternates: The feed to show comes first; others are passed over.
        site: The newsroom.
        words: The language of our words: a key of `wording.PHRASES`.
        up: What leads from the page to the output's root.
    """
    found = feeds(alternates, site)
    phrases = wording.PHRASES[words]
    return [
        {
            "title": f"{phrases[f'feed_{one.kind}']} ({one.name})",
            "how": phrases[f"feed_{one.kind}_how"],
            "href": near(one.url, site.url, up),
            "url": one.url,
            "media_type": one.media_type,
        }
        for one in (_ordered(found[0]) if found else ())
    ]


def rows(
    alternates: Iterable[Alternate],
    site: Site,
    words: str,
    pages: Mapping[str, str] = MappingProxyType({}),
) -> list[dict[str, Any]]:
    """Every feed but the first in groups with a title: a row has the feed's name and a link for each format.

    Args:
        alternates: All that there is.
        site: The newsroom; a feed's title is told without the site's before it.
        words: As for `cards`.
        pages: A feed's folder → its page, relative to the output.
    """
    phrases = wording.PHRASES[words]
    return [
        {
            "title": phrases[FACETS.get(facet, "narrow_other")],
            "feeds": [
                {
                    "title": feed.title.removeprefix(f"{site.title}: ") or feed.folder,
                    "url": f"./{pages[feed.folder]}" if feed.folder in pages else "",
                    "formats": [
                        {
                            "name": phrases["feed_events_short"] if one.kind == "events" else one.name,
                            "href": near(one.url, site.url, "./"),
                            "media_type": one.media_type,
                        }
                        for one in _ordered(feed)
                    ],
                }
                for feed in members
            ],
        }
        for facet, members in by_facet(feeds(alternates, site)[1:]).items()
    ]


def _ordered(feed: Feed) -> list[Address]:
    return sorted(feed.addresses, key=lambda one: _ORDER.index(one.kind))
