"""The flat graph of a JSON-LD document: every node stands once and is tied to the others by `@id`.

Records are nested. `node_lines` takes one apart without knowing the others, so that its result can
be kept; `Graph` puts the parts of many records together, reading only nodes that occur twice.
https://www.w3.org/TR/json-ld11/ (sections 3.3 and 4.9)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from feedpub.formats.properties import listed
from feedpub.models import JSON
from feedpub.vocabulary import EVENT_TYPES

CONTEXT = "https://schema.org"

# Groups of the graph, in order. Articles and events are known by where they come from.
_ARTICLE, _EVENT, _PERSON, _ORGANIZATION, _PLACE, _OTHER = range(6)
# Properties whose values are places or organisations, whatever more special type they state.
_PLACES = frozenset({"location", "contentLocation", "spatialCoverage", "containedInPlace"})
_AGENTS = frozenset(
    {"author", "publisher", "organizer", "performer", "attendee", "sponsor", "funder", "worksFor", "seller"}
)
_EVENTS = frozenset({"superEvent", "subEvent"})

Node = dict[str, Any]
_Found = dict[str, tuple[int, Node]]


def node_lines(records: Iterable[JSON]) -> list[bytes]:
    """Every node of these records on a line of its own: first the records themselves, then what they hold.

    A line is: group, `@id` as JSON and node as JSON, with tabs between. JSON holds no bare tab or
    line feed, so that `Graph` can tell nodes apart without reading them.
    """
    found: _Found = {}
    identifiers: list[str] = []
    for record in records:
        identifiers.append(record["@id"])
        _flatten(record, _record_group(record), found)
    ordered = {identifier: found.pop(identifier) for identifier in dict.fromkeys(identifiers)} | found
    return [
        b"%d\t%b\t%b" % (group, orjson.dumps(identifier), orjson.dumps(node))
        for identifier, (group, node) in ordered.items()
    ]


class Graph:
    """The nodes of many records, each once: articles, events, people, organisations, places, the rest.

    Within a group they stand in the order in which they came. Two versions of a node are united,
    and one that is a record outweighs what other records say of it in passing.
    """

    def __init__(self) -> None:
        self._records: dict[bytes, tuple[bytes, bytes | Node]] = {}
        self._others: dict[bytes, tuple[bytes, bytes | Node]] = {}

    def add(self, lines: Iterable[bytes], records: int) -> None:
        """Add what `node_lines` gave; the first `records` of the lines are records."""
        for number, line in enumerate(lines):
            group, identifier, node = line.split(b"\t", 2)
            _add(self._records if number < records else self._others, group, identifier, node)

    def add_agent(self, agent: JSON) -> None:
        """Add an organisation or a person with an `@id`, and what it holds."""
        found: _Found = {}
        _flatten(agent, _ORGANIZATION, found)
        for identifier, (group, node) in found.items():
            _add(self._others, b"%d" % group, orjson.dumps(identifier), orjson.dumps(node))

    def nodes(self) -> Iterator[bytes]:
        """Every node as JSON, in order."""
        united = dict(self._records)
        for identifier, (group, node) in self._others.items():
            _add(united, group, identifier, node)
        for rank in range(_OTHER + 1):
            wanted = b"%d" % rank
            for group, kept in united.values():
                if group == wanted:
                    yield kept if isinstance(kept, bytes) else orjson.dumps(kept)


def _add(
    nodes: dict[bytes, tuple[bytes, bytes | Node]], group: bytes, identifier: bytes, node: bytes | Node
) -> None:
    known = nodes.get(identifier)
    if known is None:
        nodes[identifier] = (group, node)
    elif known[1] != node:
        nodes[identifier] = (min(known[0], group), _united(_loaded(known[1]), _loaded(node)))


def _loaded(node: bytes | Node) -> Node:
    if isinstance(node, bytes):
        loaded: Node = orjson.loads(node)
        return loaded
    return node


def _united(one: Node, other: Node) -> Node:
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


def _record_group(record: JSON) -> int:
    types = listed(record.get("@type"))
    return _EVENT if any(isinstance(kind, str) and kind in EVENT_TYPES for kind in types) else _ARTICLE


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


def _flatten(record: JSON, group: int, found: _Found) -> None:
    """Add `record` and every node with an `@id` inside it to `found`, references in place of nodes."""
    node = {key: _referred(value, key, found) for key, value in record.items()}
    known = found.get(node["@id"])
    if known is None:
        found[node["@id"]] = (group, node)
    elif known[1] != node:
        found[node["@id"]] = (min(known[0], group), _united(known[1], node))


def _referred(value: Any, name: str, found: _Found) -> Any:
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
