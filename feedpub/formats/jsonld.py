"""schema.org JSON-LD: the DataFeed, and the documents of single records.

Records are nested; a feed is one flat graph in which every node stands once, tied by `@id`.
https://schema.org/DataFeed, https://www.w3.org/TR/json-ld11/ (sections 3.3 and 4.9)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

import orjson

from feedpub.config import Site
from feedpub.dates import rfc3339
from feedpub.formats.properties import listed
from feedpub.models import JSON, Channel, Entry

CONTEXT = "https://schema.org"

# Groups of the graph, in order. Articles and events are known by where they come from.
_ARTICLE, _EVENT, _PERSON, _ORGANIZATION, _PLACE, _OTHER = range(6)
# Properties whose values are places or organisations, whatever more special type they state.
_PLACES = frozenset({"location", "contentLocation", "spatialCoverage", "containedInPlace"})
_AGENTS = frozenset(
    {"author", "publisher", "organizer", "performer", "attendee", "sponsor", "funder", "worksFor", "seller"}
)
_EVENTS = frozenset({"superEvent", "subEvent"})
_Node = dict[str, Any]


class JsonLdFormat:
    """A schema.org DataFeed: its items, then every article, event, person, organisation and place once."""

    name = "jsonld"
    filename = "feed.jsonld"
    media_type = "application/ld+json"
    version = "1"
    items: Literal["articles", "events"] = "articles"
    tombstones = True
    paged = True

    def __init__(self, site: Site) -> None:
        self._site = site

    def render(self, entry: Entry) -> bytes:
        """The entry's part of the graph, not yet JSON: one line with its times, one for each node.

        A node's line is: group, `@id` as JSON and node as JSON, with tabs between. JSON holds no
        bare tab or line feed, so that `assemble` can tell nodes apart without reading them.
        """
        stated = {
            "created": entry.first_seen_at, "modified": entry.updated_at, "deleted": entry.withdrawn_at,
        }  # fmt: skip
        times = {name: rfc3339(at) for name, at in stated.items() if at is not None}
        if entry.withdrawn_at is not None:
            return orjson.dumps({**times, "items": [entry.id]})
        found: dict[str, tuple[int, _Node]] = {}
        items: list[str] = []
        for record in (entry.data, *entry.events):
            group = _ARTICLE if record is entry.data and not _is_event(record) else _EVENT
            items.append(record["@id"])
            _flatten(record, group, found)
        ordered = {identifier: found.pop(identifier) for identifier in dict.fromkeys(items)} | found
        lines = [orjson.dumps({**times, "items": list(dict.fromkeys(items))})]
        for identifier, (group, node) in ordered.items():
            lines.append(b"%d\t%b\t%b" % (group, orjson.dumps(identifier), orjson.dumps(node)))
        return b"\n".join(lines)

    def assemble(self, channel: Channel, entries: Iterable[bytes]) -> Iterator[bytes]:
        """The feed with one node a line. Holds the nodes of the window in memory, as each may occur again."""
        self_url = channel.self_url(self.filename)
        items: dict[str, _Node] = {}
        # Nodes that are records outweigh what other records say of them in passing.
        records: dict[bytes, tuple[bytes, bytes | _Node]] = {}
        others: dict[bytes, tuple[bytes, bytes | _Node]] = {}
        for entry in entries:
            head, *lines = entry.split(b"\n")
            own = _add_items(items, orjson.loads(head), self_url)
            for number, line in enumerate(lines):
                group, identifier, node = line.split(b"\t", 2)
                _add_node(records if number < own else others, group, identifier, node)
        if channel.publisher is not None and "@id" in channel.publisher:
            found: dict[str, tuple[int, _Node]] = {}
            _flatten(channel.publisher, _ORGANIZATION, found)
            for name, (rank, plain) in found.items():
                _add_node(others, b"%d" % rank, orjson.dumps(name), orjson.dumps(plain))
        for identifier, (group, kept) in others.items():
            _add_node(records, group, identifier, kept)

        yield b'{\n"@context": "' + CONTEXT.encode() + b'",\n"@graph": [\n'
        yield orjson.dumps(_data_feed(channel, self_url, list(items)))
        for item in items.values():
            yield b",\n" + orjson.dumps(item)
        for rank in range(_OTHER + 1):
            wanted = b"%d" % rank
            for group, kept in records.values():
                if group == wanted:
                    yield b",\n" + (kept if isinstance(kept, bytes) else orjson.dumps(kept))
        yield b"\n]\n}\n"


def record_document(*records: JSON) -> bytes:
    """The `.jsonld` of records that belong together (an article and its events), nested and indented."""
    return orjson.dumps(_graph(records), default=dict, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def embedded(*records: JSON) -> str:
    """The same document for a `<script type="application/ld+json">`, which no text in it can close.

    https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements
    """
    return orjson.dumps(_graph(records), default=dict).decode().replace("<", "\\u003c")


def item_iri(feed_url: str, record_id: str) -> str:
    """The `@id` of a record's DataFeedItem: the feed's address with the record's id as its fragment."""
    # RFC 3986 section 3.5 allows these in a fragment; "%" itself is escaped, so no two ids meet.
    return f"{feed_url}#{quote(record_id, safe=':/?@!$&()*+,;=~')}"


