"""JSON-LD, read back by json, by JSON Schema and by a JSON-LD processor: feeds, records and dumps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from feedpub.models import JSON, Channel, Entry
from feedpub.validation import validate_document
from feedpub.verification.differences import SYNTAX, Difference, Place, sequence
from feedpub.verification.statements import Statements, canonical, each, graph_of, loaded, stated, understood
from feedpub.verification.texts import instant, utc

FIELDS = {
    "headline": "title",
    "name": "title",
    "description": "summary",
    "datePublished": "published",
    "dateModified": "updated",
    "author": "authors",
    "articleBody": "text",
    "articleSection": "categories",
    "keywords": "categories",
    "inLanguage": "language",
    "image": "enclosures",
    "about": "events",
    "mentions": "events",
    "startDate": "start",
    "endDate": "end",
    "eventStatus": "status",
    "location": "place",
    "geo": "geo",
    "subjectOf": "reports",
    "dateDeleted": "withdrawn",
}
"""Property → field of `limits`; others are called by their own name."""


def record_differences(
    path: str, kind: str, nodes: Sequence[dict[str, Any]], records: Sequence[JSON]
) -> tuple[Difference, ...]:
    """All differences between the nodes of a document and the records that it should hold, in order."""
    place = Place(path, kind)
    found = list(sequence(place, [r["@id"] for r in records], [str(node.get("@id")) for node in nodes]))
    known = {str(node.get("@id")): node for node in nodes}
    for record in records:
        if record["@id"] in known:
            found += _plainly(place, record, known[record["@id"]])
    if not found:
        found += _meaning(place, list(nodes), records, lambda: stated(records))
    return tuple(found)


def feed_differences(
    path: str,
    kind: str,
    content: bytes,
    *,
    channel: Channel | None,
    entries: Sequence[Entry],
    changed: set[str] | None,
) -> tuple[Difference, ...]:
    """All differences of a DataFeed ("jsonld" or "events").

    Args:
        path: of the file, for messages.
        kind: "jsonld" or "events".
        content: the file.
        channel: the frame that it should have; None where that is not known.
        entries: all that it should hold, in order.
        changed: ids of those to compare in full; None for all.
    """
    place = Place(path, kind)
    try:
        nodes = graph_of(loaded(content))
        feed, items = feed_of(nodes)
    except ValueError as error:
        return place.refused(error)
    members = [(entry, _records(entry)) for entry in entries]
    counts = Counter(r["@id"] for _, records in members for r in records)
    found = list(sequence(place, list(counts), [item_of(item) for item in items]))
    wanted = [(entry, records) for entry, records in members if changed is None or entry.id in changed]
    if channel is not None:
        found += _frame(place, channel, kind, nodes)
    by_id = {str(node.get("@id")): node for node in nodes}
    about = {item_of(item): item for item in items}
    expected = stated([r for entry, records in wanted if not entry.withdrawn_at for r in records])
    for entry, _ in wanted:
        if entry.id in about:
            found += _times(place, entry, about[entry.id], shared=counts[entry.id] > 1)

    @cache
    def everything() -> Statements:
        whole = [r for entry, records in members if not entry.withdrawn_at for r in records]
        return stated([*whole, *([channel.publisher] if channel and channel.publisher else [])])

    for entry, records in wanted:
        for record in records if not entry.withdrawn_at else ():
            found += _flat(place, record, by_id.get(record["@id"]), everything)
        if entry.withdrawn_at and entry.id in by_id and entry.id not in everything():
            found.append(place.differs("withdrawn", "no record", "a record", entry.id))
    part = _part(
        feed, [about[r["@id"]] for _, rs in wanted for r in rs if r["@id"] in about], by_id, expected
    )
    found += invalid(place, "datafeed", {"@context": "https://schema.org", "@graph": part})
    told = [r for entry, rs in wanted if not entry.withdrawn_at for r in rs]
    found += _meaning(place, part, told, everything)
    return tuple(dict.fromkeys(found))


def feed_of(nodes: list[dict[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The DataFeed node of a document and its items in order.

    Raises:
        ValueError: it has none, or an item's node is missing.
    """
    if not nodes or nodes[0].get("@type") != "DataFeed":
        raise ValueError("the first node is not the DataFeed")
    known = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str)}
    items = []
    for reference in each(nodes[0].get("dataFeedElement")):
        identifier = reference.get("@id") if isinstance(reference, dict) else reference
        if not isinstance(known.get(identifier), dict):
            raise ValueError(f"the DataFeedItem {identifier} is missing")
        items.append(known[identifier])
    return nodes[0], items


def item_of(item: Mapping[str, Any]) -> str:
    """The id of the record that a DataFeedItem is about, or ""."""
    about = item.get("item")
    return str(about.get("@id", "")) if isinstance(about, Mapping) else ""


def invalid(place: Place, schema: str, document: Mapping[str, Any]) -> list[Difference]:
    """What the schema of that name refuses."""
    return [
        place.differs(
            SYNTAX, f"{problem.pointer or '/'} to keep the schema", f"{problem.value}: {problem.message}"
        )
        for problem in validate_document(schema, dict(document))
    ]


def _records(entry: Entry) -> list[JSON]:
    """What of an entry stands in a feed: its record and the events that it reports; of a tombstone the id."""
    if entry.withdrawn_at is not None:
        return [{"@id": entry.id}]
    return list({record["@id"]: record for record in (entry.data, *entry.events)}.values())


