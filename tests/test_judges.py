"""The example newsroom as published, before judges that had no part in writing it.

Nothing here reads with feedpub's own code: feeds are read by feedparser and lxml, records by json and by a
JSON-LD processor, pages by extruct and html5lib.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit
from zoneinfo import ZoneInfo

import extruct
import feedparser
import html5lib
import pytest
from lxml import etree

from feedpub.config import load
from feedpub.pipeline import publish
from feedpub.reports import Report
from tests.conftest import ROOT
from tests.judges import feed_rules, linked_data

SITE = "http://localhost:8080/"
ZONE = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SCHEMA = linked_data.SCHEMA
PROPERTIES: dict[str, Any] = json.loads((ROOT / "tests/data/schemaorg-properties.json").read_bytes())["types"]
WHOLE_VOCABULARY = ROOT.parent / "shared" / "vocabulary" / "schemaorg-current-https.jsonld"
CONTEXTS = linked_data.contexts()


@dataclass
class Published:
    """The output folder, its files and what stands in its articles' own records."""

    folder: Path
    report: Report
    files: dict[str, bytes]
    records: dict[str, list[dict[str, Any]]]
    """By path, the nodes of each `.jsonld` that is no feed."""
    articles: dict[str, dict[str, Any]]
    """By id, the first node of each article's record."""

    def having(self, ending: str) -> list[str]:
        return [path for path in self.files if path.endswith(ending)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = tmp_path_factory.mktemp("judged")
    config = load(ROOT / "examples" / "newsroom" / "feedpub.toml")
    config = replace(config, state=folder / "state", publish=replace(config.publish, output=folder / "feeds"))
    report = publish(config, now=NOW)
    assert config.site.url == SITE
    paths = sorted(path for path in (folder / "feeds").rglob("*") if path.is_file())
    files = {path.relative_to(folder / "feeds").as_posix(): path.read_bytes() for path in paths}
    records = {
        path: json.loads(content)["@graph"]
        for path, content in files.items()
        if path.endswith(".jsonld") and not path.endswith("feed.jsonld")
    }
    articles = {nodes[0]["@id"]: nodes[0] for path, nodes in records.items() if path.startswith("articles/")}
    assert len(articles) == report.articles > 40
    return Published(folder / "feeds", report, files, records, articles)


def folded(text: str) -> str:
    return " ".join(text.split())


@cache
def expanded(document: bytes, context: Path) -> list[dict[str, Any]]:
    return linked_data.expand(document, context)


# -- RSS


def test_every_item_of_every_feed_says_what_its_record_says(site: Published) -> None:
    feeds = site.having("feed.xml")
    assert len(feeds) > 20
    seen = set()
    for path in feeds:
        tree = etree.fromstring(
            site.files[path],
            etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False),
        )
        assert tree.getroottree().docinfo.doctype == ""
        # feedparser would clean titles and texts as a browser needs it; here the very values are asked for.
        parsed = feedparser.parse(site.files[path], sanitize_html=False, resolve_relative_uris=False)
        assert parsed.bozo == 0, path
        assert parsed.version == "rss20"
        assert [link.href for link in parsed.feed.links if link.rel == "self"] == [SITE + path]
        assert len(parsed.entries) == len(tree.findall(".//item")) > 0, path
        for entry in parsed.entries:
            item_agrees(entry, site.articles[entry.id], site)
            seen.add(entry.id)
    assert seen == site.articles.keys()


