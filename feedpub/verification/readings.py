"""One published file, whoever wrote it, as its judges read it: what it holds, and where it leads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from feedpub.validation import validate
from feedpub.verification import changes, lists, notices, outlines, robots
from feedpub.verification.carried import names, uid
from feedpub.verification.differences import Difference, Place
from feedpub.verification.facts import Author
from feedpub.verification.htmltrees import canonical, meta, parsed, refreshed
from feedpub.verification.links import references_of
from feedpub.verification.spans import span
from feedpub.verification.statements import each, graph_of, loaded, stated, understood
from feedpub.verification.texts import cleaned_values, folded, instant, text_of
from feedpub.vocabulary import EVENT_TYPES

Items = list[tuple[str, dict[str, Any]]]


@dataclass(slots=True)
class Reading:
    """What one file says.

    `items` are records by id with the fields that other formats tell too. `addresses` are all that
    it leads to, each with the record that does so; `self_url` and `older_url` where it says itself
    to stand, and where what is older. `is_archive` marks pages whose items may have been corrected
    since. `links` are references as they stand in a page, `listed` those of a list's articles with their titles;
    `feeds` the addresses in a list of feeds, None elsewhere; `changes` are sequence, id and address of each.
    `differences` are faults that show in the file alone.
    """

    path: str
    format: str
    items: Items = field(default_factory=list)
    addresses: list[tuple[str | None, str]] = field(default_factory=list)
    self_url: str | None = None
    older_url: str | None = None
    is_archive: bool = False
    links: list[str] = field(default_factory=list)
    listed: list[tuple[str, str]] = field(default_factory=list)
    feeds: list[str] | None = None
    changes: list[tuple[int, str, str | None]] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    @property
    def place(self) -> Place:
        """For Differences."""
        return Place(self.path, self.format)


def read(path: str, content: bytes, *, own: bool) -> Reading | None:
    """What the file says; None for a kind of file that says nothing of articles or events.

    Args:
        path: relative to the folder; its ending tells the kind.
        content: the file.
        own: whether feedpub wrote it, so that its schemas hold and its pages have known parts.
    """
    pure = PurePosixPath(path)
    reader = _robots if pure.name == "robots.txt" else _READERS.get(pure.suffix)
    if reader is None:
        return None
    try:
        return reader(path, content, own)
    except Exception as error:
        # Of files that anybody wrote anything can be wrong; one of them must not hide the others.
        kind = pure.suffix[1:]
        reason = error if isinstance(error, ValueError) else repr(error)
        return Reading(path, kind, differences=list(Place(path, kind).refused(reason)))


def _xml(path: str, content: bytes, own: bool) -> Reading | None:
    head = content[:2000]
    if b"<opml" in head:
        return _opml(path, content, own)
    if b"<urlset" in head or b"<sitemapindex" in head:
        return _sitemap(path, content)
    from feedpub.verification import xmlfeeds

    kind, root, document = xmlfeeds.parsed(content)
    said = xmlfeeds.frame_of(root, kind)["links"]
    reading = Reading(
        path,
        kind,
        self_url=_first(said["self"]),
        older_url=_first(said["prev-archive"]),
        # RFC 5005 section 4: archive pages lead to the current document, and are marked as a rule.
        is_archive=said["archive"] or (bool(said["current"]) and said["current"] != said["self"]),
    )
    try:
        xmlfeeds.read_by_feedparser(content)
    except ValueError as error:
        reading.differences += Place(path, f"{kind}/feedparser").refused(error)
    _distinct(reading, document.ids)
    for identifier, fields in xmlfeeds.items_of(root, kind):
        if fields.get("withdrawn"):
            continue
        whole = fields["text"] if fields.get("text") else ""
        authors = tuple(a.name if isinstance(a, Author) else a for a in fields["authors"])
        told = {key: fields[key] for key in ("url", "title", "published", "updated")}
        reading.items.append((identifier, {**told, "authors": authors, "text": text_of(whole)}))
        reading.addresses.append((identifier, fields["url"]))
        files = fields["enclosures"][1] if kind == "rss" else [(f.url,) for f in fields["enclosures"]]
        reading.addresses += [(identifier, file[0]) for file in files]
    return reading


def _json(path: str, content: bytes, own: bool) -> Reading | None:
    document = loaded(content)
    if changes.is_index(document):
        return Reading(path, changes.INDEX, addresses=[(None, url) for url in changes.addresses_of(document)])
    if not isinstance(document, dict) or "jsonfeed.org/version" not in str(document.get("version")):
        return None
    from feedpub.verification import jsonfeeds

    document = jsonfeeds.parsed(content)
    reading = Reading(
        path,
        "jsonfeed",
        self_url=document.get("feed_url"),
        older_url=document.get("next_url"),
        is_archive=path.startswith("archives/"),
    )
    reading.differences += jsonfeeds.invalid(reading.place, document)
    _distinct(reading, [str(item.get("id", "")) for item in document["items"]])
    for item in document["items"]:
        identifier, fields = str(item.get("id", "")), jsonfeeds.fields_of(item)
        text = text_of(fields["text"]) if item.get("content_html") else fields["text"]
        told = {key: fields[key] for key in ("url", "title", "published", "updated")}
        reading.items.append((identifier, {**told, "authors": names(fields["authors"]), "text": text}))
        reading.addresses += [
            (identifier, url) for url in [fields["url"], *(f.url for f in fields["enclosures"])] if url
        ]
    return reading


def _linked(path: str, content: bytes, own: bool) -> Reading:
    from feedpub.verification import linkeddata

    document = loaded(content)
    nodes = graph_of(document)
    is_feed = bool(nodes) and nodes[0].get("@type") == "DataFeed"
    reading = Reading(path, "jsonld" if is_feed else "record")
    _same_meaning(reading, nodes)
    by_id = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str)}
    if not is_feed:
        reading.items = [(str(node.get("@id")), record_fields(node, by_id)) for node in nodes]
        if own:
            reading.differences += _invalid(reading.place, nodes)
        return reading
    _, items = linkeddata.feed_of(nodes)
    links = linkeddata.links_of(nodes)
    reading.self_url, reading.older_url = links["self"], links["older"]
    reading.is_archive = links["position"] is not None
    ids = [linkeddata.item_of(item) for item in items]
    _distinct(reading, ids)
    if own:
        reading.differences += linkeddata.invalid(reading.place, "datafeed", document)
    reading.items = [(one, record_fields(by_id[one], by_id)) for one in ids if one in by_id]
    return reading


def _page(path: str, content: bytes, own: bool) -> Reading:
    from feedpub.verification import pages

    tree = parsed(content)
    reading = Reading(path, "page", links=list(references_of(tree, own=own)))
    nodes = pages.records_of(tree)
    if not nodes:
        if own:
            _own_page(reading, tree)
        return reading
    by_id = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str)}
    reading.items = [(one, record_fields(node, by_id)) for one, node in by_id.items()]
    own_kind = nodes[0].get("@type")
    if own and own_kind not in EVENT_TYPES and isinstance(nodes[0].get("@id"), str):
        fields = pages.article_fields(tree)
        told = {key: fields[key] for key in ("url", "title", "authors", "text")}
        shown = instant(fields["published"]) or None
        reading.items.append((nodes[0]["@id"], {**told, "published": shown}))
    return reading


def _own_page(reading: Reading, tree: Any) -> None:
    """One of our pages without a record: a notice, where an article has gone to, or a list."""
    target, times = refreshed(tree), [time.get("datetime") for time in tree.iter("time")]
    if target:
        reading.format = notices.REDIRECT
        reading.links.append(target)
        if canonical(tree) != target:
            reading.differences.append(reading.place.differs("links", target, canonical(tree)))
    elif "noindex" in meta(tree, "name", "robots"):
        reading.format = notices.NOTICE
        if len(times) != 1:
            reading.differences.append(reading.place.differs("withdrawn", "a day", times))
    else:
        reading.format = lists.FRONT_PAGE if reading.path == "index.html" else lists.LISTING
        links = (link for article in tree.iter("article") if (link := article.find("h3/a")) is not None)
        reading.listed = [(link.get("href", ""), folded(link.text_content())) for link in links]


def _opml(path: str, content: bytes, own: bool) -> Reading:
    root = outlines.parsed(content)
    reading = Reading(path, outlines.FORMAT)
    reading.differences += outlines.invalid(reading.place, root)
    found = [feed["links"] for feed in outlines.feeds_of(root)]
    reading.links = [url for urls in found for url in urls if url]
    reading.feeds = [url for url, _ in found]
    if own:
        _distinct(reading, reading.feeds)
    return reading


def _robots(path: str, content: bytes, own: bool) -> Reading:
    text, reading = content.decode("utf-8"), Reading(path, robots.FORMAT)
    reading.addresses = [(None, url) for url in robots.sitemaps_of(text)]
    if own:
        reading.differences += robots.forbidden(reading.place, text, "https://folder.invalid/")
    return reading


def _calendar(path: str, content: bytes, own: bool) -> Reading:
    from feedpub.verification import calendars

    calendars.parsed_strictly(content)
    calendar = calendars.parsed(content)
    reading = Reading(path, "icalendar", self_url=calendars.frame_of(calendar)["links"] or None)
    found = calendars.events_of(calendar)
    _distinct(reading, [identifier for identifier, _ in found])
    for identifier, fields in found:
        told = {key: fields[key] for key in ("title", "start", "end")}
        reading.items.append((f"uid:{identifier}", told))
    return reading


def _sitemap(path: str, content: bytes) -> Reading:
    from feedpub.verification import sitemaps

    root = sitemaps.parsed(content)
    reading = Reading(path, "sitemap")
    reading.differences += sitemaps.invalid(reading.place, root)
    reading.addresses = [(None, url) for url, _ in sitemaps.urls_of(root)]
    return reading


def _lines(path: str, content: bytes, own: bool) -> Reading | None:
    reading, lines = Reading(path, "dump"), changes.lines_of(content)
    if lines and {"sequence", "change"} <= lines[0].keys():
        reading.format = changes.FORMAT
        reading.differences += changes.invalid(reading.place, lines)
        if not reading.differences:
            reading.changes = [(line["sequence"], line["id"], line.get("url")) for line in lines]
        return reading
    for value in lines:
        if "@context" in value:
            (node,) = graph_of(value)
            reading.items.append((str(node.get("@id")), record_fields(node, {})))
            if own:
                reading.differences += _invalid(reading.place, [node])
    return reading


_READERS: dict[str, Callable[[str, bytes, bool], Reading | None]] = {
    ".xml": _xml,
    ".rss": _xml,
    ".atom": _xml,
    ".json": _json,
    ".jsonld": _linked,
    ".html": _page,
    ".htm": _page,
    ".ics": _calendar,
    ".opml": _opml,
    ".ndjson": _lines,
}


def record_fields(node: Mapping[str, Any], by_id: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record that other formats tell too; references are looked up in `by_id`."""
    node = cleaned_values(dict(node))
    said = _first(node.get("headline")) or _first(node.get("name"))
    start, end = _first(node.get("startDate")), _first(node.get("endDate"))
    if any(kind in EVENT_TYPES for kind in each(node.get("@type"))):
        first, last = span(start or "", end or "")
        return {"title": folded(said), "start": first, "end": last, "uid": uid(str(node.get("@id")))}
    agents = [
        by_id.get(a.get("@id", ""), a) if isinstance(a, Mapping) else {"name": a}
        for a in each(node.get("author"))
    ]
    return {
        "url": _first(node.get("url")),
        "title": folded(said),
        "text": folded(_first(node.get("articleBody"))),
        "published": instant(_first(node.get("datePublished"))),
        "authors": tuple(dict.fromkeys(name for a in agents if (name := folded(_first(a.get("name")))))),
    }


def _same_meaning(reading: Reading, nodes: list[dict[str, Any]]) -> None:
    expected, found = stated(nodes), understood(nodes)
    for identifier, properties in expected.items():
        for key, values in properties.items():
            if found.get(identifier, {}).get(key) != values:
                there = found.get(identifier, {}).get(key)
                reading.differences.append(reading.place.differs(key, values, there, identifier))


def _invalid(place: Place, nodes: Iterable[dict[str, Any]]) -> list[Difference]:
    return [
        place.differs(
            "syntax", f"{problem.pointer} to keep the schema", problem.message, str(node.get("@id"))
        )
        for node in nodes
        for problem in validate(node)
    ]


def _distinct(reading: Reading, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for identifier in ids:
        if identifier in seen or not identifier:
            found = "several items" if identifier else "an item without an id"
            reading.differences.append(reading.place.differs("items", "one item", found, identifier or None))
        seen.add(identifier)


def _first(value: Any) -> str | None:
    return next((str(one) for one in each(value) if isinstance(one, str) and one.strip()), None)
