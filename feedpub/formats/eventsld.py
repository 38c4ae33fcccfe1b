"""The events of a feed as schema.org JSON-LD: what is on, the next one first.

The same flat graph as the feed of articles (`feedpub.formats.datafeed`), with the events themselves
for items. The articles that report an event are named by its `subjectOf`, as in its own record;
their nodes stand in the feed of articles. https://schema.org/Event
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from feedpub.config import Site
from feedpub.formats import datafeed
from feedpub.models import Channel, Entry


class EventsFormat:
    """A schema.org DataFeed of events in the order given, with their places, organisers and performers.

    It has no archive pages: an event leaves it by its date, and stays in the feed of articles. A
    withdrawn event is an item with `dateDeleted` alone.
    """

    name = "events"
    filename = "events.jsonld"
    media_type = "application/ld+json"
    version = "1"
    items: Literal["articles", "records", "events"] = "events"
    tombstones = True
    paged = False

    def __init__(self, site: Site) -> None:
        self._site = site

    def render(self, entry: Entry) -> bytes:
        """The event's part of the graph, not yet JSON."""
        return datafeed.render(entry)

    def assemble(self, channel: Channel, entries: Iterable[bytes]) -> Iterator[bytes]:
        """The feed with one node a line. Holds the nodes of the window in memory, as each may occur again."""
        return datafeed.assemble(channel, self.filename, entries, paged=False)