def _part(
    feed: Mapping[str, Any],
    items: Iterable[dict[str, Any]],
    by_id: Mapping[str, Any],
    expected: Iterable[str],
) -> list[dict[str, Any]]:
    """The feed with these items and the nodes with these ids alone."""
    distinct = list({item["@id"]: item for item in items}.values())
    head = {**feed, "dataFeedElement": [{"@id": item["@id"]} for item in distinct]}
    return [head, *distinct, *(by_id[identifier] for identifier in expected if identifier in by_id)]


def _times(place: Place, entry: Entry, item: Mapping[str, Any], *, shared: bool) -> Iterator[Difference]:
    modified, deleted = instant(item.get("dateModified")), instant(item.get("dateDeleted"))
    # Of the item, not of the article: it cannot have changed before it was there.
    wanted = max(filter(None, (utc(entry.updated_at), utc(entry.first_seen_at))), default=None)
    if entry.updated_at is None:
        wanted = None
    # What several articles report changed with the last of them.
    later = shared and isinstance(modified, datetime) and (wanted is None or modified >= wanted)
    if modified != wanted and not later:
        yield place.differs("updated", wanted, modified, entry.id)
    if deleted != utc(entry.withdrawn_at):
        yield place.differs("withdrawn", utc(entry.withdrawn_at), deleted, entry.id)


def _plainly(place: Place, record: JSON, node: Mapping[str, Any]) -> Iterator[Difference]:
    """Properties of a node that are not just those of the record, nested and in order."""
    for key in dict.fromkeys([*record, *node]):
        if _lists(record.get(key)) != _lists(node.get(key)):
            yield place.differs(FIELDS.get(key, key), record.get(key), node.get(key), record["@id"])


def _flat(
    place: Place, record: JSON, node: Mapping[str, Any] | None, everything: Callable[[], Statements]
) -> Iterator[Difference]:
    """Properties of a record's node in a flat graph that are not those of the record, in order."""
    if node is None:
        yield place.differs("id", "a record", None, record["@id"])
        return
    for key in dict.fromkeys([*record, *node]):
        wanted = list(dict.fromkeys(map(canonical, each(record.get(key)))))
        there = list(dict.fromkeys(map(canonical, each(node.get(key)))))
        if wanted == there or key == "@id":
            continue
        more = everything().get(record["@id"], {}).get(key, set())
        if [value for value in there if value in wanted] != wanted or not set(there) <= more:
            yield place.differs(FIELDS.get(key, key), record.get(key), node.get(key), record["@id"])


def _meaning(
    place: Place, nodes: list[dict[str, Any]], records: Sequence[JSON], everything: Callable[[], Statements]
) -> Iterator[Difference]:
    """What a JSON-LD processor finds missing, or finds said of a node that nobody says."""
    try:
        read = understood(nodes)
    except ValueError as error:
        yield from place.refused(error)
        return
    for identifier, properties in stated(records).items():
        known = read.get(identifier, {})
        for key in properties.keys() | known.keys():
            wanted, there = properties.get(key, set()), known.get(key, set())
            if wanted == there:
                continue
            allowed = everything().get(identifier, {}).get(key, set())
            # Several records may say different things of one person: the feed says some of it.
            if not there or not there <= allowed:
                record_id, owner = _owners(records).get(identifier, (identifier, key))
                field = key if key in (owner, "geo") else owner
                yield place.differs(FIELDS.get(field, field), _shown(wanted), _shown(there), record_id)


def _owners(records: Iterable[JSON]) -> dict[str, tuple[str, str]]:
    """The nodes inside records: `@id` → the record and the property by which it holds that node."""
    found: dict[str, tuple[str, str]] = {}
    for record in records:
        for key, value in record.items():
            for identifier in stated([{key: value}]):
                found.setdefault(identifier, (record["@id"], key))
    return {
        identifier: owner
        for identifier, owner in found.items()
        if identifier not in {r["@id"] for r in records}
    }


def _shown(values: set[Any]) -> str | None:
    return "; ".join(sorted(map(str, values))) or None


def _frame(place: Place, channel: Channel, kind: str, nodes: list[dict[str, Any]]) -> Iterator[Difference]:
    filename = "feed.jsonld" if kind == "jsonld" else "events.jsonld"
    self_url, whole = channel.self_url(filename), channel.url_of(filename)
    older = channel.previous_url(filename) if kind == "jsonld" else None
    page = channel.page if kind == "jsonld" else None
    if nodes[0].get("name") != channel.title:
        yield place.differs("title", channel.title, nodes[0].get("name"))
    expected = {"self": self_url, "older": older, "part of": whole if page else None, "position": page}
    found = links_of(nodes)
    if found != expected:
        yield place.differs("links", expected, found)


def links_of(nodes: list[dict[str, Any]]) -> dict[str, Any]:
    """Where a DataFeed document says that it stands, and which page has what is older."""
    feed = nodes[0]
    whole = next((n for n in nodes[1:] if n.get("@type") == "DataFeed"), feed)
    return {
        "self": feed.get("url"),
        "older": _reference(whole.get("hasPart")),
        "part of": _reference(feed.get("isPartOf")),
        "position": feed.get("position"),
    }


def _reference(value: object) -> str | None:
    return value.get("@id") if isinstance(value, Mapping) else None


def _lists(value: Any) -> Any:
    """`value` with lists for tuples, as JSON has them."""
    if isinstance(value, Mapping):
        return {key: _lists(inner) for key, inner in value.items()}
    return [_lists(inner) for inner in value] if isinstance(value, list | tuple) else value
