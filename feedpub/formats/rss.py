"""RSS 2.0, written by feedgen, one item at a time.

feedgen knows whole feeds only, and some of its habits would hurt here; each is met where it
bites, with the reason beside it. Specification: https://www.rssboard.org/rss-specification,
with the RSS Advisory Board's profile, https://www.rssboard.org/rss-profile.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from feedpub.config import Site
from feedpub.formats.properties import first, headline, names, strings, without_controls, without_illegal
from feedpub.models import Channel, Entry, Media

NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "media": "http://search.yahoo.com/mrss/",
}

_TAG_LIKE = re.compile(r"<[A-Za-z/!?]")
_ITEM_END = b"</item>"


class RssFormat:
    """RSS 2.0 with full content, `dc:creator`, `media:content` and a self link.

    Not safe to use from several threads at once: feedgen switches the process's locale for the
    moment in which it writes a date.
    """

    name = "rss"
    filename = "feed.xml"
    media_type = "application/rss+xml"
    version = "1"
    items: Literal["articles", "records", "events"] = "articles"
    tombstones = False
    paged = True

    def __init__(self, site: Site) -> None:
        self._site = site

    def render(self, entry: Entry) -> bytes:
        """One `<item>` in UTF-8, without namespace declarations: the channel's frame declares them."""
        try:
            item = _item(entry, _unchanged)
        except ValueError:
            # lxml refuses text with control characters, and one such item would stop the whole feed.
            item = _item(entry, without_illegal)
        return without_controls(item)

    def assemble(self, channel: Channel, entries: Iterable[bytes]) -> Iterator[bytes]:
        """The feed as chunks, `entries` last in the channel, as the RSS profile asks."""
        frame = _frame(channel, channel.self_url(self.filename))
        end = frame.rindex(b"</channel>")
        yield frame[:end].rstrip() + b"\n"
        for entry in entries:
            yield entry
            yield b"\n"
        yield frame[end:]


def plain_text_as_html(text: str) -> str:
    """Plain text as HTML that reads the same.

    RSS descriptions are HTML to every reader. Text that reads the same either way ("AT&T",
    "3 < 5") stays as it is, for the sake of readers that don't decode entities.
    """
    if _TAG_LIKE.search(text) or ("&" in text and html.unescape(text) != text):
        return html.escape(text, quote=False)
    return text


def _unchanged(text: str) -> str:
    return text


def _zoned(moment: datetime) -> datetime:
    # Local mean times (before 1900 or so) have offsets with seconds, which RFC 822 cannot write.
    offset = moment.utcoffset()
    if offset is None or offset.total_seconds() % 60:
        return moment.astimezone(UTC)
    return moment


def _item(entry: Entry, safe: Callable[[str], str]) -> bytes:
    from feedgen.entry import FeedEntry
    from feedgen.ext.dc import DcEntryExtension
    from feedgen.ext.media import MediaEntryExtension
    from lxml import etree

    data = entry.data
    title = safe(headline(data))
    description = safe(plain_text_as_html(first(data.get("description"))))
    content = safe(entry.html)

    item = FeedEntry()
    item.register_extension("dc", DcEntryExtension, atom=False)
    item.register_extension("media", MediaEntryExtension, atom=False)
    if title:
        item.title(title)
    item.link(href=safe(entry.url))
    item.guid(safe(entry.id), permalink=False)
    if description:
        item.description(description)
    if content and (description or not title):
        # Escaped, not CDATA: "]]>" needs no care then, and carriage returns survive.
        item.content(content)
    elif not title and not description:
        item.description(safe(entry.url))  # RSS requires one of the two
    if entry.published_at is not None:
        item.published(_zoned(entry.published_at))
    categories = strings([*strings(data.get("articleSection")), *strings(data.get("keywords"))])
    if categories:
        item.category([{"term": safe(category)} for category in categories])
    # RSS's own <author> must hold a mail address, and feedgen drops it otherwise.
    creators = names(data.get("author"))
    if creators:
        item.dc.dc_creator([safe(creator) for creator in creators])
    languages = strings(data.get("inLanguage"))
    if languages:
        item.dc.dc_language([safe(language) for language in languages])
    _add_media(item, entry.media, safe)

    element = item.rss_entry()
    if content and title and not description:
        # feedgen would call the content "description" for want of one.
        encoded = etree.Element(f"{{{NAMESPACES['content']}}}encoded")
        encoded.text = content
        element.insert(2, encoded)
    # Serialised alone, an item would declare its namespaces itself, as ns0, ns1, …
    root = etree.Element("rss", nsmap=NAMESPACES)
    root.append(element)
    written: bytes = etree.tostring(root, encoding="utf-8")
    return written[written.index(b"<item>") : written.rindex(_ITEM_END) + len(_ITEM_END)]


def _add_media(item: Any, media: Iterable[Media], safe: Callable[[str], str]) -> None:
    enclosed = False
    for medium in media:
        url = safe(medium.url)
        kind = medium.media_type or ""
        if not enclosed and kind and medium.length is not None:
            # An enclosure must state its true length and type, and there can be only one.
            item.enclosure(url, medium.length, safe(kind))
            enclosed = True
        attributes = {"url": url}
        if medium.length is not None:
            attributes["fileSize"] = str(medium.length)
        if kind:
            attributes["type"] = safe(kind)
        if kind.startswith(("image/", "audio/", "video/")):
            attributes["medium"] = kind[:5]
        if medium.width and medium.height:
            attributes["width"] = str(medium.width)
            attributes["height"] = str(medium.height)
        # With its default group feedgen wraps unrelated pictures in one <media:group>.
        item.media.content(attributes, group=None)


def _frame(channel: Channel, self_url: str) -> bytes:
    from feedgen.feed import FeedGenerator
    from lxml import etree

    title = without_illegal(channel.title) or channel.home_url
    feed = FeedGenerator()
    feed.load_extension("dc", atom=False)
    feed.load_extension("media", atom=False)
    feed.title(title)
    feed.link(href=self_url, rel="self", type=RssFormat.media_type)
    feed.link(href=channel.home_url, rel="alternate")  # after it: feedgen takes the last link for <link>
    feed.description(plain_text_as_html(without_illegal(channel.description)) or title)
    feed.docs("https://www.rssboard.org/rss-specification")
    feed.generator(without_illegal(channel.generator))
    feed.ttl(channel.ttl_minutes)
    if channel.language:
        feed.language(without_illegal(channel.language))
    if channel.license:
        feed.copyright(without_illegal(channel.license))
    if channel.image_url:
        feed.image(without_illegal(channel.image_url), title=title, link=channel.home_url)
    if channel.updated_at is not None:
        feed.lastBuildDate(_zoned(channel.updated_at))

    root = etree.fromstring(feed.rss_str())
    if channel.updated_at is None:
        # feedgen says "now" if it isn't told, and unchanged input would give other bytes.
        for stamp in root.findall("channel/lastBuildDate"):
            stamp.getparent().remove(stamp)
    etree.indent(root)
    written: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"
