"""Subscribers as they are in the world: each polls one document, walks to older pages, and keeps what it saw.

They know addresses and the formats' specifications, and nothing of feedpub. The readers here use
the standard library alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

Fetch = Callable[[str], bytes | None]
"""The bytes at an address, or None where it answers 404 or 410."""

ATOM = "{http://www.w3.org/2005/Atom}"
TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"


def moment(text: str) -> datetime:
    """An RFC 3339 time."""
    found = datetime.fromisoformat(text)
    assert found.tzinfo is not None, text
    return found


@dataclass(frozen=True, slots=True)
class Item:
    """What a reader shows of one article: its headline, its text and its address."""

    title: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Page:
    """One document: id → (time of the version, version), id → time of deletion, address of what is older."""

    items: Mapping[str, tuple[datetime, Item]]
    deleted: Mapping[str, datetime]
    older: str | None
    order: tuple[str, ...]


@dataclass
class Reader:
    """Walks from the subscription document to pages that it has not read, and keeps of each id the newest version.

    Of two versions with the same time the one of the document that was updated later stays (RFC
    5005, section 4): that is the one read first, as a walk leads from new to old.
    """

    fetch: Fetch
    url: str
    parse: Callable[[bytes], Page]
    held: dict[str, tuple[datetime, Item]] = field(default_factory=dict)
    deleted: dict[str, datetime] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    """Ids ever shown as new."""
    pages: dict[str, bytes] = field(default_factory=dict)
    """The archive pages read, by address."""

    def poll(self) -> None:
        document = self.fetch(self.url)
        assert document is not None, self.url
        here: dict[str, tuple[datetime, Item]] = {}
        gone: dict[str, datetime] = {}
        self._read(self.parse(document), here, gone)
        for identifier, when in gone.items():
            if identifier not in self.deleted or self.deleted[identifier] < when:
                self.deleted[identifier] = when
        for identifier, (at, item) in here.items():
            self.seen.add(identifier)
            known = self.held.get(identifier)
            if known is None or known[0] < at:
                self.held[identifier] = (at, item)
        for identifier in [
            i for i, (at, _) in self.held.items() if i in self.deleted and at <= self.deleted[i]
        ]:
            del self.held[identifier]

    def _read(self, page: Page, here: dict[str, tuple[datetime, Item]], gone: dict[str, datetime]) -> None:
        while True:
            assert len(set(page.order)) == len(page.order), "one id twice in one document"
            for identifier, found in page.items.items():
                if identifier not in here or here[identifier][0] < found[0]:
                    here[identifier] = found
            for identifier, when in page.deleted.items():
                gone[identifier] = max(when, gone.get(identifier, when))
            if page.older is None or page.older in self.pages:
                return
            content = self.fetch(page.older)
            assert content is not None, f"{page.older} leads nowhere"
            self.pages[page.older] = content
            page = self.parse(content)


def rss(document: bytes) -> Page:
    """RSS 2.0, versions told by atom:updated, links to older pages after RFC 5005."""
    channel = ElementTree.fromstring(document).find("channel")
    assert channel is not None
    items = {}
    order = []
    for item in channel.findall("item"):
        identifier = item.findtext("guid") or ""
        order.append(identifier)
        at = moment(item.findtext(f"{ATOM}updated") or "")
        text = item.findtext(CONTENT) or item.findtext("description") or ""
        items[identifier] = (at, Item(item.findtext("title") or "", text, item.findtext("link") or ""))
    return Page(items, {}, _older(channel), tuple(order))


def atom(document: bytes) -> Page:
    """Atom 1.0 with deleted entries (RFC 6721)."""
    feed = ElementTree.fromstring(document)
    items = {}
    order = []
    for entry in feed.findall(f"{ATOM}entry"):
        identifier = entry.findtext(f"{ATOM}id") or ""
        order.append(identifier)
        links = [
            link.get("href", "") for link in entry.findall(f"{ATOM}link") if link.get("rel") == "alternate"
        ]
        item = Item(entry.findtext(f"{ATOM}title") or "", entry.findtext(f"{ATOM}content") or "", links[0])
        items[identifier] = (moment(entry.findtext(f"{ATOM}updated") or ""), item)
    deleted = {one.get("ref", ""): moment(one.get("when", "")) for one in feed.findall(TOMBSTONE)}
    return Page(items, deleted, _older(feed), (*order, *deleted))


def _older(element: ElementTree.Element) -> str | None:
    links = [link.get("href") for link in element.findall(f"{ATOM}link") if link.get("rel") == "prev-archive"]
    assert len(links) <= 1
    return links[0] if links else None


def json_feed(document: bytes) -> Page:
    """JSON Feed 1.1."""
    feed = json.loads(document)
    items = {
        item["id"]: (
            moment(item["date_modified"]),
            Item(item["title"], item.get("content_html") or item["content_text"], item["url"]),
        )
        for item in feed["items"]
    }
    return Page(items, {}, feed.get("next_url"), tuple(item["id"] for item in feed["items"]))


def data_feed(document: bytes) -> Page:
    """A schema.org DataFeed, with pages as `feedpub.formats.datafeed` documents them. Articles only."""
    nodes = {node["@id"]: node for node in json.loads(document)["@graph"]}
    feed = next(node for node in nodes.values() if node["@type"] == "DataFeed" and "dataFeedElement" in node)
    whole = nodes.get(feed["isPartOf"]["@id"], {}) if "isPartOf" in feed else feed
    items = {}
    deleted = {}
    order = []
    for reference in feed["dataFeedElement"]:
        item = nodes[reference["@id"]]
        identifier = item["item"]["@id"]
        order.append(identifier)
        if "dateDeleted" in item:
            deleted[identifier] = moment(item["dateDeleted"])
        elif "articleBody" in nodes[identifier]:
            node = nodes[identifier]
            shown = Item(node["headline"], node["articleBody"], node["url"])
            items[identifier] = (moment(item["dateModified"]), shown)
    return Page(items, deleted, whole.get("hasPart", {}).get("@id"), tuple(order))


# -- events


@dataclass(frozen=True, slots=True)
class Appointment:
    """One event as a calendar shows it. `start` is its day, or its day and local time."""

    name: str
    start: str
    cancelled: bool
    sequence: int


@dataclass
class Calendar:
    """A calendar program: it keeps events by UID, also those that have left the file, as these are over.

    Something new under a UID counts only with a higher SEQUENCE (RFC 5545, section 3.8.7.4).
    """

    fetch: Fetch
    url: str
    held: dict[str, Appointment] = field(default_factory=dict)

    def poll(self) -> None:
        document = self.fetch(self.url)
        assert document is not None
        for uid, found in appointments(document).items():
            known = self.held.get(uid)
            if known is not None and found.sequence == known.sequence:
                assert found == known, f"{uid} says something else with the same SEQUENCE"
            if known is None or found.sequence > known.sequence:
                self.held[uid] = found
            assert known is None or found.sequence >= known.sequence, f"{uid}: SEQUENCE fell"


def appointments(document: bytes) -> dict[str, Appointment]:
    """The events of a calendar file by UID. Lines are unfolded as RFC 5545 section 3.1 says."""
    text = document.replace(b"\r\n ", b"").decode()
    assert "\n" not in text.replace("\r\n", "")
    found = {}
    for block in re.findall(r"BEGIN:VEVENT\r\n(.*?)END:VEVENT\r\n", text, re.DOTALL):
        values = {}
        for line in block.split("\r\n"):
            name, _, value = line.partition(":")
            values[name.partition(";")[0]] = value
        digits = re.sub("[^0-9]", "", values["DTSTART"])
        start = f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}"
        if len(digits) > 8:
            start += f"T{digits[8:10]}:{digits[10:12]}"
        appointment = Appointment(
            values["SUMMARY"], start, values.get("STATUS") == "CANCELLED", int(values["SEQUENCE"])
        )
        assert values["UID"] not in found, "one UID twice in one calendar"
        found[values["UID"]] = appointment
    return found


@dataclass
class EventFeed:
    """Follows events.jsonld: events by id, the withdrawn ones dropped."""

    fetch: Fetch
    url: str
    held: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """Id → name, local start to the minute, status."""

    def poll(self) -> None:
        document = self.fetch(self.url)
        assert document is not None
        nodes = {node["@id"]: node for node in json.loads(document)["@graph"]}
        (feed,) = (node for node in nodes.values() if node["@type"] == "DataFeed")
        for reference in feed["dataFeedElement"]:
            item = nodes[reference["@id"]]
            identifier = item["item"]["@id"]
            if "dateDeleted" in item:
                self.held.pop(identifier, None)
            else:
                event = nodes[identifier]
                status = event.get("eventStatus", "").rpartition("/")[2]
                self.held[identifier] = (event["name"], event["startDate"][:16], status)


# -- services


@dataclass
class ChangesFollower:
    """Reads the dump once and from then on the changes, as `feedpub.formats.ndjson` documents it."""

    fetch: Fetch
    site: str
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    sequence: int = 0
    begun: bool = False
    fetched: int = 0

    def poll(self) -> None:
        if not self.begun:
            self.begun = True
            # The number is noted before the dump is read: what changes meanwhile is then carried out again.
            self.sequence = self._index("dump")["sequence"]
            for line in self._lines(self._index("dump"), 1):
                assert line["@id"] not in self.held, "one record twice in the dump"
                self.held[line["@id"]] = line
            return
        index = self._index("changes")
        if index["sequence"] == self.sequence:
            return
        first = self.sequence // index["size"] + 1
        for change in self._lines(index, first):
            if change["sequence"] <= self.sequence:
                continue
            assert change["sequence"] == self.sequence + 1, "a number was left out or came twice"
            self.sequence = change["sequence"]
            self._carry_out(change)
        assert self.sequence == index["sequence"] == index["count"]

    def _carry_out(self, change: Mapping[str, Any]) -> None:
        if change["change"] == "deleted":
            assert "url" not in change
            self.held.pop(change["id"], None)
            return
        assert change["change"] in ("added", "modified")
        self.fetched += 1
        document = self.fetch(change["url"])
        if document is None:
            return  # a "deleted" follows, or one that says where it stands now
        found = json.loads(document)
        (record,) = (node for node in found.get("@graph", [found]) if node["@id"] == change["id"])
        self.held[change["id"]] = record

    def _index(self, name: str) -> dict[str, Any]:
        document = self.fetch(f"{self.site}{name}.json")
        assert document is not None
        found: dict[str, Any] = json.loads(document)
        return found

    def _lines(self, index: Mapping[str, Any], first: int) -> Iterator[dict[str, Any]]:
        for number in range(first, index["files"] + 1):
            url = index["template"].format(group=(number - 1) // 100, number=number)
            document = self.fetch(url)
            assert document is not None, url
            for line in document.decode().splitlines():
                yield json.loads(line)


SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"


def news_of(document: bytes) -> dict[str, str]:
    """Address → title of what a news sitemap lists as news."""
    found = {}
    for url in ElementTree.fromstring(document).findall(f"{SITEMAP}url"):
        news = url.find(f"{NEWS}news")
        if news is not None:
            found[url.findtext(f"{SITEMAP}loc") or ""] = news.findtext(f"{NEWS}title") or ""
    return found


def sitemap_addresses(fetch: Fetch, site: str) -> list[str]:
    """Every address in the sitemaps that the index names, those of the news sitemap left out."""
    index = fetch(f"{site}sitemap.xml")
    assert index is not None
    found = []
    for loc in ElementTree.fromstring(index).iter(f"{SITEMAP}loc"):
        if (loc.text or "").endswith("sitemap-news.xml"):
            continue
        document = fetch(loc.text or "")
        assert document is not None, loc.text
        found += [url.text or "" for url in ElementTree.fromstring(document).iter(f"{SITEMAP}loc")]
    return found


def served(output: Path, site: str) -> Fetch:
    """What a plain web server answers for the files in `output`."""

    def fetch(url: str) -> bytes | None:
        assert url.startswith(site), url
        path = output / url.removeprefix(site)
        return path.read_bytes() if path.is_file() else None

    return fetch


ITEM_FORMATS = {"feed.xml": rss, "feed.atom": atom, "feed.json": json_feed, "feed.jsonld": data_feed}
TOLD_OF_DELETIONS = ("feed.atom", "feed.jsonld")
"""RSS and JSON Feed have no word for what was withdrawn."""
