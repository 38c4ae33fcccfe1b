"""OPML 2.0: all feeds in one list, to load into a feed reader.

http://opml.org/spec2.opml, section "Subscription lists".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from feedpub.config import Site
from feedpub.dates import rfc822
from feedpub.formats import wording
from feedpub.formats.feedkinds import FACETS, Feed, by_facet
from feedpub.formats.feedkinds import feeds as sorted_feeds
from feedpub.formats.properties import without_controls, without_illegal
from feedpub.models import Alternate

FILENAME = "feeds.opml"
MEDIA_TYPE = "text/x-opml"


def render(
    site: Site,
    feeds: Iterable[Alternate],
    updated_at: datetime | None = None,
    pages: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """The list in UTF-8: each feed once, as RSS or else as Atom, those of sections and the like in folders.

    Where there is no such feed it holds a link to the site, as OPML has no empty list.

    Args:
        site: For title, owner, language.
        feeds: All that there is to subscribe to, the main feed first.
        updated_at: When the list changed last (aware), or None to leave that out.
        pages: Folder of a feed ("sections/world") → its page, relative to the output; others have
            the front page.
    """
    from lxml import etree

    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    for name, value in _head(site, updated_at):
        etree.SubElement(head, name).text = without_illegal(value)
    body = etree.SubElement(root, "body")
    phrases = wording.PHRASES[wording.known(site.language)]
    listed = [feed for feed in sorted_feeds(feeds, site) if feed.address("rss", "atom")]
    for facet, members in by_facet(listed).items():
        parent = body
        if facet:
            title = phrases[FACETS[facet]]
            parent = etree.SubElement(body, "outline", text=title, title=title)
        for feed in members:
            etree.SubElement(parent, "outline", _outline(feed, site, pages))
    if not listed:
        etree.SubElement(body, "outline", _texts(text=site.title or site.url, type="link", url=site.url))
    etree.indent(root)
    written: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True)
    return without_controls(written) + b"\n"


def _head(site: Site, updated_at: datetime | None) -> Iterable[tuple[str, str]]:
    yield "title", site.title
    if updated_at is not None:
        yield "dateModified", rfc822(updated_at.astimezone(UTC))
    if site.publisher is not None:
        yield "ownerName", site.publisher.name
    yield "ownerId", site.url
    yield "docs", "http://opml.org/spec2.opml"


def _outline(feed: Feed, site: Site, pages: Mapping[str, str]) -> dict[str, str]:
    address = feed.address("rss", "atom")
    title = feed.title or feed.folder or site.title or site.url
    # "rss" stands for every feed that a reader can subscribe to; OPML knows no other word.
    found = _texts(
        type="rss", text=title, title=title, xmlUrl=address.url if address else "",
        htmlUrl=site.url + pages.get(feed.folder, ""),
    )  # fmt: skip
    if not feed.folder and site.description:
        found |= _texts(description=site.description)
    return found


def _texts(**attributes: str) -> dict[str, str]:
    return {name: without_illegal(value) for name, value in attributes.items()}
