"""What RSS and Atom have in common: feedgen's documents, taken apart into a frame and its entries.

feedgen knows whole feeds only, and takes "now" for whatever time it isn't told. Here its entries
are cut out one by one, so that each can be kept, and its feeds become frames to put them in.
The links of a document (RFC 4287 section 4.2.7, RFC 5005 section 4, WebSub section 4) are the same
in both formats too: RSS borrows Atom's element.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from feedpub.models import Channel

ATOM = "http://www.w3.org/2005/Atom"
HISTORY = "http://purl.org/syndication/history/1.0"
"""The namespace of `fh:archive`, which marks an archive page (RFC 5005 section 4)."""


def new_feed() -> Any:
    """An empty feedgen feed that knows Dublin Core and Media RSS when it is written as RSS."""
    from feedgen.feed import FeedGenerator

    feed = FeedGenerator()
    feed.load_extension("dc", atom=False)
    feed.load_extension("media", atom=False)
    return feed


def new_entry() -> Any:
    """An empty feedgen entry that knows Dublin Core and Media RSS when it is written as RSS.

    Tell it `updated`: it would say "now".
    """
    from feedgen.entry import FeedEntry
    from feedgen.ext.dc import DcEntryExtension
    from feedgen.ext.media import MediaEntryExtension

    entry = FeedEntry()
    entry.register_extension("dc", DcEntryExtension, atom=False)
    entry.register_extension("media", MediaEntryExtension, atom=False)
    return entry


def zoned(moment: datetime) -> datetime:
    """`moment` in whole seconds, with an offset in whole minutes, as RFC 822 and RFC 3339 can write it.

    Local mean times (before 1900 or so) have offsets with seconds: these become UTC.
    """
    offset = moment.utcoffset()
    if offset is None or offset.total_seconds() % 60:
        moment = moment.astimezone(UTC)
    return moment.replace(microsecond=0)


def links(channel: Channel, filename: str) -> list[tuple[str, str]]:
    """The links of this document of a feed to others of it and to its hubs: relation and address.

    The subscription document names itself, the hubs and the newest archive page; an archive page
    itself, the subscription document and the next older page. No page names the next newer one,
    because that would change a page after it is full; and none names the hubs, which are asked
    about what changes.
    """
    found = [("self", channel.self_url(filename))]
    if channel.page is None:
        found += [("hub", hub) for hub in dict.fromkeys(channel.hubs)]
    else:
        found.append(("current", channel.url_of(filename)))
    older = channel.previous_url(filename)
    return found if older is None else [*found, ("prev-archive", older)]


def cut(element: Any, namespaces: Mapping[str, str]) -> bytes:
    """An lxml element as UTF-8 for a frame that declares `namespaces`, without declaring them itself."""
    from lxml import etree

    # Serialised alone, an element would declare its namespaces itself, as ns0, ns1, …
    root = etree.Element("frame", nsmap=dict(namespaces))
    root.append(element)
    written: bytes = etree.tostring(root, encoding="utf-8")
    return written[written.index(f"<{element.tag}".encode()) : written.rindex(b"</frame>")]


def framed(root: Any, namespaces: Mapping[str, str]) -> bytes:
    """A whole document as UTF-8 in which the root declares all `namespaces`, used or not."""
    from lxml import etree

    etree.cleanup_namespaces(root, top_nsmap=dict(namespaces), keep_ns_prefixes=list(namespaces))
    etree.indent(root)
    written: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def spliced(frame: bytes, end_tag: bytes, entries: Iterable[bytes]) -> Iterator[bytes]:
    """`frame` with `entries` before its last `end_tag`, as chunks."""
    end = frame.rindex(end_tag)
    yield frame[:end].rstrip() + b"\n"
    for entry in entries:
        yield entry
        yield b"\n"
    yield frame[end:]
