"""A schema.org DataFeed as one flat graph: the feed, its items, then every node once.

**Pages.** What has left the subscription document stands in archive pages, each a DataFeed of its
own: `@id` is the page's address, `position` its number (1 is the oldest), `isPartOf` the
subscription document, whose `@id` stands for the whole feed. In every document the whole feed
states by `hasPart` the one page with what is older; in an archive page it has a node for that
beside the page's own. Without a `hasPart` there is nothing older. A reader follows it from the
subscription document and keeps of each record the version whose item has the newest
`dateModified` (or `dateDeleted`).

Why these properties: `previousItem` and `nextItem` belong to a ListItem, `isBasedOn` and
`workExample` mean something else, and a page that had the older one for a part would say that it
contains it. This way each statement is true by itself, and all documents loaded into one graph
say together that the feed has these parts in this order.

https://schema.org/DataFeed, https://schema.org/hasPart, https://schema.org/position
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from urllib.parse import quote

import orjson

from feedpub.dates import rfc3339
from feedpub.formats.graph import CONTEXT, Graph, Node, node_lines
from feedpub.models import Channel, Entry


def render(entry: Entry) -> bytes:
    """The entry's part of the graph, not yet JSON: one line with its times, one for each node."""
    created, modified = entry.first_seen_at, entry.updated_at
    if created is not None and modified is not None:
        # Of the item, not of the article: it can't have changed before it was there.
        modified = max(created, modified)
    stated = {"created": created, "modified": modified, "deleted": entry.withdrawn_at}
    head: Node = {name: rfc3339(at) for name, at in stated.items() if at is not None}
    if entry.withdrawn_at is not None:
        return orjson.dumps({**head, "items": [entry.id]})
    records = (entry.data, *entry.events)
    head["items"] = list(dict.fromkeys(record["@id"] for record in records))
    return b"\n".join([orjson.dumps(head), *node_lines(records)])


def assemble(channel: Channel, filename: str, entries: Iterable[bytes], *, paged: bool) -> Iterator[bytes]:
    """The feed with one node a line, its items in the order of `entries`.

    Holds the nodes of the window in memory, as each may occur again. Without `paged` nothing is
    said of archive pages.
    """
    self_url = channel.self_url(filename)
    items: dict[str, Node] = {}
    graph = Graph()
    for entry in entries:
        head, *lines = entry.split(b"\n")
        graph.add(lines, _add_items(items, orjson.loads(head), self_url))
    if channel.publisher is not None and "@id" in channel.publisher:
        graph.add_agent(channel.publisher)

    yield b'{\n"@context": "' + CONTEXT.encode() + b'",\n"@graph": [\n'
    feed = _feed(channel, self_url)
    whole = _paging(channel, filename, feed) if paged else None
    feed["dataFeedElement"] = [{"@id": item} for item in items]
    yield orjson.dumps(feed)
    if whole is not None:
        yield b",\n" + orjson.dumps(whole)
    for item in items.values():
        yield b",\n" + orjson.dumps(item)
    for node in graph.nodes():
        yield b",\n" + node
    yield b"\n]\n}\n"


def item_iri(feed_url: str, record_id: str) -> str:
    """The `@id` of a record's DataFeedItem: the feed's address with the record's id as its fragment."""
    # RFC 3986 section 3.5 allows these in a fragment; "%" itself is escaped, so no two ids meet.
    return f"{feed_url}#{quote(record_id, safe=':/?@!$&()*+,;=~')}"


def _feed(channel: Channel, self_url: str) -> Node:
    feed: Node = {"@type": "DataFeed", "@id": self_url, "name": channel.title}
    if channel.description:
        feed["description"] = channel.description
    feed["url"] = self_url
    if channel.publisher is not None:
        known = channel.publisher.get("@id")
        feed["publisher"] = {"@id": known} if known else dict(channel.publisher)
    if channel.license:
        feed["license"] = channel.license
    if channel.language:
        feed["inLanguage"] = channel.language
    if channel.updated_at is not None:
        feed["dateModified"] = rfc3339(channel.updated_at)
    return feed


def _paging(channel: Channel, filename: str, feed: Node) -> Node | None:
    """Say in `feed` where it belongs among the pages; returns the whole feed's node where that is another."""
    older_url = channel.previous_url(filename)
    if channel.page is None:
        if older_url is not None:
            feed["hasPart"] = {"@id": older_url}
        return None
    whole_url = channel.url_of(filename)
    feed["position"] = channel.page
    feed["isPartOf"] = {"@id": whole_url}
    if older_url is None:
        return None
    return {"@type": "DataFeed", "@id": whole_url, "hasPart": {"@id": older_url}}


_TIMES = {"created": "dateCreated", "modified": "dateModified", "deleted": "dateDeleted"}


def _add_items(items: dict[str, Node], head: Node, self_url: str) -> int:
    """Add the DataFeedItems of one entry; returns how many of its nodes are records."""
    for record_id in head["items"]:
        iri = item_iri(self_url, record_id)
        known = items.get(iri)
        if known is not None:
            # An event that several articles report: it came with the first and changed with the last.
            for name, chosen in (("created", min), ("modified", max)):
                if name in head:
                    key = _TIMES[name]
                    known[key] = chosen(known.get(key, head[name]), head[name], key=_moment)
            continue
        times = {key: head[name] for name, key in _TIMES.items() if name in head}
        items[iri] = {"@type": "DataFeedItem", "@id": iri, **times, "item": {"@id": record_id}}
    return len(head["items"])


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