def item_agrees(entry: Any, record: dict[str, Any], site: Published) -> None:
    where = record["url"]
    assert entry.title == record["headline"], where
    assert entry.link == record["url"], where
    assert entry.id == record["@id"]
    assert not entry.guidislink
    published = entry.get("published_parsed")
    assert (published and published[:6]) == instant(record.get("datePublished")), where
    if "description" in record:
        assert entry.summary == record["description"], where
    # Without a summary the whole text is the description, as the RSS profile has it.
    text = entry.content[0].value if "description" in record else entry.summary
    content = html5lib.parse(text, namespaceHTMLElements=False)
    assert words(content) == folded(record["articleBody"]).replace(" ", ""), where
    names = [author["name"] for author in record.get("author", [])]
    assert [author["name"] for author in entry.get("authors", [])] == names, where
    sections = record.get("articleSection", [])
    said = [*([sections] if isinstance(sections, str) else sections), *record.get("keywords", [])]
    assert {tag.term for tag in entry.get("tags", [])} == set(said), where
    pictures = {image["url"]: image for image in record.get("image", [])}
    own = [address for address in pictures if address.startswith(f"{SITE}media/")]
    enclosures = {enclosure.href: enclosure for enclosure in entry.enclosures}
    assert list(enclosures) == own[:1], where
    for address, enclosure in enclosures.items():
        assert int(enclosure.length) == len(site.files[address.removeprefix(SITE)])
        assert enclosure.type == pictures[address]["encodingFormat"]


def test_the_feed_validator_has_nothing_to_say_of_any_feed(site: Published) -> None:
    for path in (*site.having("feed.xml"), *site.having("feed.atom")):
        found = feed_rules.messages(site.files[path], SITE + path) - {"DuplicateUpdated", "ImplausibleDate"}
        assert found == set(), path


def words(tree: Any) -> str:
    """The text of a page without its white space: how blocks are set apart is not the feed's matter."""
    return "".join("".join(tree.itertext()).split())


def instant(date: str | None) -> Any:
    """When a record's date is, as feedparser tells times; None where it names no day."""
    if date is None or len(date) < 10:
        return None
    value = datetime.fromisoformat(date)
    return (value if value.tzinfo else value.replace(tzinfo=ZONE)).astimezone(UTC).timetuple()[:6]


# -- JSON-LD


@pytest.mark.parametrize("context", CONTEXTS, ids=lambda path: path.name)
def test_every_reference_leads_to_a_node_or_out(site: Published, context: Path) -> None:
    known = {node["@id"] for nodes in site.records.values() for node in nodes}
    for path in site.having(".jsonld"):
        nodes = expanded(site.files[path], context)
        own: set[str] = set()
        told: set[str] = set()
        for node in nodes:
            collect(node, own, told)
        for reference in told - own:
            # Things on the net have addresses; all else must stand here, or be a record published by itself.
            assert reference.startswith(("http://", "https://")) or reference in known, f"{path}: {reference}"


def collect(value: Any, own: set[str], told: set[str]) -> None:
    if isinstance(value, list):
        for inner in value:
            collect(inner, own, told)
    elif isinstance(value, dict) and "@value" not in value:
        if "@id" in value:
            (own if len(value) > 1 else told).add(value["@id"])
        for inner in value.values():
            collect(inner, own, told)


@pytest.mark.parametrize("context", CONTEXTS, ids=lambda path: path.name)
def test_feeds_documents_and_pages_state_the_same_facts(site: Published, context: Path) -> None:
    stated: dict[str, dict[str, Any]] = {}
    for path in site.records:
        stated |= facts(expanded(site.files[path], context))
    kinds = [fact["type"] for fact in stated.values()]
    assert len(stated) == site.report.articles + site.report.events
    assert sum("Event" in kind or "Festival" in kind for kind in kinds) == site.report.events
    for path in site.having("feed.jsonld"):
        found = facts(expanded(site.files[path], context))
        assert found, path
        for identifier, fact in found.items():
            assert fact == stated[identifier], f"{path}: {identifier}"
    assert facts(expanded(site.files["feed.jsonld"], context)) == stated
    for path in site.having(".html"):
        if path.startswith("articles/"):
            page = json.dumps(embedded(site.files[path])).encode()
            document = facts(expanded(site.files[path.replace(".html", ".jsonld")], context))
            assert facts(linked_data.expand(page, context)) == document, path