def _graph(records: Iterable[JSON]) -> _Node:
    return {"@context": CONTEXT, "@graph": list(records)}


def _data_feed(channel: Channel, self_url: str, items: list[str]) -> _Node:
    feed: _Node = {"@type": "DataFeed", "@id": self_url, "name": channel.title}
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
    feed["dataFeedElement"] = [{"@id": item} for item in items]
    return feed


_TIMES = {"created": "dateCreated", "modified": "dateModified", "deleted": "dateDeleted"}


def _add_items(items: dict[str, _Node], head: _Node, self_url: str) -> int:
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


def _add_node(
    nodes: dict[bytes, tuple[bytes, bytes | _Node]], group: bytes, identifier: bytes, node: bytes | _Node
) -> None:
    known = nodes.get(identifier)
    if known is None:
        nodes[identifier] = (group, node)
    elif known[1] != node:
        nodes[identifier] = (min(known[0], group), _united(_loaded(known[1]), _loaded(node)))


def _loaded(node: bytes | _Node) -> _Node:
    if isinstance(node, bytes):
        loaded: _Node = orjson.loads(node)
        return loaded
    return node


def _united(one: _Node, other: _Node) -> _Node:
    """Both versions of a node in one: lists are united, of other values the first non-empty stays."""
    united = dict(one)
    for key, value in other.items():
        mine = united.get(key)
        if mine is None or mine in ("", [], {}) or (key == "@type" and mine == "Thing"):
            united[key] = value
        elif (isinstance(mine, list) or isinstance(value, list)) and key != "@type":
            values = {orjson.dumps(v, option=orjson.OPT_SORT_KEYS): v for v in listed(mine)}
            for more in listed(value):
                values.setdefault(orjson.dumps(more, option=orjson.OPT_SORT_KEYS), more)
            united[key] = list(values.values())
    return united


def _is_event(record: JSON) -> bool:
    # The subtypes of Event are many and none of their names tells; but an event has no headline.
    return "headline" not in record and ("startDate" in record or "Event" in listed(record.get("@type")))


def _group(node: Mapping[str, Any], name: str) -> int:
    types = listed(node.get("@type"))
    if "Person" in types:
        return _PERSON
    if name in _AGENTS or any(isinstance(kind, str) and kind.endswith("Organization") for kind in types):
        return _ORGANIZATION
    if "VirtualLocation" in types:
        return _OTHER
    if name in _PLACES or "Place" in types:
        return _PLACE
    return _EVENT if name in _EVENTS or "Event" in types else _OTHER


def _flatten(record: JSON, group: int, found: dict[str, tuple[int, _Node]]) -> None:
    """Add `record` and every node with an `@id` inside it to `found`, references in place of nodes."""
    node = {key: _referred(value, key, found) for key, value in record.items()}
    _keep(node, group, found)


def _keep(node: _Node, group: int, found: dict[str, tuple[int, _Node]]) -> None:
    known = found.get(node["@id"])
    if known is None:
        found[node["@id"]] = (group, node)
    elif known[1] != node:
        found[node["@id"]] = (min(known[0], group), _united(known[1], node))


def _referred(value: Any, name: str, found: dict[str, tuple[int, _Node]]) -> Any:
    if isinstance(value, Mapping):
        identifier = value.get("@id")
        if not isinstance(identifier, str):
            return {key: _referred(inner, key, found) for key, inner in value.items()}
        if len(value) > 1:
            _flatten(value, _group(value, name), found)
        return {"@id": identifier}
    if isinstance(value, list | tuple):
        return [_referred(inner, name, found) for inner in value]
    return value
