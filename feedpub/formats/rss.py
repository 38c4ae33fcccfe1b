"""RSS 2.0, written by feedgen, one item at a time.

Specification: https://www.rssboard.org/rss-specification, with the RSS Advisory Board's profile,
https://www.rssboard.org/rss-profile. RFC 5005 and WebSub lend it Atom's links.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from feedpub.config import Site
from feedpub.dates import rfc3339
from feedpub.formats.frames import ATOM, HISTORY, cut, framed, links, new_entry, new_feed, spliced, zoned
from feedpub.formats.properties import first, headline, names, readable, strings
from feedpub.models import Channel, Entry, Media

NAMESPACES = {
    "atom": ATOM,
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "fh": HISTORY,
    "media": "http://search.yahoo.com/mrss/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
}

_TAG_LIKE = re.compile(r"<[A-Za-z/!?]")
_PERIODS = {"hourly": 60, "daily": 24 * 60, "weekly": 7 * 24 * 60}
"""Minutes in a period; months and years have no fixed number of them."""


class RssFormat:
    """RSS 2.0 with full content, `dc:creator`, `media:content`, and links to itself, hubs and archives.

    An item also has `atom:updated`, which RSS itself cannot say: whoever walks the archive pages
    keeps, of several items with one guid, the one that was updated last.

    Not safe to use from several threads at once: feedgen switches the process's locale for the
    moment in which it writes a date.
    """

    name = "rss"
    filename = "feed.xml"
    media_type = "application/rss+xml"
    version = "2"
    items: Literal["articles", "records", "events"] = "articles"
    tombstones = False
    paged = True

    def __init__(self, site: Site) -> None:
        self._site = site

    def render(self, entry: Entry) -> bytes:
        """One `<item>` in UTF-8, without namespace declarations: the channel's frame declares them."""
        return _item(entry)

    def assemble(self, channel: Channel, entries: Iterable[bytes]) -> Iterator[bytes]:
        """The feed as chunks, `entries` last in the channel, as the RSS profile asks."""
        return spliced(_frame(channel), b"</channel>", entries)


def plain_text_as_html(text: str) -> str:
    """Plain text as HTML that reads the same.

    RSS descriptions are HTML to every reader. Text that reads the same either way ("AT&T",
    "3 < 5") stays as it is, for the sake of readers that don't decode entities.
    """
    if _TAG_LIKE.search(text) or ("&" in text and html.unescape(text) != text):
        return html.escape(text, quote=False)
    return text


def update_period(minutes: int) -> tuple[str, int] | None:
    """The timer in words of the syndication module: a period, and how often in it. 30 is ("hourly", 2).

    The period is the shortest that is not shorter than the timer. None where that cannot be said
    exactly, in whole times a period: `ttl` says it in any case, and a reader that heeds the period
    alone would wait far too long for "weekly, 1440 times".
    """
    for period, length in _PERIODS.items():
        if minutes <= length:
            return None if minutes < 1 or length % minutes else (period, length // minutes)
    return None


def _item(entry: Entry) -> bytes:
    from lxml import etree

    data = entry.data
    title = readable(headline(data))
    # Cleaned first: what a control character kept apart could become a tag without it.
    description = plain_text_as_html(readable(first(data.get("description"))))
    content = readable(entry.html)

    item = new_entry()
    if title.strip():
        item.title(title)
    item.link(href=readable(entry.url))
    item.guid(readable(entry.id), permalink=False)
    if description.strip():
        item.description(description)
    if content.strip():
        # Escaped, not CDATA: "]]>" needs no care then, and carriage returns survive. Without a
        # summary feedgen puts it into the description, where the RSS profile wants it then.
        item.content(content)
    elif not title.strip() and not description.strip():
        item.description(readable(entry.url))  # RSS requires one of the two
    if entry.published_at is not None:
        item.published(zoned(entry.published_at))
    said = [*strings(data.get("articleSection")), *strings(data.get("keywords"))]
    item.category([{"term": term} for term in strings([readable(text) for text in said])])
    # RSS's own <author> must hold a mail address, and feedgen drops it otherwise.
    creators = strings([readable(name) for name in names(data.get("author"))])
    if creators:
        item.dc.dc_creator(creators)
    languages = strings([readable(tag) for tag in strings(data.get("inLanguage"))])
    if languages:
        item.dc.dc_language(languages)
    _add_media(item, entry.media)

    element = item.rss_entry()
    if entry.updated_at is not None:
        etree.SubElement(element, f"{{{ATOM}}}updated").text = rfc3339(zoned(entry.updated_at))
    return cut(element, NAMESPACES)


def _add_media(item: Any, media: Iterable[Media]) -> None:
    enclosed = False
    for medium in media:
        url = readable(medium.url)
        kind = readable(medium.media_type or "")
        if not enclosed and kind and medium.length is not None:
            # An enclosure must state its true length and type, and there can be only one.
            item.enclosure(url, medium.length, kind)
            enclosed = True
        attributes = {"url": url}
        if medium.length:
            attributes["fileSize"] = str(medium.length)
        if kind:
            attributes["type"] = kind
        if kind.startswith(("image/", "audio/", "video/")):
            attributes["medium"] = kind[:5]
        if medium.width and medium.height:
            attributes["width"] = str(medium.width)
            attributes["height"] = str(medium.height)
        # With its default group feedgen wraps unrelated pictures in one <media:group>. There is no
        # media:description: feedparser takes it for the item's own description.
        item.media.content(attributes, group=None)


def _frame(channel: Channel) -> bytes:
    from lxml import etree

    title = readable(channel.title)
    if not title.strip():
        title = channel.home_url
    feed = new_feed()
    feed.title(title)
    feed.link(href=channel.self_url(RssFormat.filename), rel="self", type=RssFormat.media_type)
    feed.link(href=channel.home_url, rel="alternate")  # after it: feedgen takes the last link for <link>
    description = readable(channel.description)
    feed.description(plain_text_as_html(description if description.strip() else title))
    feed.docs("https://www.rssboard.org/rss-specification")
    feed.generator(readable(channel.generator))
    if channel.language:
        feed.language(readable(channel.language))
    if channel.license:
        feed.copyright(readable(channel.license))
    if channel.image_url:
        feed.image(readable(channel.image_url), title=title, link=channel.home_url)
    if channel.updated_at is not None:
        feed.lastBuildDate(zoned(channel.updated_at))
    if channel.page is None:
        feed.ttl(channel.ttl_minutes)

    root = etree.fromstring(feed.rss_str())
    if channel.updated_at is None:
        # feedgen says "now" if it isn't told, and unchanged input would give other bytes.
        for stamp in root.findall("channel/lastBuildDate"):
            stamp.getparent().remove(stamp)
    _extend(root.find("channel"), channel)
    return framed(root, NAMESPACES)


def _extend(element: Any, channel: Channel) -> None:
    """Add what feedgen does not write, or writes under names that do not exist."""
    from lxml import etree

    for relation, url in links(channel, RssFormat.filename):
        if relation != "self":
            typed = {} if relation == "hub" else {"type": RssFormat.media_type}
            etree.SubElement(element, f"{{{ATOM}}}link", {"href": url, "rel": relation, **typed})
    if channel.page is not None:
        etree.SubElement(element, f"{{{HISTORY}}}archive")
        return  # it does not change any more, so it does not say when to come back
    period = update_period(channel.ttl_minutes)
    if period is not None:
        for name, value in zip(("updatePeriod", "updateFrequency"), period, strict=True):
            etree.SubElement(element, f"{{{NAMESPACES['sy']}}}{name}").text = str(value)