def facts(nodes: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What expanded articles and events say, references followed, by their ids."""
    index: dict[str, dict[str, Any]] = {}

    def gather(value: Any) -> None:
        if isinstance(value, list):
            for inner in value:
                gather(inner)
        elif isinstance(value, dict):
            if "@id" in value and len(value) > len(index.get(value["@id"], ())):
                index[value["@id"]] = value
            for inner in value.values():
                gather(inner)

    def plain(value: dict[str, Any]) -> Any:
        if "@value" in value:
            return value["@value"]
        node = index.get(value.get("@id", ""), value)
        name = node.get(f"{SCHEMA}name")
        return plain(name[0]) if name else node.get("@id")

    gather(nodes)
    found = {}
    for identifier, node in index.items():
        kind = node.get("@type", [""])[0].removeprefix(SCHEMA)
        if not (f"{SCHEMA}articleBody" in node or f"{SCHEMA}startDate" in node):
            continue
        said = {
            key.removeprefix(SCHEMA): [plain(value) for value in values]
            for key, values in node.items()
            if key.startswith(SCHEMA) and key.removeprefix(SCHEMA) in FACTS
        }
        found[identifier] = {"type": kind, **said}
    return found


FACTS = (
    "headline", "description", "articleBody", "articleSection", "datePublished", "dateModified", "author", "publisher",
    "keywords", "inLanguage", "url", "wordCount", "name", "startDate", "endDate", "location", "eventStatus",
    "organizer", "previousStartDate", "doorTime",
)  # fmt: skip


def embedded(page: bytes) -> dict[str, Any]:
    """The one JSON-LD record in a page, as extruct finds it."""
    (found,) = extruct.extract(page.decode(), syntaxes=["json-ld"])["json-ld"]
    return found


def nodes_of(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from nodes_of(inner)


def test_every_property_exists_in_schema_org_for_the_type_that_has_it(site: Published) -> None:
    used: set[tuple[str, str]] = set()
    for path in site.having(".jsonld"):
        for node in nodes_of(json.loads(site.files[path])["@graph"]):
            assert set(node) == {"@id"} or "@type" in node, f"{path}: {node}"
            used |= {(node["@type"], key) for key in node if not key.startswith("@")}
    assert len(used) > 100
    assert [(kind, key) for kind, key in sorted(used) if key not in properties(kind)] == []


def properties(kind: str) -> set[str]:
    """The properties of a type of schema.org, its own and those of the types above it."""
    own = set(PROPERTIES[kind]["properties"])
    return own.union(*(properties(parent) for parent in PROPERTIES[kind]["parents"]))


def test_the_table_of_properties_tells_the_kinds_apart() -> None:
    assert {"headline", "dateline", "name", "correction"} <= properties("NewsArticle")
    assert {"startDate", "previousStartDate", "subjectOf"} <= properties("MusicEvent")
    assert "headline" not in properties("Event")
    assert "startDate" not in properties("NewsArticle")


@pytest.mark.skipif(
    not WHOLE_VOCABULARY.exists(), reason="the schema.org vocabulary is not beside this checkout"
)
def test_the_table_of_properties_is_that_of_schema_org() -> None:
    def ids(value: Any) -> set[str]:
        values = value if isinstance(value, list) else [value] if value else []
        return {item["@id"].removeprefix("schema:") for item in values}

    nodes = json.loads(WHOLE_VOCABULARY.read_bytes())["@graph"]
    by_type: dict[str, set[str]] = {}
    parents: dict[str, set[str]] = {}
    for node in nodes:
        name = node["@id"].removeprefix("schema:")
        parents[name] = ids(node.get("rdfs:subClassOf"))
        for kind in ids(node.get("schema:domainIncludes")):
            by_type.setdefault(kind, set()).add(name)
    for kind, row in PROPERTIES.items():
        assert set(row["properties"]) == by_type.get(kind, set()), kind
        assert set(row["parents"]) == {parent for parent in parents[kind] if ":" not in parent}, kind


# -- pages


def test_every_page_carries_its_record_its_address_and_its_feeds(site: Published) -> None:
    pages = [path for path in site.having(".html") if path.startswith("articles/")]
    assert len(pages) >= 40
    for path in pages:
        record = json.loads(site.files[path.replace(".html", ".jsonld")])
        assert embedded(site.files[path]) == record, path
        article = record["@graph"][0]
        (graph,) = extruct.extract(site.files[path].decode(), syntaxes=["opengraph"])["opengraph"]
        said = dict(reversed(graph["properties"]))
        assert said["og:title"] == article["headline"]
        assert said["og:url"] == article["url"] == SITE + path
        assert said["og:type"] == "article"
        links = html5lib.parse(site.files[path].decode(), namespaceHTMLElements=False).findall(".//head/link")
        assert [link.get("href") for link in links if link.get("rel") == "canonical"] == [SITE + path]
        alternates = {link.get("href"): link.get("type") for link in links if link.get("rel") == "alternate"}
        assert alternates[f"{SITE}feed.xml"] == "application/rss+xml"
        assert alternates[f"{SITE}feed.jsonld"] == "application/ld+json"
        assert SITE + path.replace(".html", ".jsonld") in alternates
        for address in alternates:
            assert address.removeprefix(SITE) in site.files, f"{path}: {address}"


def test_every_link_within_the_site_leads_to_a_published_file(site: Published) -> None:
    checked = 0
    for path in site.having(".html"):
        tree = html5lib.parse(site.files[path].decode(), namespaceHTMLElements=False)
        anchors = {element.get("id") for element in tree.iter() if element.get("id")}
        for element in tree.iter():
            for name in ("href", "src", "poster", "srcset"):
                address = element.get(name)
                if address is None:
                    continue
                if address.startswith("#"):
                    assert unquote(address[1:]) in anchors, f"{path}: {address}"
                    continue
                whole = urljoin(SITE + path, address)
                if whole.startswith(SITE):
                    checked += 1
                    target = unquote(urlsplit(whole).path).lstrip("/")
                    target += "index.html" if not target or target.endswith("/") else ""
                    assert target in site.files, f"{path}: {address}"
    assert checked > 400


def test_every_address_within_the_site_in_feeds_and_records_is_a_published_file(site: Published) -> None:
    for path in site.having(".jsonld"):
        for node in nodes_of(json.loads(site.files[path])):
            address = node.get("url")
            if isinstance(address, str) and address.startswith(SITE) and address != SITE:
                assert address.removeprefix(SITE) in site.files, f"{path}: {address}"
    for path in site.having(".xml"):
        for address in re.findall(rb'"(http://localhost:8080/[^"]+)"|>(http://localhost:8080/[^<]+)<', site.files[path]):  # fmt: skip
            target = (address[0] or address[1]).decode().removeprefix(SITE)
            assert target in site.files, f"{path}: {target}"


def _twins(path: str, entry: dict[str, Any]) -> set[str]:
    """The compressed twins that a manifest names of a file."""
    return {path + {"gzip": ".gz", "br": ".br"}[coding] for coding in entry.get("encodings", {})}


def test_the_manifests_list_exactly_the_files_that_are_there(site: Published) -> None:
    root = json.loads(site.files["manifest.json"])
    listed = dict(root["files"])
    for folder, entry in root["folders"].items():
        path = f"{folder}/manifest.json"
        assert hashlib.sha256(site.files[path]).hexdigest() == entry["hash"], path
        own = json.loads(site.files[path])["files"]
        assert {name.rpartition("/")[0] for name in own} == {folder}
        assert not own.keys() & listed.keys()
        listed |= own
    manifests = {"manifest.json", *(f"{folder}/manifest.json" for folder in root["folders"])}
    twins = {twin for path, entry in listed.items() for twin in _twins(path, entry)}
    assert listed.keys() | manifests | twins == site.files.keys()
    assert not listed.keys() & manifests
    types = {
        ".html": "text/html", ".jsonld": "application/ld+json", ".xml": "application/rss+xml",
        ".jpg": "image/jpeg", ".png": "image/png", ".atom": "application/atom+xml",
        ".json": "application/json", ".ics": "text/calendar", ".ndjson": "application/x-ndjson",
        ".opml": "text/x-opml", ".txt": "text/plain",
    }  # fmt: skip
    for path, entry in listed.items():
        assert entry["hash"] == hashlib.sha256(site.files[path]).hexdigest(), path
        assert entry["size"] == len(site.files[path]), path
        name = Path(path).name
        own = "application/feed+json" if name == "feed.json" else types[Path(path).suffix]
        assert entry["type"] == ("application/xml" if name.startswith("sitemap") else own), path
        assert entry["modified"] == "2026-11-24T12:00:00Z"
