"""What articles are written as. A format renders one entry at a time and splices them into files.

`render` knows neither channel nor window, so its result is kept and reused for as long as the
entry's digest, the site and the format's `version` stay the same; `assemble` streams one whole
file around rendered entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, Protocol

from feedpub.models import Channel, Entry

BUILT_IN = {
    "rss": "feedpub.formats.rss:RssFormat",
    "atom": "feedpub.formats.atom:AtomFormat",
    "jsonld": "feedpub.formats.jsonld:JsonLdFormat",
    "jsonfeed": "feedpub.formats.jsonfeed:JsonFeedFormat",
    "events": "feedpub.formats.eventsld:EventsFormat",
    "icalendar": "feedpub.formats.icalendar:CalendarFormat",
}
"""Name → "module:class" of the formats that come along. The class is called with the `Site`."""


class Format(Protocol):
    """SEAM 3: one feed format."""

    name: str
    filename: str
    media_type: str
    version: str
    items: Literal["articles", "records", "events"]
    """What the entries are: a feed's articles, or the events that they report; with "records", the
    articles, and in the main feed also the events that have a document of their own."""
    tombstones: bool
    """Whether withdrawn entries are handed to `assemble` too."""
    paged: bool
    """Whether what has left the window is written to archive pages (RFC 5005)."""

    def render(self, entry: Entry) -> bytes:
        """One entry, a pure function of it and the site."""

    def assemble(self, channel: Channel, entries: Iterable[bytes]) -> Iterator[bytes]:
        """The whole file as chunks: the frame of `channel` around `entries`.

        Articles come newest first; events by their date, the next one first.
        """
