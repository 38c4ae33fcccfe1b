"""Atom 1.0, written by feedgen, one entry at a time.

RFC 4287, with the tombstones of RFC 6721 and the archives of RFC 5005 (section 4). Sections that
are named without an RFC are those of RFC 4287.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Literal
from xml.sax.saxutils import quoteattr

from feedpub.config import Site
from feedpub.dates import rfc3339
from feedpub.formats.frames import HISTORY, cut, framed, links, new_entry, new_feed, spliced, zoned
from feedpub.formats.properties import first, headline, listed, names, readable, strings
from feedpub.models import Channel, Entry
from feedpub.urls import is_absolute_iri, named_uuid

TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"

_PAGE_TYPE, _RECORD_TYPE = "text/html", "application/ld+json"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
# RFC 4287 section 3.2.3 asks for an addr-spec; what is surely none is left out.
_EMAIL = re.compile(r"[^\s<>()@,;:\"\\]+@[^\s<>()@,;:\"\\]+\.[^\s<>()@,;:\"\\]+")


class AtomFormat:
    """Atom 1.0 with full content, every author, enclosures, the record's address, and tombstones.

    The feed's id comes of the newsroom's key and the feed's path: it outlives a change of address,
    and all archive pages share it.
    """

    name = "atom"
    filename = "feed.atom"
    media_type = "application/atom+xml"
    version = "1"
    items: Literal["articles", "records", "events"] = "articles"
    tombstones = True
    paged = True

    def __init__(self, site: Site) -> None:
        self._site = site

    def render(self, entry: Entry) -> bytes:
        """One `<entry>` in UTF-8, its namespace left to the frame; a withdrawn one as `<at:deleted-entry>`."""
        return _entry(entry) if entry.withdrawn_at is None else _tombstone(entry.id, entry.withdrawn_at)

    def assemble(self, channel: Channel, entries: Iterable[bytes]) -> Iterator[bytes]:
        """The feed as chunks, `entries` last in it.

        The feed always has an author, which holds for entries without one (section 4.1.1). A feed
        that never held anything was "updated" at the epoch, as Atom wants a time.
        """
        identifier = named_uuid(self._site.key, "feed", channel.path)
        return spliced(_frame(channel, identifier), b"</feed>", entries)


def _entry(entry: Entry) -> bytes:
    data = entry.data
    item = new_entry()
    item.id(readable(entry.id))
    title = readable(headline(data))
    item.title(title if title.strip() else readable(entry.url))
    if entry.updated_at is None:
        raise ValueError(f"{entry.id}: Atom needs a time for every entry; give datePublished or dateModified")
    item.updated(zoned(entry.updated_at))
    if entry.published_at is not None:
        item.published(zoned(entry.published_at))
    item.author(_persons(data.get("author")))
    summary = readable(first(data.get("description")))
    if summary.strip():
        item.summary(summary)
    content = readable(entry.html)
    if content.strip():
        item.content(content, type="html")
    said = [*strings(data.get("articleSection")), *strings(data.get("keywords"))]
    item.category([{"term": term} for term in strings([readable(text) for text in said])])
    rights = readable(first(names(data.get("license"))))
    if rights.strip():
        item.rights(rights)
    attributes = _links(entry)
    item.link([{"href": link["href"]} for link in attributes])

    element = item.atom_entry()
    # feedgen forgets all of an entry's links but their addresses.
    for link, wanted in zip(element.findall("link"), attributes, strict=True):
        link.attrib.update(wanted)
    language = readable(first(data.get("inLanguage")))
    if language.strip():
        element.set(_LANGUAGE, language)
    return cut(element, {})


def _links(entry: Entry) -> list[dict[str, str]]:
    """What an entry leads to, the page first. No two alternates have the same type (section 4.1.2)."""
    url, record_url = readable(entry.url), readable(entry.record_url)
    # Without a page the record itself is what feeds link to.
    page_type = _RECORD_TYPE if url == record_url and url.endswith(".jsonld") else _PAGE_TYPE
    found = [{"href": url, "rel": "alternate", "type": page_type}]
    if record_url != url:
        # Not another alternate: newsboat opens the last of those.
        found.append({"href": record_url, "rel": "related", "type": _RECORD_TYPE})
    for medium in entry.media:
        if medium.media_type and medium.length is not None:
            link = {
                "href": readable(medium.url),
                "rel": "enclosure",
                "type": readable(medium.media_type),
                "length": str(medium.length),
            }
            title = readable(medium.alternative_text or "")
            found.append({**link, "title": title} if title.strip() else link)
    return found


def _persons(value: object) -> list[dict[str, str]]:
    """People and organisations as Atom's Person constructs (section 3.2): name, and uri and email if known."""
    found: list[dict[str, str]] = []
    for agent in listed(value):
        node = agent if isinstance(agent, Mapping) else {"name": agent}
        person = {"name": readable(first(node.get("name")))}
        uri = readable(first(node.get("url")))
        if is_absolute_iri(uri):
            person["uri"] = uri
        email = readable(first(node.get("email"))).removeprefix("mailto:")
        if _EMAIL.fullmatch(email):
            person["email"] = email
        if person["name"].strip() and person not in found:
            found.append(person)
    return found


def _tombstone(identifier: str, withdrawn_at: datetime) -> bytes:
    """RFC 6721 section 3. It declares its own namespace: feeds without tombstones need not know it."""
    ref, when = quoteattr(readable(identifier)), rfc3339(zoned(withdrawn_at))
    return f'<at:deleted-entry xmlns:at="{TOMBSTONES}" ref={ref} when="{when}"/>'.encode()


def _frame(channel: Channel, identifier: str) -> bytes:
    from lxml import etree

    title = readable(channel.title)
    if not title.strip():
        title = channel.home_url
    feed = new_feed()
    feed.id(identifier)
    feed.title(title)
    feed.updated(zoned(channel.updated_at or _NEVER))
    feed.author(_persons(channel.publisher) or [{"name": title}])
    for relation, url in links(channel, AtomFormat.filename):
        typed = {} if relation == "hub" else {"type": AtomFormat.media_type}
        feed.link(href=url, rel=relation, **typed)
    feed.link(href=channel.home_url, rel="alternate", type=_PAGE_TYPE)
    feed.generator(*_generator(readable(channel.generator)))
    subtitle, rights, language = map(
        readable, (channel.description, channel.license or "", channel.language or "")
    )
    if subtitle.strip():
        feed.subtitle(subtitle)
    if rights.strip():
        feed.rights(rights)
    if language.strip():
        feed.language(language)
    if channel.image_url:
        # A logo may have any shape, an icon should be square (section 4.2.5): which nobody told us.
        feed.logo(readable(channel.image_url))

    root = etree.fromstring(feed.atom_str())
    if channel.page is None or channel.previous_page is None:
        # The mark only should be there (section 4), and the W3C validator would have a page with it lead on.
        return framed(root, {})
    etree.SubElement(root, f"{{{HISTORY}}}archive")
    return framed(root, {"fh": HISTORY})


def _generator(text: str) -> tuple[str, str | None]:
    """The program's name and its version: "feedpub 0.1.0" is both."""
    name, _, version = text.rpartition(" ")
    return (name, version) if name.strip() and version[:1].isdigit() else (text, None)
