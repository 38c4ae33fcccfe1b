"""RSS and Atom, read back by two parsers that had no part in writing them: ElementTree and feedparser.

ElementTree (expat) reads every field to the letter, namespaces included. feedparser is what many
readers are built on; it mends and guesses, so that it is asked for what it keeps as it is, and what
it is compared with is mended alike.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree

from feedpub.models import Channel
from feedpub.verification import carried
from feedpub.verification.differences import Difference, Place, compared, indexed, sequence
from feedpub.verification.facts import Author, Enclosure, Facts
from feedpub.verification.texts import folded, instant, text_of, utc
from feedpub.verification.xmlcut import Cut, cut

ATOM, DC = "{http://www.w3.org/2005/Atom}", "{http://purl.org/dc/elements/1.1/}"
_ENCODED = "{http://purl.org/rss/1.0/modules/content/}encoded"
_MEDIA = "{http://search.yahoo.com/mrss/}content"
_TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
_ARCHIVE = "{http://purl.org/syndication/history/1.0}archive"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"

# In the text of a link feedparser takes "&copy;" for "&copy" with a semicolon too many.
_REFERENCE = re.compile("&([A-Za-z0-9_]+);")
Read = list[tuple[str, dict[str, Any]]]

_CATEGORIES = 500
ARCHIVE_STEP = 10
"""On an archive page, feedparser reads every tenth item."""


def differences(
    path: str,
    kind: str,
    content: bytes,
    *,
    channel: Channel | None,
    ids: Sequence[str],
    facts: Mapping[str, Facts],
) -> tuple[Difference, ...]:
    """All differences of an RSS ("rss") or Atom ("atom") document.

    Args:
        path: of the file, for messages.
        kind: "rss" or "atom".
        content: the file.
        channel: the frame that it should have; None where that is not known.
        ids: of all items that it should hold, in order.
        facts: of those to compare field by field, by id.
    """
    place = Place(path, kind)
    try:
        document = cut(content)
        part = document.only(facts.keys())
        root = ElementTree.fromstring(part)  # noqa: S314 - without a document type there are no entities
    except (ValueError, ElementTree.ParseError) as error:
        return place.refused(error)
    found = list(sequence(place, ids, document.ids))
    project = carried.rss if kind == "rss" else carried.atom
    expected = {one.id: project(one) for one in facts.values()}
    if channel is not None:
        found += compared(place, None, _frame(channel, kind), frame_of(root, kind))
    found += _items(place, expected, items_of(root, kind))
    # Of items with thousands of categories feedparser compares each with all before it.
    expected = {key: one for key, one in expected.items() if len(one.get("categories") or ()) <= _CATEGORIES}
    if channel is not None and channel.page is not None:
        # Its items were written by what feedparser watches in the subscription document; it takes ten
        # times as long as ElementTree, which has read them all.
        expected = dict(list(expected.items())[::ARCHIVE_STEP])
    if len(expected) < len(facts):
        part = document.only(expected.keys())
    found += _readers(Place(path, f"{kind}/feedparser"), kind, part, expected)
    return tuple(found)


def parsed(content: bytes) -> tuple[str, Any, Cut]:
    """The kind ("rss", "atom"), the root element and the items of a document of which nothing is known.

    Raises:
        ValueError: it is neither, or cannot be read.
    """
    document = cut(content)
    root = ElementTree.fromstring(content)  # noqa: S314 - without a document type there are no entities
    kind = {"rss": "rss", f"{ATOM}feed": "atom"}.get(root.tag)
    if kind is None:
        raise ValueError(f"the root element is {root.tag}, neither rss nor an Atom feed")
    return kind, root, document


def items_of(root: Any, kind: str) -> Read:
    """The fields of each item as ElementTree reads them, by the names of `limits`."""
    if kind == "rss":
        return [(_text(item, "guid"), _rss_item(item)) for item in root.iterfind("channel/item")]
    return [
        (element.get("ref", "").strip(), {"withdrawn": instant(element.get("when"))})
        if element.tag == _TOMBSTONE
        else (_text(element, f"{ATOM}id"), _atom_entry(element))
        for element in root
        if element.tag in (_TOMBSTONE, f"{ATOM}entry")
    ]


def frame_of(root: Any, kind: str) -> dict[str, Any]:
    """Title and links of a document: relation → addresses, and whether it is an archive page."""
    frame = root.find("channel") if kind == "rss" else root
    links: dict[str, list[str]] = {}
    for link in frame.findall(f"{ATOM}link") if frame is not None else ():
        links.setdefault(link.get("rel", "alternate"), []).append(link.get("href", ""))
    title = _text(frame, "title" if kind == "rss" else f"{ATOM}title") if frame is not None else ""
    wanted = ("self", "current", "prev-archive", "hub")
    said = {rel: links.get(rel, []) for rel in wanted}
    archive = frame is not None and frame.find(_ARCHIVE) is not None
    return {"title": title, "links": {**said, "archive": archive}}


def read_by_feedparser(content: bytes) -> Any:
    """What feedparser makes of it, with nothing resolved or sanitised.

    Raises:
        ValueError: feedparser finds it malformed.
    """
    import feedparser

    # As a stream: feedparser takes a text for an address or a file to open.
    read = feedparser.parse(io.BytesIO(content), sanitize_html=False, resolve_relative_uris=False)
    if read.bozo:
        raise ValueError(f"feedparser: {read.get('bozo_exception')}")
    return read


def _items(place: Place, expected: Mapping[str, dict[str, Any]], read: Read) -> Iterator[Difference]:
    known = indexed(read)
    for identifier, fields in expected.items():
        if identifier in known:
            yield from compared(place, identifier, fields, known[identifier])


def _frame(channel: Channel, kind: str) -> dict[str, Any]:
    filename = "feed.xml" if kind == "rss" else "feed.atom"
    page = channel.page is not None
    older = channel.previous_url(filename)
    links = {
        "self": [channel.self_url(filename)],
        "current": [channel.url_of(filename)] if page else [],
        "prev-archive": [older] if older else [],
        "hub": [] if page else list(dict.fromkeys(channel.hubs)),
        # Of the oldest Atom page it is left out, or validators would have that page lead on.
        "archive": page and not (kind == "atom" and older is None),
    }
    return {"title": folded(channel.title) or channel.home_url, "links": links}


def _text(element: Any, name: str) -> str:
    return folded(element.findtext(name))


def _texts(element: Any, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (folded(child.text) for child in element.iterfind(name)))))


def _rss_item(item: Any) -> dict[str, Any]:
    description, encoded = item.findtext("description"), item.findtext(_ENCODED)
    files = tuple(
        Enclosure(e.get("url", ""), e.get("type", ""), _number(e.get("length")))
        for e in item.iterfind("enclosure")
    )
    media = tuple(
        (m.get("url", ""), m.get("type", ""), _number(m.get("fileSize")) or None)
        for m in item.iterfind(_MEDIA)
    )
    return {
        "url": _text(item, "link"),
        "title": _text(item, "title"),
        "summary": text_of(description or ""),
        "published": _rfc822(item.findtext("pubDate")),
        "updated": instant(item.findtext(f"{ATOM}updated")),
        "authors": _texts(item, f"{DC}creator"),
        "text": folded(encoded or description),
        "encoded": bool(encoded),
        "categories": _texts(item, "category"),
        "language": _text(item, f"{DC}language"),
        "enclosures": (files, media),
    }


def _atom_entry(entry: Any) -> dict[str, Any]:
    links = entry.findall(f"{ATOM}link")
    pages = [link for link in links if link.get("rel", "alternate") == "alternate"]
    persons = entry.findall(f"{ATOM}author")
    content = entry.find(f"{ATOM}content")
    categories = [folded(c.get("term")) for c in entry.iterfind(f"{ATOM}category")]
    return {
        "url": pages[0].get("href", "") if pages else "",
        "title": _text(entry, f"{ATOM}title"),
        "summary": _text(entry, f"{ATOM}summary"),
        "published": instant(entry.findtext(f"{ATOM}published")),
        "updated": instant(entry.findtext(f"{ATOM}updated")),
        "authors": tuple(
            Author(_text(p, f"{ATOM}name"), _text(p, f"{ATOM}uri"), _text(p, f"{ATOM}email")) for p in persons
        ),
        "text": folded("".join(content.itertext())) if content is not None else "",
        "categories": tuple(dict.fromkeys(filter(None, categories))),
        "language": folded(entry.get(_LANGUAGE)),
        "enclosures": tuple(
            Enclosure(link.get("href", ""), link.get("type", ""), _number(link.get("length")))
            for link in links
            if link.get("rel") == "enclosure"
        ),
        "withdrawn": None,
    }


def _rfc822(text: str | None) -> datetime | str | None:
    if not text:
        return None
    try:
        found = parsedate_to_datetime(text.strip())
    except ValueError:
        return text
    return utc(found if found.tzinfo is not None else found.replace(tzinfo=UTC))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


# -- feedparser


def _readers(
    place: Place, kind: str, content: bytes, expected: Mapping[str, dict[str, Any]]
) -> Iterator[Difference]:
    """What feedparser finds otherwise. It knows no tombstones, and takes addresses out of RSS's authors."""
    try:
        read = read_by_feedparser(content)
    except ValueError as error:
        yield from place.refused(error)
        return
    known = indexed((entry.get("id", ""), _parsed_entry(entry, kind)) for entry in read.entries)
    for identifier, fields in expected.items():
        if fields.get("withdrawn"):
            continue
        if (entry := known.get(_mended(identifier))) is None:
            yield place.differs("id", identifier, None, identifier)
            continue
        wanted = {name: _mended(value) for name, value in fields.items() if name in entry}
        if kind == "atom":
            wanted["categories"] = fields["categories"]  # attributes are left alone
        else:
            wanted["url"] = _REFERENCE.sub(r"&\1", wanted["url"].replace("&amp;", "&"))
        if kind == "rss" and "enclosures" in wanted:
            wanted["enclosures"] = wanted["enclosures"][0]
        yield from compared(place, identifier, wanted, entry)


