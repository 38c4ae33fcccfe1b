"""schema.org JSON-LD: the feed of articles, and the documents of single records.

Records are nested; the feed is one flat graph (`feedpub.formats.datafeed`, which also says how its
archive pages hang together). https://www.w3.org/TR/json-ld11/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import orjson

from feedpub.config import Site
from feedpub.formats import datafeed
from feedpub.formats.graph import CONTEXT, Node
from feedpub.models import JSON, Channel, Entry


class JsonLdFormat:
    """A schema.org DataFeed: its items, then every article, event, person, organisation and place once."""

    name = "jsonld"
    filename = "feed.jsonld"
    media_type = "application/ld+json"
    version = "1"
    items: Literal["articles", "records", "events"] = "records"
    tombstones = True
    paged = True

    def __init__(self, site: Site) -> None:
        self._site = site

    def render(self, entry: Entry) -> bytes:
        """The entry's part of the graph, not yet JSON."""
        return datafeed.render(entry)

    def assemble(self, channel: Channel, entries: Iterable[bytes]) -> Iterator[bytes]:
        """The feed with one node a line. Holds the nodes of the window in memory, as each may occur again."""
        return datafeed.assemble(channel, self.filename, entries, paged=True)


def record_document(*records: JSON) -> bytes:
    """The `.jsonld` of records that belong together (an article and its events), nested and indented."""
    return orjson.dumps(_graph(records), default=dict, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def embedded(*records: JSON) -> str:
    """The same document for a `<script type="application/ld+json">`, which no text in it can close.

    https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements
    """
    return orjson.dumps(_graph(records), default=dict).decode().replace("<", "\\u003c")


def _graph(records: Iterable[JSON]) -> Node:
    return {"@context": CONTEXT, "@graph": list(records)}