def _parsed_entry(entry: Any, kind: str) -> dict[str, Any]:
    contents = entry.get("content", ())
    summary = entry.get("summary", "")
    content = contents[0].get("value", "") if contents else ""
    files = [link for link in entry.get("links", ()) if link.get("rel") == "enclosure"]
    fields: dict[str, Any] = {
        "url": folded(entry.get("link")),
        "title": folded(entry.get("title")),
        "published": _tuple(entry.get("published_parsed")),
        "categories": tuple(folded(tag.get("term")) for tag in entry.get("tags", ())),
        "enclosures": tuple(
            Enclosure(f.get("href", ""), f.get("type", ""), _number(f.get("length"))) for f in files
        ),
    }
    if kind == "rss":
        return {**fields, "text": folded(content or summary), "summary": text_of(summary)}
    authors = tuple(
        Author(folded(a.get("name")), a.get("href", ""), a.get("email", ""))
        for a in entry.get("authors", ())
        if a
    )
    return {
        **fields,
        "text": folded(content),
        "summary": folded(summary) if summary != content or not content else None,
        "updated": _tuple(entry.get("updated_parsed")),
        "authors": authors,
    }


def _tuple(parsed: Any) -> datetime | None:
    return None if parsed is None else datetime(*parsed[:6]).replace(tzinfo=UTC)


def _mended(value: Any) -> Any:
    """`value` after the mending that feedparser does: it takes "Ã©" for an "é" that was encoded twice."""
    if isinstance(value, str):
        try:
            return folded(value.encode("iso-8859-1").decode("utf-8"))
        except UnicodeError:
            return value
    if isinstance(value, tuple):
        return tuple(map(_mended, value))
    return value  # names of authors are left alone
